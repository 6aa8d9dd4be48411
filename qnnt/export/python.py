"""A network as a Python module that needs NumPy only."""

from __future__ import annotations

import textwrap

from qnnt import __version__
from qnnt.activation import Activation
from qnnt.export.notes import clips, matrix, notes
from qnnt.network import Network


def python_module(network: Network) -> str:
    """A module with a function ``predict(X)``: outputs (n, ω) on inputs X (n, α)."""
    domain, architecture = network.domain, network.architecture
    about = "\n\n".join(textwrap.fill(line, 100, break_on_hyphens=False) for line in notes(network))
    layers = "\n".join(
        f"    ({matrix(network, connection).tolist()}, "
        f"{network.biases[connection.biases].tolist()}, {_steps(activation)}),"
        for connection, activation in zip(
            architecture.connections, network.activation.each(architecture.depth), strict=True
        )
    )
    return f'''"""A quantised neural network, made by qnnt {__version__}.

{about}
"""

import numpy as np

# Of each layer: weights, a row for each neuron; biases; thresholds and the values between them, or None
# and the ends that the sum is clipped to.
LAYERS = [
{layers}
]


def predict(X):
    """Outputs (n, {architecture.omega}) on inputs X (n, {architecture.alpha}); ValueError for others."""
    values = np.asarray(X)
    if values.ndim != 2 or values.shape[1] != {architecture.alpha}:
        raise ValueError(f"shape {{values.shape}} is not (n, {architecture.alpha})")
    within = values.dtype.kind in "biuf" and ((values >= {domain.lo}) & (values <= {domain.hi})).all()
    if not within or np.mod(values, 1).any():
        raise ValueError("inputs must be integers from {domain.lo} to {domain.hi}")
    values = values.astype(np.int64)
    for weights, biases, thresholds, shown in LAYERS:
        sums = values @ np.array(weights, dtype=np.int64).T - np.array(biases, dtype=np.int64)
        if thresholds is None:
            values = np.clip(sums, *shown)
        else:
            values = np.array(shown, dtype=np.int64)[np.searchsorted(thresholds, sums, side="right")]
    return values
'''


def _steps(activation: Activation) -> str:
    ends = clips(activation)
    return f"{list(activation.thresholds)}, {list(activation.values)}" if ends is None else f"None, {ends}"
