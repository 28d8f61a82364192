"""What estimators with a network share: parameters, training, calls of the network."""
