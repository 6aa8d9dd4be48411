"""A convolutional network trained in plain numpy: four Conv, one of them grouped, with BatchNormalization."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx
from graph_models import build, node

Array = npt.NDArray[np.float32]

EPSILON, MOMENTUM = 1e-5, 0.1
RATES = 0.9, 0.999  # of Adam's means


@dataclass
class Parameter:
    """Values with their gradient and Adam's two means."""

    value: Array
    gradient: Array = field(init=False)
    means: list[Array] = field(init=False)

    def __post_init__(self) -> None:
        self.value = self.value.astype(np.float32)
        self.means = [np.zeros_like(self.value), np.zeros_like(self.value)]

    def step(self, rate: float, number: int) -> None:
        """One step of Adam, the ``number``-th."""
        for i, power in enumerate((1, 2)):
            self.means[i] += np.float32(1 - RATES[i]) * (self.gradient**power - self.means[i])
        first, second = (mean / (1 - r**number) for mean, r in zip(self.means, RATES, strict=True))
        self.value -= np.float32(rate) * (first / (np.sqrt(second) + 1e-8)).astype(np.float32)


class Block:
    """Conv (M, C/groups, k, k) with padding k//2, BatchNormalization, ReLU."""

    def __init__(
        self, rng: np.random.Generator, C: int, M: int, k: int, stride: int, groups: int = 1
    ) -> None:
        spread = math.sqrt(2 / (C // groups * k * k))
        self.weights = Parameter(rng.normal(size=(M, C // groups, k, k)) * spread)
        self.scale, self.shift = Parameter(np.ones(M)), Parameter(np.zeros(M))
        self.mean, self.variance = np.zeros(M, np.float32), np.ones(M, np.float32)
        self.k, self.stride, self.groups = k, stride, groups

    @property
    def parameters(self) -> list[Parameter]:
        """Weights, scale and shift."""
        return [self.weights, self.scale, self.shift]

    def forward(self, X: Array) -> Array:
        """In training: the means and variances are those of the batch."""
        g, (N, C), p, s = self.groups, X.shape[:2], self.k // 2, self.stride
        padded = np.pad(X, ((0, 0), (0, 0), (p, p), (p, p)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (self.k, self.k), axis=(2, 3))[
            :, :, ::s, ::s
        ]
        h, w = windows.shape[2:4]
        split = windows.reshape(N, g, C // g, h, w, self.k, self.k)
        self.columns = split.transpose(1, 0, 3, 4, 2, 5, 6).reshape(g, N * h * w, -1)
        rows = self.weights.value.reshape(g, len(self.weights.value) // g, -1)
        sums = self.columns @ rows.transpose(0, 2, 1)  # (g, N·h·w, M/g)
        self.shapes = X.shape, padded.shape, (h, w)
        y = sums.transpose(1, 0, 2).reshape(N * h * w, -1)
        mean, variance = y.mean(axis=0), y.var(axis=0)
        self.mean += np.float32(MOMENTUM) * (mean - self.mean)
        self.variance += np.float32(MOMENTUM) * (variance - self.variance)
        self.root = np.sqrt(variance + np.float32(EPSILON))
        self.normal = (y - mean) / self.root
        z = self.normal * self.scale.value + self.shift.value
        self.on = z > 0
        return (z * self.on).reshape(N, h, w, -1).transpose(0, 3, 1, 2)

    def backward(self, gradient: Array) -> Array:
        """The gradient at the input, from that at the output; those of the parameters are noted."""
        g, ((N, C, H, W), padded, (h, w)), s = self.groups, self.shapes, self.stride
        d = gradient.transpose(0, 2, 3, 1).reshape(N * h * w, -1) * self.on
        self.scale.gradient, self.shift.gradient = (d * self.normal).sum(axis=0), d.sum(axis=0)
        d = d * self.scale.value
        d = (d - d.mean(axis=0) - self.normal * (d * self.normal).mean(axis=0)) / self.root
        d = d.reshape(N * h * w, g, -1).transpose(1, 0, 2)
        self.weights.gradient = (d.transpose(0, 2, 1) @ self.columns).reshape(self.weights.value.shape)
        rows = self.weights.value.reshape(g, len(self.weights.value) // g, -1)
        windows = (d @ rows).reshape(g, N, h, w, C // g, self.k, self.k).transpose(1, 0, 4, 2, 3, 5, 6)
        windows = windows.reshape(N, C, h, w, self.k, self.k)
        X = np.zeros(padded, np.float32)
        for i in range(self.k):
            for j in range(self.k):
                X[:, :, i : i + s * h : s, j : j + s * w : s] += windows[..., i, j]
        p = self.k // 2
        return X[:, :, p : p + H, p : p + W]


class SmallCnn:
    """Four blocks, the mean over all positions, and a dense layer to ten classes."""

    def __init__(self, seed: int, size: int) -> None:
        rng = np.random.default_rng(seed)
        self.size, large = size, size >= 20
        self.blocks = [
            Block(rng, 1, 8, 5, 2 if large else 1),
            Block(rng, 8, 16, 3, 1, groups=2),
            Block(rng, 16, 32, 3, 2),
            Block(rng, 32, 32, 3, 2 if large else 1),
        ]
        self.dense, self.bias = Parameter(rng.normal(size=(10, 32)) / 6), Parameter(np.zeros(10))

    def parameters(self) -> Iterator[Parameter]:
        """All of them."""
        for block in self.blocks:
            yield from block.parameters
        yield from (self.dense, self.bias)

    def train(self, X: Array, y: npt.NDArray[np.int64], *, epochs: int, seed: int, batch: int = 100) -> None:
        """Adam on the cross entropy, with a rate that falls to 0 along half a cosine."""
        rng, number, steps = np.random.default_rng(seed), 0, epochs * (len(X) // batch)
        for _ in range(epochs):
            order = rng.permutation(len(X))
            for begin in range(0, len(X) - batch + 1, batch):
                chosen, number = order[begin : begin + batch], number + 1
                self._gradients(X[chosen].reshape(batch, 1, self.size, self.size), y[chosen])
                for parameter in self.parameters():
                    parameter.step(0.003 * (1 + math.cos(math.pi * number / steps)), number)

    def _gradients(self, X: Array, y: npt.NDArray[np.int64]) -> None:
        values = X
        for block in self.blocks:
            values = block.forward(values)
        pooled = values.mean(axis=(2, 3))
        scores = pooled @ self.dense.value.T + self.bias.value
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        d = powers / powers.sum(axis=1, keepdims=True)
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        self.dense.gradient, self.bias.gradient = d.T @ pooled, d.sum(axis=0)
        spread = (d @ self.dense.value)[:, :, None, None] / np.float32(values[0, 0].size)
        gradient = np.broadcast_to(spread, values.shape)
        for block in reversed(self.blocks):
            gradient = block.backward(gradient)

    def onnx(self, opset: int) -> onnx.ModelProto:
        """The network as exporters write it: images (N, 1, size, size), scores (N, 10)."""
        nodes, constants, at = [], {}, "image"
        for i, block in enumerate(self.blocks):
            p, s = block.k // 2, block.stride
            nodes.append(
                node("Conv", f"{at} w{i}", f"conv{i}", pads=[p] * 4, strides=[s, s], group=block.groups)
            )
            nodes.append(node("BatchNormalization", f"conv{i} g{i} h{i} m{i} v{i}", f"norm{i}"))
            nodes.append(node("Relu", f"norm{i}", f"relu{i}"))
            constants |= {
                f"w{i}": block.weights.value,
                f"g{i}": block.scale.value,
                f"h{i}": block.shift.value,
            }
            constants |= {f"m{i}": block.mean, f"v{i}": block.variance}
            at = f"relu{i}"
        nodes.append(node("GlobalAveragePool", at, "pool"))
        nodes.append(node("Flatten", "pool", "flat"))
        nodes.append(node("Gemm", "flat dense bias", "scores", transB=1))
        constants |= {"dense": self.dense.value, "bias": self.bias.value}
        shape = ["N", 1, self.size, self.size]
        return build(nodes, constants, {"image": shape}, {"scores": ["N", 10]}, opset=opset)
