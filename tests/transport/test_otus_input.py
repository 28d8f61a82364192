"""Errors of OTUSSimulator, which name the column or row and the cure."""

import numpy as np
import pandas as pd
import pytest
from _instances import FEW_EPOCHS
from numpy.testing import assert_array_equal
from otus_toys import cylindrical, momenta, small, unpaired

from skjetsim.transport import InvariantMass

pytestmark = FEW_EPOCHS


@pytest.fixture(scope="module")
def events():
    return unpaired(200, 160)


def refused(message, X, y, error=ValueError, fit=None, **params):
    with pytest.raises(error, match=message):
        small(**params).fit(X, y, **(fit or {}))


# Rows.


def test_bad_values_name_column_and_row(events):
    X, y = (pd.DataFrame(side, columns=["muon_pt", "muon_eta"]) for side in events)
    for value, kind in ((np.nan, "NaN"), (np.inf, "infinity")):
        bad_y, bad_X = y.copy(), X.copy()
        bad_y.iloc[[11, 17], 1] = value
        bad_X.iloc[4, 0] = value
        refused(f"y contains {kind}.* 'muon_eta', first bad row 11 .2 bad rows", X, bad_y)
        refused(f"X contains {kind}.* 'muon_pt', first bad row 4", bad_X, y)
        model = small().fit(X, y)
        with pytest.raises(ValueError, match="'muon_pt', first bad row 4"):
            model.sample(bad_X)
        with pytest.raises(ValueError, match="'muon_eta', first bad row 11"):
            model.sample_inverse(bad_y)


def test_too_few_rows(events):
    X, y = events
    refused("1 sample|n_samples ?= ?1", X[:1], y)
    refused("n_samples ?= ?1", X, y[:1])
    refused("requires y", X, None)
    assert np.isfinite(small(batch_size="auto").fit(X[:2], y[:3]).sample(X)).all()


def test_a_batch_larger_than_the_sample(events):
    X, y = events
    refused("batch_size=161 is more than n_samples = 160.*smaller level", X, y, batch_size=161)
    refused("batch_size=161", X, y, stages=[{}, {"batch_size": 161}])
    small(batch_size=160).fit(X, y)
    small(batch_size=160, validation_fraction=0.1).fit(X, y)


@pytest.mark.parametrize("where", ["X", "y"])
def test_a_level_that_never_varies(events, where):
    X, y = events
    still = np.tile([50.0, 0.5], (160, 1))
    sides = (still, y) if where == "X" else (X, still)
    refused(f"{where} has n_features = 2, but no column that varies", *sides)


def test_other_columns_than_at_the_fit(events):
    X, y = (pd.DataFrame(side, columns=["muon_pt", "muon_eta"]) for side in events)
    model = small().fit(X, y)
    with pytest.raises(ValueError, match="feature names should match"):
        model.sample(X[["muon_eta", "muon_pt"]])
    with pytest.raises(ValueError, match="y has column 'muon_eta' at position 0"):
        model.sample_inverse(y[["muon_eta", "muon_pt"]])
    with pytest.raises(ValueError, match="3 columns"):
        model.sample_inverse(np.c_[y, y["muon_pt"]])
    with pytest.raises(TypeError, match="given the integer"):
        model.sample(5)


def test_angles_in_degrees():
    X, y = cylindrical()
    y["muon_phi"] *= 180 / np.pi
    refused("muon_phi", X, y)


# Pairs and weights.


def test_paired_is_a_mask(events):
    X, y = events
    mask = np.arange(200) < 20
    refused("inconsistent numbers of samples|X has 200 rows and y 160", X, y, fit={"paired": mask})
    X = X[:160]
    refused(r"paired has shape \(200,\).*160 rows", X, y, fit={"paired": mask})
    refused("mask of True and False.*int64.*np.isin", X, y, fit={"paired": np.arange(160)})
    refused("mask of True and False", X, y, fit={"paired": np.ones(160)})
    expected = small().fit(X, y, paired=mask[:160]).sample(X, random_state=0)
    for same in (list(mask[:160]), pd.Series(mask[:160])):
        drawn = small().fit(X, y, paired=same).sample(X, random_state=0)
        assert_array_equal(drawn, expected)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(159), "sample_weight has shape"),
        (np.where(np.arange(160) == 3, -0.5, 1.0), "negative in row 3"),
        (np.zeros(160), "zero for every event"),
        (np.where(np.arange(160) == 2, np.nan, 1.0), "NaN .*row 2"),
        ((np.arange(160) == 0) * 1.0, "two events of positive weight"),
    ],
    ids=["short", "negative", "zero", "nan", "one"],
)
def test_bad_weights(events, weight, message):
    refused(message, events[0][:160], events[1], fit={"sample_weight": weight})


