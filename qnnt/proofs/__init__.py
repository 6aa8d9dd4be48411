"""Answers that somebody can check who trusts neither a solver nor this package."""
