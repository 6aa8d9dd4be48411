"""Sessions: ``nox -s lint types docs tests``."""

import nox

nox.options.sessions = ["lint", "types", "docs", "tests"]


@nox.session
def lint(session: nox.Session) -> None:
    """Style and formatting."""
    session.install("ruff>=0.8")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Static types."""
    session.install(".", "mypy>=1.13")
    session.run("mypy", "qnnt")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, in build/site."""
    session.install(".[docs]")
    session.run("mkdocs", "build", "--strict")


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """All tests; arguments go to pytest."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)