def test_weights_need_equally_long_levels(events):
    refused("200", *events, fit={"sample_weight": np.ones(200)})


# Masses.


def test_columns_in_the_wrong_order_for_masses():
    X, y = momenta()
    swapped = y.to_numpy()[:, [3, 0, 1, 2, 7, 4, 5, 6]]  # E, px, py, pz
    refused(r"y has E = .*column 'y3', row 0 .*order px, py, pz, E", X, swapped, masses=5.0)
    refused("X has E = .*'muon_E', row 0 .*check the mass", X, y, masses={"muon": 80.0})
    y.loc[7, "antimuon_E"] *= 1.1
    refused(r"column 'antimuon_E', row 7 \(1 such row in all\)", X, y, masses=5.0)


@pytest.mark.parametrize(
    ("masses", "error", "message"),
    [
        ({"tau": 1.8}, ValueError, "masses name 'tau', but neither X nor y has .*tau_px"),
        ({"muon": -1.0}, ValueError, "masses: that of 'muon' must be zero or more"),
        ({"muon": "heavy"}, TypeError, "masses: that of 'muon'"),
        (np.nan, ValueError, "masses: that of 'muon'"),
    ],
)
def test_bad_masses(masses, error, message):
    refused(message, *momenta(), error=error, masses=masses)


def test_masses_need_names_or_four_columns(events):
    refused("2 columns without names", *events, masses=0.0)
    refused("columns without names", *map(np.asarray, momenta()), masses={"muon": 5.0})


# Thresholds, anchors, residuals.


def test_x_and_y_swapped():
    X, y = momenta()
    y.columns = [name.replace("muon", "jet") for name in y.columns]
    small(thresholds={"jet": 0.0}).fit(X, y)
    refused("thresholds name 'jet'.*X has it: were X and y swapped", y, X, thresholds={"jet": 0.0})


def test_thresholds_of_missing_objects(events):
    X, y = momenta()
    refused(r"thresholds name 'tau'.*Objects: \['muon', 'antimuon'\]", X, y, thresholds={"tau": 1})
    refused("must be a number in GeV", X, y, error=TypeError, thresholds={"muon": "high"})
    refused("thresholds name 'muon'", *events, thresholds={"muon": 1})


def test_thresholds_of_logarithms():
    X, y = cylindrical()
    logs = [side.rename(columns={"muon_pt": "muon_log_pt"}) for side in (X, y)]
    for side in logs:
        side["muon_log_pt"] = np.log(side["muon_log_pt"])
    settings = {"residual": True, "max_epochs": 1, "learning_rate": 1e-5}
    rates = [
        small(thresholds={"muon": 60.0}, **settings).fit(*sides).history_[0]["passing_rate"]
        for sides in ((X, y), logs)
    ]
    assert rates == pytest.approx([np.mean(y["muon_pt"] > 60.0)] * 2, abs=0.1)
    refused("for a logarithm of pT, must be above 0 GeV", *logs, thresholds={"muon": 0.0})


def test_thresholds_that_nothing_passes_leave_no_model():
    X, y = momenta()
    model = small(thresholds={"muon": 1e6})
    with pytest.raises(ValueError, match=r"no reconstructed event .*passing rate 0"):
        model.fit(X, y)
    assert not hasattr(model, "net_")


@pytest.mark.parametrize(
    ("anchors", "message"),
    [
        (["tau"], "X has no column 'tau_px'"),
        ("tau", "X has no column 'tau_px'"),
        ([["muon_px", "tau_px"]], "X has no column 'tau_px'"),
    ],
)
def test_anchors_of_missing_columns(anchors, message):
    refused(message, *momenta(), anchors=anchors, anchor_weight=1.0)


