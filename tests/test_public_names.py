"""What ``import qnnt`` offers: every public name, and nothing heavy until one is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import qnnt


def test_every_public_name_is_there() -> None:
    assert len(qnnt.__all__) == len(set(qnnt.__all__))
    for name in qnnt.__all__:
        assert getattr(qnnt, name) is not None
    assert set(qnnt.__all__) <= set(dir(qnnt))


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(qnnt.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname for node in block.body for alias in node.names}  # type: ignore[attr-defined]
    assert seen == set(qnnt.__all__) - {"__version__"}


def test_what_authors_need_is_public() -> None:
    """Of backends and encoders: what the protocols name in their signatures, and all models."""
    authors = {"Answer", "Availability", "Backend", "Capability", "Limits", "Report", "Start", "Status"}
    authors |= {"Encoder", "ParameterLift", "Lift", "Instance", "Choices", "Progress", "Network"}
    authors |= {"Formula", "LinearModel", "PseudoBooleanModel", "CpSatModel", "Rows"}
    assert authors <= set(qnnt.__all__)


def test_the_package_is_light_until_it_is_used() -> None:
    script = "import sys, qnnt; print('numpy' in sys.modules, 'msgspec' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "False False\n"
