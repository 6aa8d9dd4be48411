"""Lemma 1: networks with few arcs of non-zero weight that behave the same on the data."""
