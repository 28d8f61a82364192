"""EfficiencySimulator: what stands for missing objects, noise of patterns, and nothing lost."""

import numpy as np
import pandas as pd
import pytest
from efficiency_toys import Smear, jets, two_jets
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim import load, save
from skjetsim.compose import EfficiencySimulator
from skjetsim.flows import FlowSimulator

JET2 = ["jet2_pt", "jet2_mass"]


def padded(y, missing):
    """Events with sentinels in place of zeros."""
    return y.mask((y == 0) & (y.columns != "accepted"), missing)


def fitted(X, y, **settings):
    return EfficiencySimulator(Smear(), random_state=0, **settings).fit(X, y)


@pytest.mark.parametrize("theory", ["zeros", "sentinels"])
def test_sentinels_are_zeros_by_another_name(theory):
    X, y = two_jets()
    plain = fitted(X, y, objects=["jet2"])
    zero = plain.sample(X, random_state=0)
    given = padded(X, -999.0) if theory == "sentinels" else X
    model = fitted(given, padded(y, -999.0), objects=["jet2"], missing=-999)
    assert model.patterns_ == plain.patterns_
    assert set(model.simulators_) == set(plain.simulators_)
    if theory == "zeros":
        drawn = model.sample(X, random_state=0)
        assert_array_equal(np.where(drawn == -999, 0.0, drawn), zero)
        assert_array_equal(drawn[drawn[:, 3] == 0, :3], -999)
        assert not (drawn[:, :3] == 0).any()
        assert_allclose(
            model.score_samples(X, padded(y, -999.0)), plain.score_samples(X, y), rtol=1e-12
        )
        assert (model.predict(X)[:, 0] != 0).all()


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (np.nan, "missing must be a finite number, got nan"),
        (-np.inf, "missing must be a finite number, got -inf"),
        (np.float32("nan"), "missing must be a finite number, got nan"),
        ({"jet2_pt": -1, "jet2_mass": np.nan}, r"missing\['jet2_mass'\] must be a finite"),
    ],
)
def test_nan_is_no_sentinel(missing, named):
    X, y = two_jets()
    with pytest.raises(ValueError, match=rf"{named}.*y.fillna\(-999\) and missing=-999"):
        fitted(X, padded(y, np.nan), objects=["jet2"], missing=missing)
    cured = fitted(X, padded(y, np.nan).fillna(-999), objects=["jet2"], missing=-999)
    assert cured.patterns_ == fitted(X, y, objects=["jet2"]).patterns_


def test_a_sentinel_for_each_column():
    X, y = two_jets()
    y["jet2_b_tag"] = np.where((y[JET2] == 0).all(axis=1), -1.0, 1.0 * (y["jet2_pt"] > 40))
    y.loc[y["accepted"] == 0, "jet2_b_tag"] = -1.0
    model = fitted(X, y, objects=["jet2"], missing={"jet2_b_tag": -1})
    drawn = pd.DataFrame(model.sample(X, random_state=0), columns=y.columns)
    absent = drawn["jet2_pt"] == 0
    assert 0.3 < absent.mean() < 0.9
    assert_array_equal(drawn["jet2_b_tag"] == -1, absent)
    assert_array_equal(drawn["accepted"] == 0, (drawn[["jet1_pt", *JET2]] == 0).all(axis=1))
    with pytest.raises(ValueError, match=r"column 'jet2_b_tag' has -1 .*= 0; or say by missing="):
        fitted(X, y, objects=["jet2"])
    with pytest.raises(ValueError, match="missing: y has no column 'jet3_b_tag'"):
        fitted(X, y, missing={"jet3_b_tag": -1})
    with pytest.raises(TypeError, match="missing must be a number"):
        fitted(X, y, missing="nothing")


def test_rejected_events_must_be_missing():
    X, y = jets()
    with pytest.raises(ValueError, match="rejected but not -999: column 'jet_pt' has 0"):
        fitted(X, y, missing=-999.0)


def test_model_files_keep_what_is_missing(tmp_path):
    X, y = jets(600)
    flow = FlowSimulator(max_epochs=1, n_transforms=1, hidden_features=(8,), random_state=0)
    model = EfficiencySimulator(flow, missing=-999.0, random_state=0).fit(X, padded(y, -999.0))
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    assert_array_equal(again.sample(X, random_state=0), model.sample(X, random_state=0))


def test_nothing_lost_is_a_warning():
    X, y = jets()
    found = y[y["accepted"] == 1].drop(columns="accepted")
    with pytest.warns(UserWarning, match="nothing is ever lost. .* columns are 0.0") as caught:
        fitted(X.loc[found.index], found, accepted=None)
    assert "many events" not in str(caught[0].message)
    assert caught[0].filename == __file__


def test_the_warning_names_what_looks_like_a_sentinel():
    X, y = two_jets()
    y = padded(y, -999.0).drop(columns="accepted")
    with pytest.warns(UserWarning, match=r"'jet2_pt' is -999, .* name it in missing="):
        fitted(X, y, accepted=None)
    model = fitted(X, y, accepted=None, objects=["jet2"], missing=-999)
    assert model.patterns_[0] == "rejected"


def test_each_pattern_has_noise_of_its_own():
    """With one seed for all patterns, the first events of two patterns would be equally lucky."""
    X, y = two_jets()
    model = fitted(X, y, objects=["jet2"])
    drawn = model.sample(X, random_state=0)
    pulls = []
    for name, columns in (("accepted", [0]), ("without jet2", [0]), ("fake jet2", [0])):
        simulator = model.simulators_[name]
        lost, fake = drawn[:, 1] == 0, (X["jet2_pt"] == 0) & (drawn[:, 1] != 0)
        rows = {"accepted": ~lost & ~fake, "without jet2": lost, "fake jet2": fake}[name]
        rows &= drawn[:, 3] == 1
        pulls.append((drawn[rows][:, columns[0]] - simulator.mean_[0]) / simulator.width_[0])
    n_events = min(map(len, pulls))
    assert n_events > 100
    for one, other in ((0, 1), (0, 2), (1, 2)):
        correlation = np.corrcoef(pulls[one][:n_events], pulls[other][:n_events])[0, 1]
        assert abs(correlation) < 4 / np.sqrt(n_events)
        assert not np.isclose(pulls[one][0], pulls[other][0])
