"""Warnings of columns point at the line of the user, for every caller."""

import warnings

import numpy as np

from skjetsim.flows import FlowGenerator, FlowSimulator


def test_the_warning_of_integers_points_here():
    X = np.random.default_rng(0).poisson(3.0, size=(600, 2)).astype(float)
    tiny = {"n_transforms": 1, "hidden_features": (4,), "max_epochs": 1, "random_state": 0}
    fits = [
        lambda: FlowGenerator(**tiny).fit(X),
        lambda: FlowGenerator(**tiny).partial_fit(X),
        lambda: FlowSimulator(**tiny).fit(X, X),
    ]
    for fit in fits:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit()
        assert len(caught) == 2
        assert {entry.filename for entry in caught} == {__file__}
