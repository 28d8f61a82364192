"""Classifiers as tools: default trees, weights, probabilities, and ratios of densities."""
