"""Backends: each answers models, in a process of its own."""
