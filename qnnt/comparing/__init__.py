"""Runs of backends, and answers of outside solvers, held against each other and against what is known."""
