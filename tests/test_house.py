"""The plan of the house in docs/architecture.md is the one that the imports follow."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[1]
PLAN = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FLOORS = [line.split() for line in re.search(r"^```floors\n(.*?)^```", PLAN, re.M | re.S)[1].splitlines()]
HEIGHT = {room: -i for i, rooms in enumerate(FLOORS) for room in rooms}

# A class with load and save methods, and the codec behind them.
LOAD_AND_SAVE = {
    ("instance", "files.instances"),
    ("network", "files.networks"),
    ("rounding.model", "files.dense_models"),
    ("rounding.network", "files.rounded_networks"),
    ("reductions.sources.cnf", "files.formulas"),
    ("reductions.sources.sets", "files.sets"),
}


def modules() -> dict[str, Path]:
    """The files of the package by their names in it."""
    found = {}
    for path in (ROOT / "qnnt").rglob("*.py"):
        parts = path.relative_to(ROOT / "qnnt").with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            found[name] = path
    return found


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """The files of the package that a file imports anywhere: at its top, in functions and for types."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "qnnt":
            base = (node.module or "").removeprefix("qnnt").removeprefix(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".removeprefix(".")
                found.add(inner if inner in known else base)
        elif isinstance(node, ast.Import):
            found |= {a.name.removeprefix("qnnt.") for a in node.names if a.name.startswith("qnnt.")}
    return {name for name in found if name in known}


@pytest.fixture(scope="module")
def graph() -> nx.DiGraph:
    known = modules()
    # An __init__.py is a table of public names.
    files = {name: path for name, path in known.items() if path.name != "__init__.py"}
    arcs = [(name, other) for name, path in files.items() for other in imports(path, known) if other != name]
    return nx.DiGraph(arcs)


def room(name: str) -> str:
    """The longest name of a room that the name of the file begins with."""
    fitting = [r for r in HEIGHT if name == r or name.startswith(f"{r}.")]
    assert fitting, f"{name} is in no room of docs/architecture.md"
    return max(fitting, key=len)


def test_files_that_import_each_other_are_a_class_and_its_codec(graph):
    graph = graph.copy()
    assert graph.edges >= LOAD_AND_SAVE
    graph.remove_edges_from(LOAD_AND_SAVE)
    assert list(nx.simple_cycles(graph)) == []


def test_imports_lead_to_lower_floors(graph):
    wrong = [
        f"{name} ({room(name)}) imports {other} ({room(other)})"
        for name, other in graph.edges
        if room(name) != room(other)
        and HEIGHT[room(name)] <= HEIGHT[room(other)]
        and (name, other) not in LOAD_AND_SAVE
    ]
    assert wrong == []


def test_every_room_is_named_once_and_exists():
    rooms = [room for floor in FLOORS for room in floor]
    assert len(rooms) == len(set(rooms))
    assert set(rooms) <= set(modules())
    described = re.search(r"^## Rooms\n(.*?)^## ", PLAN, re.M | re.S)[1]
    missing = {r for r in rooms if "." not in r and r != "__main__" and not re.search(rf"`{r}/?`", described)}
    assert missing == set()


def test_workers_know_neither_training_nor_rounding(graph):
    below = nx.descendants(graph, "workers.pool") | nx.descendants(graph, "workers.child")
    assert {room(name) for name in below} <= {"workers", "limits", "exceptions"}


@pytest.mark.parametrize(
    "checker", ["replay", "drat", "cutting_planes", "treewidth_dp", "dual", "rounded_rows"]
)
def test_what_checks_knows_no_encoder_no_backend_and_no_rounder(graph, checker):
    below = {room(name) for name in nx.descendants(graph, f"verify.{checker}")}
    assert below.isdisjoint({"encoders", "backends", "rounders"})
