"""Local search over weights and biases: finds networks, proves nothing."""
