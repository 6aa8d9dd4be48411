"""The few inner loops that numpy cannot carry, compiled by numba on first use."""
