"""Plots of how well a model does, in the manner of scikit-learn's Displays."""

from skjetsim.inspection._marginal import MarginalDisplay

__all__ = ["MarginalDisplay"]
