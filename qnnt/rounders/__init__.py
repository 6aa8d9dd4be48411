"""Rounding backends: each answers the quadratic model of one neuron, a row of a layer."""
