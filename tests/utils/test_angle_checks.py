"""Degrees are refused wherever names say that a column is an angle."""

import numpy as np
import pandas as pd
import pytest

from skjetsim.base import check_pairs, check_sample
from skjetsim.compose import ResidualTransformer
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.metrics import classifier_two_sample_auc, residual_wasserstein, wasserstein_distance
from skjetsim.preprocessing import AngleEncoder, BoundTransformer, PhiRotation
from skjetsim.response import QuantileSimulator
from skjetsim.utils._angle_checks import hint_azimuths, warn_of_scaled
from skjetsim.utils._validation import check_events

RNG = np.random.default_rng(0)
PHI = RNG.uniform(-np.pi, np.pi, 2000)
PT = RNG.uniform(20, 90, 2000)
RADIANS = pd.DataFrame({"muon_pt": PT, "muon_phi": PHI, "jet_phi": PHI[::-1]})
DEGREES = RADIANS.assign(jet_phi=np.rad2deg(RADIANS["jet_phi"]))
refused = pytest.raises(ValueError, match=r"'jet_phi', row \d+: .* more than a turn.*np\.deg2rad")


@pytest.mark.parametrize(
    "use",
    [
        check_events,
        lambda events: wasserstein_distance(RADIANS, events),
        lambda events: wasserstein_distance(events, RADIANS),
        lambda events: classifier_two_sample_auc(RADIANS, events, random_state=0),
        lambda events: residual_wasserstein(RADIANS, RADIANS, X=events, by=PT),
        lambda events: ResidualTransformer().fit(RADIANS, events),
        lambda events: ResidualTransformer().fit(events, RADIANS),
        lambda events: ResidualTransformer().fit(RADIANS, RADIANS).transform_target(events, events),
        lambda events: AngleEncoder().fit(events),
        lambda events: AngleEncoder().fit(RADIANS).transform(events),
        lambda events: AngleEncoder().fit(RADIANS).transform(events[:1]),
        lambda events: PhiRotation("muon").fit(events),
        lambda events: PhiRotation("muon").fit(RADIANS).transform(events),
        lambda events: BoundTransformer({"muon_pt": (0, None)}).fit(events),
        lambda events: QuantileSimulator(max_epochs=1).fit(events, RADIANS),
        lambda events: QuantileSimulator(max_epochs=1).fit(RADIANS, events),
        lambda events: FlowSimulator(max_epochs=1).fit(RADIANS, events),
        lambda events: FlowGenerator(max_epochs=1).fit(events),
    ],
)
def test_degrees_are_refused(use):
    with refused:
        use(DEGREES)


def test_fitted_models_refuse_degrees():
    model = FlowSimulator(n_transforms=1, max_epochs=1, random_state=0).fit(RADIANS, RADIANS)
    for rows in (DEGREES, DEGREES.assign(jet_phi=10.0)[:1]):
        with refused:
            model.sample(rows)
        with refused:
            model.score_samples(RADIANS[: len(rows)], rows)


def test_one_angle_beyond_a_turn():
    """In a fit it is an error. Elsewhere a model may have drawn it."""
    rows = RADIANS.copy()
    rows.loc[3, "jet_phi"] = 6.3
    with pytest.raises(ValueError, match=r"row 3: 6\.3 is more than a turn.*wrap_phi"):
        AngleEncoder().fit(rows)
    with pytest.raises(ValueError, match=r"y column 'jet_phi', row 3"):
        check_pairs(AngleEncoder(), RADIANS, rows, reset=True)
    with pytest.raises(ValueError, match=r"X column 'jet_phi', row 3"):
        check_sample(AngleEncoder(), rows, reset=True)
    weight = np.ones(len(rows))
    weight[3] = 0
    check_pairs(AngleEncoder(), rows, rows, weight, reset=True)
    wasserstein_distance(RADIANS, rows)
    AngleEncoder().fit(RADIANS).transform(rows)
    turn = RADIANS.assign(jet_phi=np.float32(2 * np.pi))
    check_sample(AngleEncoder(), turn, reset=True)  # up to 2 pi, also in single precision


LOOKS = r"{} has columns that look like azimuths.*{}.*'muon_phi'"


@pytest.mark.parametrize("angle", [PHI, PHI % (2 * np.pi), np.round(PHI, 2), np.float32(PHI)])
def test_a_column_that_looks_like_an_azimuth(angle):
    table = np.column_stack([PT, angle])
    with pytest.warns(UserWarning, match=LOOKS.format("X", "'direction'")):
        hint_azimuths(table, ["pt", "direction"], "X")
    with pytest.warns(UserWarning, match=LOOKS.format("y", "1")):
        hint_azimuths(table, None, "y")
    hint_azimuths(table, ["pt", "muon_phi"], "X")
    hint_azimuths(table, ["pt", "direction"], "X", {"direction"})
    hint_azimuths(table[:400], None, "X")  # too few


@pytest.mark.parametrize(
    "values",
    [
        RNG.normal(0, 1, 2000),
        RNG.uniform(-3, 3, 2000),  # eta up to a cut
        RNG.uniform(-2.5, 2.5, 2000),
        RNG.uniform(0, np.pi, 2000),  # a polar angle
        RNG.uniform(-3.3, 3.3, 2000),
        RNG.choice(np.linspace(-np.pi, np.pi, 9), 2000),
        RNG.vonmises(0, 1.5, 2000),  # a difference that is rarely back to back
        np.clip(RNG.normal(0, 1, 2000), -np.pi, np.pi),
        np.zeros(2000),
    ],
)
def test_what_does_not_look_like_one(values):
    hint_azimuths(values[:, None], ["x"], "X")


@pytest.mark.parametrize(
    "scaled",
    [
        (PHI - PHI.mean()) / PHI.std(),
        ((PHI - PHI.mean()) / PHI.std())[:1000],
        (PHI - PHI.min()) / np.ptp(PHI),
        2 * (PHI - PHI.min()) / np.ptp(PHI) - 1,
    ],
    ids=["standard", "half of it", "0 to 1", "-1 to 1"],
)
def test_angles_that_were_scaled(scaled):
    table = np.column_stack([scaled, PT[: len(scaled)]])
    with pytest.warns(UserWarning, match=r"y has angles .* scaled: 'muon_phi'\. Their period"):
        warn_of_scaled(table, ["muon_phi", "muon_pt"], "y")
    warn_of_scaled(table, ["muon_eta", "muon_pt"], "y")
    warn_of_scaled(table, None, "y")


@pytest.mark.parametrize("width", [0.01, 0.3, 0.9, 1.0, 1.1, 2.0])
def test_honest_angles_were_not_scaled(width):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        phi = np.column_stack(
            [rng.uniform(-np.pi, np.pi, 2000), rng.vonmises(np.pi, 1 / width**2, 2000)]
        )
        warn_of_scaled(phi, ["phi", "delta_phi"], "X")
        warn_of_scaled(phi[:60], ["phi", "delta_phi"], "X")
