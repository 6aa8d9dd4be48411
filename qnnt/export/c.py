"""A network as a C99 function."""

from __future__ import annotations

import textwrap

from qnnt import __version__
from qnnt.activation import Activation
from qnnt.export.notes import clips, comment, notes
from qnnt.formula import Neuron, neurons
from qnnt.network import Network


def c_function(network: Network) -> str:
    """A file with ``void qnnt_predict(const int64_t x[α], int64_t y[ω])``, which needs ``stdint.h`` only."""
    architecture = network.architecture
    layers = architecture.layers
    about = "\n".join(
        textwrap.fill(line, 98, initial_indent=" * ", subsequent_indent=" *   ", break_on_hyphens=False)
        for line in notes(network)
    )
    functions: dict[Activation, str] = {}
    for activation in network.activation.each(architecture.depth):
        functions.setdefault(activation, f"activation{len(functions)}")
    arrays = ["x", *(f"h{i}" for i in range(1, architecture.depth + 1)), "y"]
    place = {
        name: f"{array}[{j}]"
        for array, layer in zip(arrays, layers, strict=True)
        for j, name in enumerate(layer)
    }
    body = [f"    int64_t {a}[{len(layer)}];" for a, layer in zip(arrays[1:-1], layers[1:-1], strict=True)]
    for neuron in neurons(architecture, network.activation, network.weights, network.biases):
        shown = f"{functions[neuron.activation]}({_sum(neuron, place)})"
        body.append(f"    {place[neuron.name]} = {shown};  /* {comment(neuron.name)} */")
    defined = "\n".join(_function(activation, name) for activation, name in functions.items())
    return f"""/* A quantised neural network, made by qnnt {__version__}.
 *
{about}
 */

#include <stdint.h>

#define QNNT_INPUTS {architecture.alpha}
#define QNNT_OUTPUTS {architecture.omega}

void qnnt_predict(const int64_t x[QNNT_INPUTS], int64_t y[QNNT_OUTPUTS]);

{defined}
/* Outputs y of inputs x from {network.domain.lo} to {network.domain.hi}; others are not looked for. */
void qnnt_predict(const int64_t x[QNNT_INPUTS], int64_t y[QNNT_OUTPUTS])
{{
    (void)x;
{chr(10).join(body)}
}}
"""


def _sum(neuron: Neuron, place: dict[str, str]) -> str:
    terms = [(w, place[name] if abs(w) == 1 else f"{abs(w)} * {place[name]}") for w, name in neuron.terms]
    if neuron.bias or not terms:
        terms.append((-neuron.bias, str(abs(neuron.bias))))
    text = "".join(f" {'-' if sign < 0 else '+'} {term}" for sign, term in terms)
    return text.removeprefix(" + ") if text.startswith(" +") else f"-{text[3:]}"


def _function(activation: Activation, name: str) -> str:
    ends = clips(activation)
    if ends is not None:
        low, high = ends
        return f"""static int64_t {name}(int64_t z)
{{
    return z < {low} ? {low} : z > {high} ? {high} : z;
}}
"""
    thresholds, values = (", ".join(map(str, each)) for each in (activation.thresholds, activation.values))
    return f"""static int64_t {name}(int64_t z)
{{
    static const int64_t thresholds[] = {{{thresholds}}};
    static const int64_t values[] = {{{values}}};
    int level = 0;
    while (level < {activation.top} && z >= thresholds[level])
        level++;
    return values[level];
}}
"""
