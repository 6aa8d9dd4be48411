"""Networks as text."""

from __future__ import annotations

from qnnt import Activation, Architecture, Domain, Network


def test_a_large_network_is_cut_and_says_so(capsys):
    architecture, domain = Architecture.dense([20, 60, 1]), Domain(3)
    print(Network(architecture, domain, [-1] * architecture.n_arcs, [1] * architecture.n_biases))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 42
    assert lines[1].startswith("  h0   =  ReLU(-x0 - x1 - ")
    assert lines[1].endswith(" + … (8 more terms) - 1)")
    assert lines[-1] == "  … and 21 more neurons; a network file holds them all"


def test_a_neuron_of_zeros_and_names_that_would_upset_a_terminal(capsys):
    architecture, domain = Architecture([["\x1b[31m"], ["y\n"]], [("\x1b[31m", "y\n")]), Domain(3)
    print(Network(architecture, domain, [0], [0]))
    print(Network(architecture, domain, [1], [-1]))
    out = capsys.readouterr().out
    assert "ReLU(0)" in out
    assert r"y\n  =  ReLU(\x1b[31m + 1)" in out


def test_activations_are_called_by_their_names(capsys):
    architecture, domain = Architecture.dense([1, 1, 1]), Domain(5)
    for activation in ("sign", ("relu", "step"), (Activation((0, 5), (-1, 0, 2)), Activation((0,), (0, 2)))):
        print(Network(architecture, domain, [1, 1], [0, 0], activation))
    assert capsys.readouterr().out.splitlines() == [
        "Network, where sign is -1 below 0, 1 from 0 on; weights of 0 are left out:",
        "  h0  =  sign(x0)",
        "  y0  =  sign(h0)",
        "Network, where ReLU maps below 0 to 0 and above 2 to 2, and step is 0 below 1, 1 from 1 on; "
        "weights of 0 are left out:",
        "  h0  =  ReLU(x0)",
        "  y0  =  step(h0)",
        "Network, where f is -1 below 0, 0 from 0 on, 2 from 5 on, and g is 0 below 0, 2 from 0 on; "
        "weights of 0 are left out:",
        "  h0  =  f(x0)",
        "  y0  =  g(h0)",
    ]
