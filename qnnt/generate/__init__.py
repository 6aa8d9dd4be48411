"""Instances made from tables and from planted networks."""
