"""``qnnt info``: the parameters of an instance."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qnnt.cli.options import Errors, InstanceFile, Json, load, require_apart, writable
from qnnt.cli.output import print_columns, print_json
from qnnt.cli.program import OK
from qnnt.exceptions import Unavailable
from qnnt.wording import count

if TYPE_CHECKING:
    from qnnt.complexity.parameters import Parameters
    from qnnt.instance import Instance


Plot = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Draw Figure 1 of the paper with this instance's place: .png, .svg or .pdf."
    ),
]


def info(instance: InstanceFile, errors: Errors = None, plot: Plot = None, json: Json = False) -> int:
    """Show the parameters of an instance, what the paper's theorems say of it, and what 'auto' would take."""
    from qnnt.complexity.parameters import parameters
    from qnnt.complexity.theorems import statements
    from qnnt.drawing.files import form_of
    from qnnt.goals import AtMost

    if plot is not None:
        require_apart([writable(plot)], [instance])
        form_of(plot, "--plot")
    loaded = load(instance, errors)
    known = parameters(loaded)
    said = statements(known)
    asked = loaded.goal if known.ell is None else AtMost(known.ell)  # by the theorems
    other = f", for {asked}" if loaded.goal != asked else ""
    if plot is not None:
        from qnnt.complexity.figure import draw_landscape

        draw_landscape(known, plot, f"{instance.name}{other}")
    facts = {**_facts(loaded, known), "theorems_goal": str(asked)}
    facts["theorems"] = [asdict(statement) for statement in said]
    if json:
        print_json(facts)
    else:
        _show(facts, known)
        print(f"\nThe paper's theorems{other}:")
        print_columns((s.name, s.complexity, s.parameters, s.says) for s in said)
    return OK


def _facts(instance: Instance, known: Parameters) -> dict[str, Any]:
    a, domain, data = instance.architecture, instance.domain, instance.dataset
    return {
        "d": domain.d,
        "domain": [domain.lo, domain.hi],
        "activation": instance.activation.document,
        "layers": [len(layer) for layer in a.layers],
        "alpha": a.alpha,
        "omega": a.omega,
        "depth": a.depth,
        "width": a.width,
        "max_degree": a.max_degree,
        "treewidth": asdict(known.treewidth),
        "treewidth_without_inputs": asdict(known.treewidth_without_inputs),
        "log10_table": known.log10_table,
        "neurons": a.n_neurons,
        "arcs": a.n_arcs,
        "dense": a.is_dense,
        "parameters": a.n_parameters,
        "log10_networks": a.n_parameters * math.log10(domain.d),
        "twins": [{"layer": layer, "neurons": len(members)} for layer, members in a.twins],
        "points": data.total,
        "distinct_inputs": len(instance.choices.inputs),
        "contradicting_inputs": data.contradicting,
        "unavoidable_errors": instance.choices.unavoidable,
        "goal": str(instance.goal),
        "error_bound": known.ell,
        **_auto(instance),
        "meta": {k: v for k, v in instance.meta.items() if isinstance(v, str | int | float | bool)},
    }


def _auto(instance: Instance) -> dict[str, str | None]:
    """What 'auto' would take with one thread, or why it would take none."""
    from qnnt.auto import members

    try:
        return {"auto": " + ".join(backend.name for backend in members(instance)), "auto_reason": None}
    except Unavailable as error:
        return {"auto": None, "auto_reason": str(error)}


def _show(facts: dict[str, Any], known: Parameters) -> None:
    from qnnt.complexity.theorems import table_bound

    lo, hi = facts["domain"]
    dense = "dense" if facts["dense"] else "sparse"
    twins = ", ".join(f"{t['neurons']} in layer {t['layer']}" for t in facts["twins"])
    meta = dict(facts["meta"])
    origin = [str(meta.pop(key)) for key in ("kind", "source") if key in meta]
    origin += [f"{key} {value}" for key, value in meta.items() if key != "problem"]
    print_columns(
        [
            ("domain", f"Z_{facts['d']} = {{{lo}..{hi}}}"),
            ("activation", known.activation),
            ("layers", f"{'-'.join(map(str, facts['layers']))}, {dense}"),
            ("inputs α", f"{facts['alpha']:,}"),
            ("outputs ω", f"{facts['omega']:,}"),
            ("depth", count(facts["depth"], "hidden layer")),
            ("width", f"{facts['width']:,}"),
            ("degree Δ", f"{facts['max_degree']:,}"),
            ("treewidth", f"{known.treewidth}, without the inputs {known.treewidth_without_inputs}"),
            ("Lemma 3 table", table_bound(known)),
            ("neurons", f"{facts['neurons']:,}"),
            ("arcs", f"{facts['arcs']:,}"),
            ("parameters", f"{facts['parameters']:,}"),
            ("networks", f"{facts['d']}^{facts['parameters']} ~ 10^{facts['log10_networks']:.0f}"),
            ("interchangeable", twins or "none"),
            ("points", f"{facts['points']:,} with {count(facts['distinct_inputs'], 'distinct input')}"),
            ("contradicting", count(facts["contradicting_inputs"], "input")),
            ("unavoidable", count(facts["unavoidable_errors"], "error")),
            ("goal", facts["goal"]),
            ("auto", facts["auto"] or f"none: {facts['auto_reason']}"),
            ("origin", ", ".join(origin) or "not stated"),
        ],
        indent=0,
    )
