"""A network as formulas in LaTeX."""

from __future__ import annotations

from qnnt import __version__
from qnnt.activation import Activation
from qnnt.export.notes import clips, notes
from qnnt.formula import Neuron, neurons
from qnnt.network import Network

_TERMS = 6  # on a line
_ESCAPED = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "#$%&_{}"},
}


def latex(network: Network) -> str:
    """An ``align*`` of amsmath: a line for each neuron, and one for what each activation is."""
    architecture = network.architecture
    letters: dict[Activation, str] = {}
    for activation in network.activation.each(architecture.depth):
        name = {"relu": "ReLU"}.get(activation.name, activation.name)
        letters.setdefault(activation, rf"\operatorname{{{name}}}" if name else "fg"[len(letters)])
    every = neurons(architecture, network.activation, network.weights, network.biases)
    lines = [f"{text(n.name)} &= {letters[n.activation]}({_sum(n)})" for n in every]
    lines += [f"{letter}(z) &= {_meaning(activation)}" for activation, letter in letters.items()]
    comments = "\n".join(f"% {line}" for line in notes(network))
    body = " \\\\\n".join(lines)
    head = f"% A quantised neural network, made by qnnt {__version__}; needs amsmath."
    return "\n".join([head, comments, r"\begin{align*}", body, r"\end{align*}", ""])


def text(name: str) -> str:
    r"""A name as ``\text{…}``, whatever it holds."""
    printed = " ".join(name.split()) or " "
    return rf"\text{{{''.join(_ESCAPED.get(c, c) for c in printed)}}}"


def _sum(neuron: Neuron) -> str:
    terms = [(w, text(name) if abs(w) == 1 else rf"{abs(w)}\,{text(name)}") for w, name in neuron.terms]
    if neuron.bias or not terms:
        terms.append((-neuron.bias, str(abs(neuron.bias))))
    shown = []
    for i, (sign, term) in enumerate(terms):
        if i and i % _TERMS == 0:
            shown.append("\\\\\n&\\qquad {}")
        shown.append(f"- {term}" if sign < 0 else f"+ {term}" if i else term)
    return " ".join(shown)


def _meaning(activation: Activation) -> str:
    ends = clips(activation)
    if ends is not None:
        return rf"\min(\max(z, {ends[0]}), {ends[1]})"
    values, thresholds = activation.values, activation.thresholds
    cases = [rf"{values[0]} & z < {thresholds[0]}"]
    for j in range(1, activation.top):
        cases.append(rf"{values[j]} & {thresholds[j - 1]} \le z < {thresholds[j]}")
    cases.append(rf"{values[-1]} & z \ge {thresholds[-1]}")
    rows = r" \\ ".join(cases)
    return rf"\begin{{cases}} {rows} \end{{cases}}"
