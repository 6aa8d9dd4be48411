"""Random dense layers to round, and the distance of a rounded neuron by the definition alone."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from qnnt.rounding import LayerProblem, Scheme


@dataclass
class Layer:
    """A layer, its calibration inputs, and how it is to be rounded."""

    W: np.ndarray
    b: np.ndarray
    X: np.ndarray
    scheme: Scheme
    candidates: int = 2
    reference: np.ndarray | None = None

    @classmethod
    def random(cls, seed: int, n: int, f: int, N: int, *, bits: int = 2, candidates: int = 2) -> Layer:
        rng = np.random.default_rng(seed)
        return cls(rng.normal(size=(n, f)), rng.normal(size=n), rng.random((N, f)), Scheme(bits), candidates)

    def problem(self) -> LayerProblem:
        return self.parts()[0]

    def parts(self):
        return LayerProblem.of_layer(
            self.W, self.b, self.X, self.scheme, candidates=self.candidates, reference=self.reference
        )


def distance(layer: Layer, neuron: int, codes: np.ndarray) -> float:
    """(1/N) Σ_k (y_k − y̌_k)² of one neuron with integer codes (f+1,), the bias's last, point by point."""
    _, scale, code = layer.parts()
    total = 0.0
    for k, x in enumerate(layer.X):
        integers = [int(q) - code.zero_point for q in code.codes(x)]
        stored = [code.scale * q for q in integers]
        if layer.reference is None:
            y = float(np.dot(layer.W[neuron], stored)) + layer.b[neuron]
        else:
            y = layer.reference[k, neuron]
        accumulated = sum(q * int(c) for q, c in zip(integers, codes[:-1], strict=True)) + int(codes[-1])
        total += (y - scale[neuron] * code.scale * accumulated) ** 2
    return total / len(layer.X)


def optimum(layer: Layer, neuron: int) -> Fraction:
    """The least distance over all codes allowed, exactly; an input that is always 0 has no say."""
    problem, scale, code = layer.parts()
    points = [[int(q) - code.zero_point for q in row] for row in code.codes(layer.X)]
    unit = Fraction(float(scale[neuron])) * Fraction(code.scale)
    if layer.reference is None:
        weights = [Fraction(float(w)) * Fraction(code.scale) for w in layer.W[neuron]]
        bias = Fraction(float(layer.b[neuron]))
        y = [sum((w * q for w, q in zip(weights, point, strict=True)), bias) for point in points]
    else:
        y = [Fraction(float(value)) for value in layer.reference[:, neuron]]
    ends = zip(problem.lower[neuron].tolist(), problem.upper[neuron].tolist(), strict=True)
    box = [range(a, b + 1) for a, b in ends]
    box[:-1] = [
        values if any(point[j] for point in points) else values[:1] for j, values in enumerate(box[:-1])
    ]

    def cost(codes: tuple[int, ...]) -> Fraction:
        sums = [sum(q * c for q, c in zip(point, codes[:-1], strict=True)) + codes[-1] for point in points]
        squares = ((goal - unit * s) ** 2 for goal, s in zip(y, sums, strict=True))
        return sum(squares, Fraction(0)) / len(points)

    return min(map(cost, itertools.product(*box)))


def room(layer: Layer, neuron: int, cost: float) -> float:
    """1e-9 of a cost, and what rounding errors of such outputs do to the square of a small difference."""
    cost = max(cost, 0.0)  # a model's may be below by a rounding error
    size = float(np.abs(layer.W[neuron]) @ np.abs(layer.X).max(axis=0) + np.abs(layer.b[neuron]))
    return 1e-9 * cost + 1e-13 * size * cost**0.5 + 1e-26 * size**2 + 1e-300


@st.composite
def layers(
    draw: st.DrawFn, most_bits: int = 10, most_neurons: int = 2, candidates: tuple[int, ...] = (2, 3, 4)
) -> Layer:
    """Layers with at most ``most_bits`` = n·(f+1)·log₂(candidates) bits; many of them degenerate."""
    c = draw(st.sampled_from(candidates))
    most = int(most_bits / np.log2(c))
    f = draw(st.integers(1, max(1, min(6, most - 1))))
    n = draw(st.integers(1, max(1, min(most_neurons, most // (f + 1)))))
    N = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    W, b = rng.normal(size=(n, f)), rng.normal(size=n)
    X = rng.random((N, f)) if draw(st.booleans()) else rng.normal(size=(N, f))
    kind = draw(st.sampled_from(["plain", "dead", "twins", "grid", "zero", "large", "small"]))
    if kind == "dead":
        X[:, rng.random(f) < 0.5] = 0.0
    elif kind == "twins":
        X[:, f // 2 :] = X[:, : f - f // 2]
    elif kind == "grid":
        W, b = np.rint(2 * W) / 2, np.zeros(n)
    elif kind == "zero":
        W, X = W * 0, X * draw(st.sampled_from([0, 1]))
    elif kind == "large":
        W, b, X = W * 1e6, b * 1e9, X * 1e3
    elif kind == "small":
        W, b, X = W * 1e-6, b * 1e-9, X * 1e-3
    scheme = Scheme(
        draw(st.sampled_from([1, 2, 2, 3, 8])),
        draw(st.sampled_from(["symmetric", "max"])),
        draw(st.sampled_from(["tensor", "row"])),
    )
    reference = X @ W.T + b if draw(st.integers(0, 3)) == 0 else None
    return Layer(W, b, X, scheme, c, reference)
