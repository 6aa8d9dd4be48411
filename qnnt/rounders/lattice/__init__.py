"""Rounding as a closest-vector problem in a box."""