def test_anchors_without_a_shared_column(events):
    X = pd.DataFrame(events[0], columns=["muon_pt", "muon_eta"])
    y = pd.DataFrame(events[1][:, :1], columns=["jet_pt"])
    refused("no shared column varies: give anchors", X, y, anchor_weight=1.0)


@pytest.mark.parametrize(
    ("residual", "error", "message"),
    [
        ({"mass": 1.0}, ValueError, "residual has a step of 'mass', which is neither"),
        ({"px": 0.0}, ValueError, r"residual\['px'\] must be above 0"),
        ({"px": "wide"}, TypeError, r"residual\['px'\] must be a number"),
        (0.5, TypeError, "residual must be True, False, or a dict"),
    ],
)
def test_bad_residuals(residual, error, message):
    refused(message, *momenta(), error=error, residual=residual)


# Observables.


class Scaled:
    """An observable whose shape or value a test chooses."""

    def __init__(self, change):
        self.change = change

    def __call__(self, events):
        return self.change(events["muon_px"])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda px: px.mean(), ValueError, r"shape \(\) for 300 events: expected a row"),
        (lambda px: px[:7], ValueError, r"of X.* shape \(7,\) for 300 events"),
        (lambda px: px.reshape(-1, 1, 1), ValueError, r"shape \(300, 1, 1\)"),
        (lambda px: px.detach().numpy(), TypeError, "must give a torch tensor.*got ndarray"),
        (lambda px: (px - px[4]).log().abs(), ValueError, "of X.* is not finite in row"),
        (lambda px: px.detach(), ValueError, "no slope in any column"),
        (lambda px: (px > 0).double(), ValueError, "no slope in any column"),
    ],
)
def test_bad_observables(change, error, message):
    refused(message, *momenta(), error=error, observables=[Scaled(change)])


def test_observables_of_missing_columns():
    X, y = momenta()
    y.columns = [name.replace("muon", "jet") for name in y.columns]
    refused("asks for column 'muon_px', but the columns of y", X, y, observables=[Scaled(abs)])
    pair = InvariantMass("muon", "antimuon")
    refused("no object 'muon' among the columns", X, y, observables=[pair])
    small(theory_observables=[pair]).fit(X, y)
    refused("no object 'muon'", X, y, target_observables=[pair])


@pytest.mark.parametrize("observables", [[1], ["mass"], abs])
def test_observables_are_a_list_of_callables(observables):
    refused("list of callables", *momenta(), error=TypeError, observables=observables)


# Parameters.


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"noise": "normal"}, "noise"),
        ({"n_noise": 0}, "n_noise"),
        ({"scale": "log"}, "scale"),
        ({"activation": "tanh"}, "activation"),
        ({"latent_loss": "js"}, "latent_loss"),
        ({"latent_loss": "kl"}, "set noise=\"additive\" in place of 'standard'"),
        ({"p": 3}, "p must"),
        ({"n_slices": 0}, "n_slices"),
        ({"n_learned_slices": -1}, "n_learned_slices"),
        ({"n_blocks": -1}, "n_blocks"),
        ({"hidden_features": (0,)}, "hidden_features"),
        ({"marginal_weight": -1.0}, "marginal_weight must be zero or more"),
        ({"data_weight": -1.0}, "data_weight must be zero or more"),
        ({"latent_weight": np.nan}, "latent_weight"),
        ({"train": "all"}, "train"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"schedule": "linear"}, "schedule"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
        ({"checkpoint": "file", "random_state": None}, "needs an int as random_state"),
    ],
)
def test_parameters_out_of_range(events, params, message):
    refused(message, *events, **params)


@pytest.mark.parametrize("params", [{"observable_weight": "much"}, {"anchor_weight": True}])
def test_parameters_of_another_type(events, params):
    refused(f"{next(iter(params))} must be a number", *events, error=TypeError, **params)


