"""Conformance tests for backends, encoders and rounders of other packages.

A kit of plain functions: it needs no test framework, and its cases are fixed and have names. With pytest::

    import pytest
    from qnnt.testing import backend_cases, check_backend

    @pytest.mark.parametrize("case", backend_cases(), ids=str)
    def test_conformance(case):
        check_backend(MyBackend(), case)

or all in one call, with exclusions by name and reason::

    check_backend(MyBackend(), exclude={"minimize-*-twins": "takes hours: no symmetry is broken"})

``check_encoder`` and ``check_rounder`` are used in the same way. What is expected is found by trying every
network (at most 5,000), or every assignment of a row, with no code of an encoder, a backend or a rounder.
"""

from qnnt.testing.backends import BackendCase, backend_cases, check_backend
from qnnt.testing.cases import Case, CheckReport, Finding, Grade
from qnnt.testing.encoders import EncoderCase, check_encoder, encoder_cases
from qnnt.testing.rounders import RounderCase, check_rounder, rounder_cases

__all__ = [
    "BackendCase",
    "Case",
    "CheckReport",
    "EncoderCase",
    "Finding",
    "Grade",
    "RounderCase",
    "backend_cases",
    "check_backend",
    "check_encoder",
    "check_rounder",
    "encoder_cases",
    "rounder_cases",
]
