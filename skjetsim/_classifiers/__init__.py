"""Classifiers as a means: default trees, weights, probabilities, and ratios of densities."""
