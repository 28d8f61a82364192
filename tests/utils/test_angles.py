"""One rule for which columns are angles, for conditions, residuals and metrics alike."""

import numpy as np
import pandas as pd
import pytest

from skjetsim._encoders._condition import ConditionEncoder
from skjetsim.preprocessing import AngleEncoder
from skjetsim.utils._angles import is_angle


@pytest.mark.parametrize("name", ["phi", "muon_phi", "muon_met_delta_phi", "phi_rel"])
def test_azimuths_and_their_differences(name):
    assert is_angle(name)


@pytest.mark.parametrize("name", ["muon_cos_phi", "met_sin_phi", "jet_phi_residual", "phiz", 3, ""])
def test_what_only_looks_like_one(name):
    assert not is_angle(name)


def test_encoded_angles_are_not_encoded_again():
    X = pd.DataFrame({"jet_phi": np.linspace(-3, 3, 50), "jet_pt": np.linspace(20, 90, 50)})
    encoded = AngleEncoder().fit_transform(X)
    assert list(ConditionEncoder(list(X)).fit(X.to_numpy()).angles_) == [0]
    assert len(ConditionEncoder(list(encoded)).fit(encoded.to_numpy()).angles_) == 0