@pytest.mark.parametrize(
    ("stages", "error", "message"),
    [
        ([{"max_epoch": 1}], ValueError, r"stages\[0\] has 'max_epoch', which a stage"),
        ([{}, {"noise": None}], ValueError, r"stages\[1\] has 'noise'"),
        ([{"train": "all"}], ValueError, "train"),
        ([{"max_epochs": 0}], ValueError, "max_epochs"),
        ([{"data_weight": -1}], ValueError, "data_weight"),
        ([], ValueError, "stages is empty"),
        ({"max_epochs": 1}, TypeError, "sequence of dicts"),
        (["decoder"], TypeError, "sequence of dicts"),
        (3, TypeError, "sequence of dicts"),
    ],
)
def test_bad_stages(events, stages, error, message):
    refused(message, *events, error=error, stages=stages)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"train": "decoder", "simulated_weight": 0}, "leaves the decoder nothing to learn"),
        ({"train": "encoder", "latent_weight": 0}, "leaves the encoder nothing to learn"),
        ({"simulated_weight": 0, "data_weight": 0}, "leaves the decoder nothing to learn"),
        (
            {"stages": [{}, {"train": "decoder", "simulated_weight": 0}]},
            r"stages\[1\]: train='decoder' leaves .* one of simulated_weight, anchor_weight above",
        ),
    ],
)
def test_maps_without_a_loss(events, params, message):
    refused(message, *events, **params)


# Unusual but valid input.


def test_numbers_that_single_precision_cannot_tell_apart():
    rng = np.random.default_rng(0)
    X = 6500.0 + rng.choice([0.0, 2e-4, 3e-4, 1.0, 2.0], size=(300, 2))
    model = small().fit(X, X[:250])
    drawn = model.sample(X, random_state=0)
    assert np.isfinite(drawn).all()
    assert np.isfinite([row["train_loss"] for row in model.history_]).all()


def test_repeated_events(events):
    X, y = (np.repeat(side[:20], 10, axis=0) for side in events)
    model = small().fit(X, y)
    assert np.isfinite(model.sample(X)).all()
    assert np.isfinite(model.sample_inverse(y)).all()


def test_objects_that_share_a_network(events):
    columns = ["muon_pt", "muon_eta"]
    X, y = (pd.DataFrame(side, columns=columns) for side in events)
    refused("list of lists", X, y, per_object=["muon"], error=TypeError)
    refused("'muon' twice", X, y, per_object=[["muon"], ["muon"]])
    refused("'jet', but X has no column of it", X, y, per_object=[["muon", "jet"]])
    other = pd.DataFrame(events[0], columns=["muon_pt", "jet_eta"])
    refused("cannot share a network", other, other, per_object=[["muon", "jet"]])


def test_nothing_to_add_a_residual_to(events):
    X = pd.DataFrame(events[0], columns=["muon_pt", "muon_eta"])
    y = pd.DataFrame(np.c_[events[1], events[1][:, 0]], columns=["jet_pt", "jet_eta", "met_pt"])
    refused("no shared column varies", X, y, residual=True)


def test_residuals_start_from_the_same_quantity():
    """By name, or by position if both are the same component or no names are shared."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(0, [30.0, 30.0, 90.0], (300, 3)), columns=["b_px", "b_py", "b_pz"])
    y = X.rename(columns={"b_pz": "n_hits"}).assign(n_hits=rng.poisson(3.0, 300))
    still = {"residual": True, "learning_rate": 1e-7, "noise": None}
    drawn = small(**still).fit(X, y).sample(X)
    assert np.corrcoef(drawn[:, 0], X["b_px"])[0, 1] > 0.999
    assert drawn[:, 2].std() < 15.0  # starts at the mean number and not at a momentum
    quarks = X.rename(columns=lambda name: name.replace("b_", "jet_")).assign(jet_px=X["b_px"])
    for other in (quarks, pd.DataFrame(X.to_numpy(), columns=["one", "two", "three"])):
        moved = np.abs(small(**still).fit(X, other).sample(X) - X) / X.std()
        # An untrained network gives a tenth of a standard deviation.
        assert (moved < 0.15).all(axis=None)


def test_reversed_views_of_arrays(events):
    X, y = events
    model, copied = small().fit(X[::-1, ::-1], y[::-1]), small().fit(X[::-1, ::-1].copy(), y[::-1])
    again = copied.sample(X[:, ::-1].copy(), random_state=1)
    assert_array_equal(model.sample(X[:, ::-1], random_state=1), again)
