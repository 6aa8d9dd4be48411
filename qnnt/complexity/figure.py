"""Figure 1 of the paper, redrawn, with an instance's own numbers in every box."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from textwrap import fill
from typing import Any

from qnnt.complexity.parameters import Parameters
from qnnt.complexity.theorems import Complexity, Statement, error_bound, statements
from qnnt.exceptions import Unavailable
from qnnt.files.writing import replacing
from qnnt.printable import printable

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹", ",")
_COLOURS = {
    Complexity.FPT: ("#e3f1e4", "#2e7d32"),
    Complexity.NP_HARD: ("#fbe3e1", "#b3261e"),
    Complexity.W2_HARD: ("#fdeeda", "#b45f06"),
    Complexity.OPEN: ("#ececf1", "#5f6368"),
}
# Box centres; dropping a parameter leads downwards, as in the paper.
_PLACES = {
    "Theorem 5": (3.6, 8.2),
    "Theorem 6": (10.4, 8.2),
    "Corollary 2": (3.6, 5.6),
    "Corollary 1": (10.4, 5.6),
    "Section 5": (1.4, 2.2),
    "Theorem 1": (4.2, 2.2),
    "Theorem 3": (7.0, 2.2),
    "Theorem 4": (9.8, 2.2),
    "Theorem 2": (12.6, 2.2),
}
_EDGES = [
    ("Theorem 5", "Corollary 2", "tw ≤ 2·width"),
    ("Theorem 6", "Corollary 1", "tw ≤ 2·width"),
    ("Corollary 2", "Section 5", "width"),
    ("Corollary 2", "Theorem 1", "α"),
    ("Corollary 2", "Theorem 3", "ω"),
    ("Corollary 1", "Theorem 1", "α"),
    ("Corollary 1", "Theorem 3", "ℓ"),
    ("Corollary 1", "Theorem 4", "width"),
]
_WIDE, _NARROW, _LOW, _HIGH = 6.2, 2.66, 1.6, 2.2


def draw_landscape(p: Parameters, path: str | Path, title: str = "") -> None:
    """Draw Figure 1 to a file of any format that matplotlib knows by its suffix (PNG, SVG, PDF).

    Each box is a combination of parameters with the instance's values. A mark on it says whether the theorem
    holds for the instance, or whether the instance is one of the hard ones; those boxes have a thick frame.
    Raises :class:`Unavailable` without matplotlib, ``ValueError`` for an unknown suffix, :class:`InputError`
    if the file cannot be written.
    """
    if find_spec("matplotlib") is None:
        raise Unavailable("the plot needs matplotlib: pip install 'qnnt[plot]'")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 9.6), dpi=110, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 14), ylim=(0, 9.8))
    axes.axis("off")
    plain = printable(title).replace("$", r"\$")  # no name is a formula
    axes.text(0.25, 9.5, plain or "The complexity of d-QNNT", fontsize=15, weight="bold", va="center")
    axes.text(13.75, 9.5, _summary(p), fontsize=10.5, va="center", ha="right", color="#333333")
    for above, below, label in _EDGES:
        _edge(axes, above, below, label)
    for statement in statements(p):
        _box(axes, statement, _values(statement, p))
    _legend(axes)
    with replacing(Path(path)) as fresh:
        figure.savefig(fresh)


def _summary(p: Parameters) -> str:
    return (
        f"d = {p.d}   α = {p.alpha:,}   ω = {p.omega:,}   {error_bound(p)}   |D| = {p.points:,}   "
        f"width {p.width:,}   depth {p.depth:,}   Δ = {p.max_degree:,}   tw {p.treewidth}"
    )


def _values(statement: Statement, p: Parameters) -> str:
    """The instance's values of the parameters in a statement's combination."""
    known = {
        "α": f"α = {p.alpha:,}",
        "ω": f"ω = {p.omega:,}",
        "ℓ": error_bound(p),
        "tw": f"tw {'=' if p.treewidth.lower == p.treewidth.upper else '≤'} {p.treewidth.upper:,}",
        "width": f"width = {p.width:,}",
        "depth": f"depth = {p.depth:,}",
        "Δ": f"Δ = {p.max_degree:,}",
        "|D|": f"|D| = {p.points:,}",
    }
    return ",  ".join(known[name] for name in statement.parameters.split(" + "))


def _set(text: str) -> str:
    """Powers as such, and no line break inside a term."""
    raised = re.sub(r"\^([\d,]+)", lambda power: power[1].translate(_RAISED), text)
    raised = re.sub(r"(not|above) (?=\d)", "\\1\u00a0", raised)
    return re.sub(r" ([=+≥≤]) ", "\u00a0\\1\u00a0", raised).replace("|D| ", "|D|\u00a0")


def _box(axes: Any, statement: Statement, values: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y = _PLACES[statement.name]
    tractable = statement.complexity is Complexity.FPT
    hard = statement.complexity in (Complexity.NP_HARD, Complexity.W2_HARD)
    hit, missed = hard and statement.applies, hard and not statement.applies
    wide, high = (_WIDE, _LOW) if tractable else (_NARROW, _HIGH)
    face, ink = _COLOURS[statement.complexity]
    axes.add_patch(
        FancyBboxPatch(
            (x - wide / 2, y - high / 2),
            wide,
            high,
            boxstyle="round,pad=0,rounding_size=0.12",
            facecolor=face,
            edgecolor=ink,
            linewidth=3.5 if hit else 1.2,
            linestyle="dashed" if missed else "solid",
            zorder=3,
        )
    )
    columns = 60 if tractable else 27
    lines: list[tuple[str, float, dict[str, Any]]] = [
        (statement.parameters, 14 if tractable else 12, {"weight": "bold", "color": ink}),
        (f"{statement.name}: {statement.complexity}", 10.5, {"color": ink}),
        (fill(_set(values), columns), 10.5, {"color": "black"}),
        (fill(_set(statement.says), columns + 3), 9.5, {"color": "#444444", "style": "italic"}),
    ]
    top = y + high / 2 - 0.09
    for text, size, style in lines:
        axes.text(x, top, text, fontsize=size, ha="center", va="top", zorder=4, linespacing=1.15, **style)
        top -= 0.07 + 0.0182 * size * (text.count("\n") + 1)
    if hard or (tractable and statement.applies):
        text = "holds for this instance" if tractable else "this instance is one of them"
        if missed:
            text = "this instance is not one of them"
        mark = {"boxstyle": "round,pad=0.3", "facecolor": "white" if missed else ink, "edgecolor": ink}
        style = {"fontsize": 9, "color": ink if missed else "white", "bbox": mark}
        axes.text(x, y - high / 2, text, ha="center", va="center", zorder=5, **style)


def _edge(axes: Any, above: str, below: str, label: str) -> None:
    (x1, y1), (x2, y2) = _PLACES[above], _PLACES[below]
    y1 -= _LOW / 2
    y2 += (_LOW if below.startswith("Corollary") else _HIGH) / 2
    x1 += 0.28 * (x2 - x1)  # leave the box nearer to where the edge goes
    axes.annotate(
        "",
        (x2, y2),
        (x1, y1),
        arrowprops={"arrowstyle": "-|>", "color": "#80868b", "linewidth": 1.2},
        zorder=1,
    )
    text = label if "≤" in label else f"without {label}"
    place = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"}
    axes.text(
        x1 + 0.42 * (x2 - x1),
        y1 + 0.42 * (y2 - y1),
        text,
        fontsize=9,
        ha="center",
        va="center",
        bbox=place,
        zorder=2,
    )


def _legend(axes: Any) -> None:
    meanings = [
        (Complexity.FPT, "fixed-parameter tractable", 0.3),
        (Complexity.NP_HARD, "NP-hard for constant values", 3.2),
        (Complexity.W2_HARD, "W[2]-hard in α, the others constant", 6.2),
        (Complexity.OPEN, "open", 9.8),
    ]
    for complexity, meaning, x in meanings:
        face, ink = _COLOURS[complexity]
        axes.plot(
            [x], [0.4], marker="s", markersize=11, markerfacecolor=face, markeredgecolor=ink, linestyle="none"
        )
        axes.text(x + 0.2, 0.4, meaning, fontsize=10.5, va="center")
    axes.text(13.85, 0.4, "arrow: what is left without one parameter", fontsize=10.5, va="center", ha="right")
