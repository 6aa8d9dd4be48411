"""Conformance tests for backends, encoders and rounders of other packages.

A kit of plain functions: it needs no test framework, and its cases are fixed and have names. With pytest::

    import pytest
    from qnnt.testing import backend_cases, check_backend

    @pytest.mark.parametrize("case", backend_cases(), ids=str)
    def test_conformance(case):
        check_backend(MyBackend(), case)

or all in one call, with exclusions by name and reason::

    check_backend(MyBackend(), exclude={"minimize-*-twins": "takes hours: no symmetry is broken"})

Instances have at most 5,000 networks. What is expected is found by evaluating every one of them from the
definition, with no code of an encoder or a backend.
"""

from qnnt.testing.backends import BackendCase, backend_cases, check_backend
from qnnt.testing.cases import Case, Finding, Outcome, Report

__all__ = [
    "BackendCase",
    "Case",
    "Finding",
    "Outcome",
    "Report",
    "backend_cases",
    "check_backend",
]
