"""QuantileSimulator: angles of X are radians."""

import numpy as np
import pandas as pd
import pytest

from skjetsim.response import QuantileSimulator


def test_degrees_are_refused():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"jet_pt": rng.uniform(20, 90, 200), "jet_phi": rng.uniform(-180, 180, 200)})
    with pytest.raises(ValueError, match=r"jet_phi.*radians"):
        QuantileSimulator(max_epochs=1, random_state=0).fit(X, X[["jet_pt"]])
