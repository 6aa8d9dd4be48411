"""Branch and bound for networks without hidden layer, one neuron at a time."""
