"""Angles are compared on the circle: a rotation of all events changes no metric."""

import numpy as np
import pandas as pd
import pytest
from metrics_toys import LinearSimulator
from numpy.testing import assert_allclose
from scipy.stats import norm

from skjetsim.base import BaseGenerator
from skjetsim.metrics import (
    EMDSumScorer,
    EnergyScorer,
    ResponseScorer,
    WassersteinScorer,
    classifier_two_sample_auc,
    correlation_difference,
    crps,
    emd_sum,
    energy_score,
    ks_distance,
    metric_floor,
    nearest_neighbour_ratio,
    residual_wasserstein,
    response_difference,
    sliced_wasserstein_distance,
    transport_cost,
    wasserstein_distance,
)
from skjetsim.preprocessing import wrap_phi
from skjetsim.utils._scores import chord_scores, energy_scores

N = 2000


def events(width, seed, turn=0.0):
    """Back-to-back objects: delta_phi about pi, and a pT that goes with it."""
    rng = np.random.default_rng(seed)
    delta = width * rng.normal(size=N)
    pt = 40 + 10 * delta + rng.normal(size=N)
    return pd.DataFrame({"jet_pt": pt, "muon_delta_phi": wrap_phi(np.pi + delta + turn)})


def turned(table, angle):
    return table.assign(muon_delta_phi=wrap_phi(table["muon_delta_phi"] + angle))


METRICS = {
    "wasserstein": wasserstein_distance,
    "wasserstein, std": lambda a, b, **w: wasserstein_distance(a, b, scale="std", **w),
    "sliced": lambda a, b, **w: sliced_wasserstein_distance(
        a, b, scale="std", random_state=0, n_slices=1500, **w
    ),
    "correlation": lambda a, b, **w: correlation_difference(
        a[["muon_delta_phi"]].assign(x=1.0), b[["muon_delta_phi"]].assign(x=1.0), **w
    ),
    "transport": lambda a, b, **w: transport_cost(
        a, b, scale="std", sample_weight=w.get("sample_weight")
    ),
    "emd": lambda a, b, **w: emd_sum(a, b, bins=400, **w),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", METRICS)
def test_a_turn_of_all_events_changes_nothing(name, weighted):
    truth, generated = events(0.4, 1), events(0.6, 2)
    weight = np.random.default_rng(5).uniform(0.5, 2, size=N)
    weights = {"sample_weight": weight, "generated_weight": weight} if weighted else {}
    metric = METRICS[name]
    tolerance = {"sliced": 0.02, "emd": 0.02}.get(name, 1e-9)
    at_seam = metric(truth, generated, **weights)
    elsewhere = metric(turned(truth, np.pi), turned(generated, np.pi), **weights)
    assert_allclose(at_seam, elsewhere, rtol=tolerance, atol=1e-12)


def test_a_shift_across_the_seam_is_short():
    truth = events(0.01, 1)
    shifted = turned(truth, 0.05)
    assert_allclose(wasserstein_distance(truth, shifted), [0.0, 0.05], rtol=1e-6)
    assert_allclose(
        wasserstein_distance(truth.to_numpy(), shifted.to_numpy())[1], np.pi, rtol=0.1
    )  # arrays have no angles
    assert_allclose(wasserstein_distance(truth, shifted, scale="std")[1], 5.0, rtol=0.1)
    assert emd_sum(truth, shifted, multioutput="raw_values")[1] < 2
    wide = events(0.5, 1)
    values = emd_sum(
        wide, turned(wide, 0.05), multioutput="raw_values", ranges=[(0, 100), (-np.pi, np.pi)]
    )
    assert_allclose(values[1], 0.05 / (2 * np.pi), rtol=0.05)
    # Overflow and underflow of a short axis meet at the seam.
    values = emd_sum(
        wide, turned(wide, 0.05), multioutput="raw_values", bins=300, ranges=[(0, 100), (-3, 3)]
    )
    assert values[1] < 0.06 / 6
    assert emd_sum(
        truth, turned(truth, np.pi), multioutput="raw_values", ranges=[(0, 100), (-4, 4)]
    )[1] == pytest.approx(np.pi / 8, rel=0.05)


def test_width_of_back_to_back_objects_is_above_the_floor():
    truth, wide = events(0.1, 1)[["muon_delta_phi"]], events(0.15, 2)[["muon_delta_phi"]]
    floor = metric_floor(wasserstein_distance, truth, n_samples=1000, n_repeats=40, random_state=0)
    value = wasserstein_distance(truth[:1000], wide[:1000])
    assert_allclose(value, 0.05 * np.sqrt(2 / np.pi), rtol=0.25)
    assert not floor.at_floor(value)
    assert floor.mean[0] < 0.01


def draws_about(center, width, seed):
    return wrap_phi(center + width * np.random.default_rng(seed).normal(size=(N, 50, 1)))


def test_crps_at_the_seam_is_that_elsewhere():
    width = 0.02
    truth = width * np.random.default_rng(1).normal(size=(N, 1))
    scores = {}
    for center in (0.0, np.pi):
        y = pd.DataFrame(wrap_phi(center + truth), columns=["muon_phi"])
        draws = draws_about(center, width, 2)
        scores[center] = crps(y, draws)[0], energy_score(y, draws), crps(y, draws, scale="std")[0]
    assert_allclose(scores[0.0], scores[np.pi], rtol=1e-6)
    assert_allclose(scores[0.0][0], scores[0.0][1], rtol=1e-9)  # one column: the same score
    assert_allclose(scores[0.0][0], width / np.sqrt(np.pi), rtol=0.05)  # of a Gaussian
    line = crps(y.to_numpy(), draws)[0]
    assert line > 10 * scores[np.pi][0]


@pytest.mark.parametrize("fair", [False, True])
def test_sorted_chords_are_the_sum_over_pairs(fair):
    rng = np.random.default_rng(3)
    y, draws = rng.uniform(-10, 10, size=(20, 2)), rng.uniform(-10, 10, size=(20, 7, 2))
    for k in (0, 1):
        points = [np.stack([np.cos(a[..., k]), np.sin(a[..., k])], axis=-1) for a in (y, draws)]
        expected = energy_scores(*points, fair=fair)
        assert_allclose(chord_scores(y, draws, fair=fair)[:, k], expected, atol=1e-12)


def test_the_score_of_angles_is_proper():
    """The true distribution beats others, also one that differs in even harmonics only."""
    rng = np.random.default_rng(0)

    def with_harmonic(a, shape):
        phi = rng.uniform(-np.pi, np.pi, size=(8 * np.prod(shape),))
        kept = phi[rng.random(len(phi)) < (1 + a * np.cos(2 * phi)) / 2]
        return kept[: np.prod(shape)].reshape(shape)

    truth = pd.DataFrame(with_harmonic(0.9, (4000, 1)), columns=["phi"])
    right, flat = with_harmonic(0.9, (4000, 20, 1)), with_harmonic(0.0, (4000, 20, 1))
    assert crps(truth, right)[0] < crps(truth, flat)[0] - 0.005
    assert energy_score(truth, right) < energy_score(truth, flat) - 0.005


def test_correlation_sees_a_dependence_on_the_direction():
    rng = np.random.default_rng(0)
    phi = rng.uniform(-np.pi, np.pi, size=N)
    truth = pd.DataFrame({"jet_pt": 50 + np.cos(phi) + rng.normal(size=N), "jet_phi": phi})
    other = truth.assign(jet_phi=rng.permutation(phi))
    expected = -np.corrcoef(np.cos(phi), truth["jet_pt"])[0, 1]
    difference = correlation_difference(truth, other, multioutput="raw_values")
    assert_allclose(difference[0, 1], expected, atol=0.05)
    aside, apart = (t.assign(jet_phi=wrap_phi(t["jet_phi"] + np.pi / 2)) for t in (truth, other))
    assert_allclose(correlation_difference(aside, apart), -expected, atol=0.05)
    assert difference[1, 1] == 0
    assert_allclose(difference, difference.T)
    back = pd.DataFrame({"a_phi": phi, "b_phi": wrap_phi(phi + np.pi)})
    free = back.assign(b_phi=rng.permutation(phi))
    assert correlation_difference(back, free) > 0.9


def test_copies_across_the_seam_are_near():
    rng = np.random.default_rng(0)
    train, held_out = (
        pd.DataFrame(
            {
                "jet_phi": wrap_phi(np.pi + 0.5 * rng.normal(size=1000)),
                "jet_eta": rng.normal(size=1000),
            }
        )
        for _ in range(2)
    )
    copies = train.assign(jet_phi=wrap_phi(train["jet_phi"] + 1e-4))
    ratio = nearest_neighbour_ratio(train, copies, held_out=held_out)
    away = nearest_neighbour_ratio(
        *(t.assign(jet_phi=wrap_phi(t["jet_phi"] + np.pi)) for t in (train, copies)),
        held_out=held_out.assign(jet_phi=wrap_phi(held_out["jet_phi"] + np.pi)),
    )
    assert ratio == pytest.approx(away, rel=1e-6)


def test_network_sees_angles_as_directions():
    rng = np.random.default_rng(0)
    phi = rng.uniform(-np.pi, np.pi, size=(2, 6000))

    def pairs(phi, width):
        return pd.DataFrame(
            {"a_phi": phi, "b_phi": wrap_phi(phi + np.pi + width * rng.normal(size=6000))}
        )

    truth, wide = pairs(phi[0], 0.5), pairs(phi[1], 0.7)
    options = {"classifier": "network", "random_state": 0}
    named = classifier_two_sample_auc(truth, wide, **options)
    assert named > classifier_two_sample_auc(truth.to_numpy(), wide.to_numpy(), **options) + 0.02


def test_residuals_that_are_anywhere_on_the_circle():
    X = pd.DataFrame({"jet_phi": np.random.default_rng(0).uniform(-np.pi, np.pi, size=N)})
    truth = X + events(0.05, 1)[["muon_delta_phi"]].to_numpy()
    shifted = truth + 0.02
    options = {"X": X, "by": np.zeros(N), "bins": 1}
    distance = residual_wasserstein(truth, shifted, scale=None, **options).iloc[0, 0]
    assert_allclose(distance, 0.02, rtol=1e-6)
    scaled = residual_wasserstein(truth, shifted, **options).iloc[0, 0]
    assert_allclose(scaled, 0.02 / 0.05, rtol=0.05)
    assert_allclose(response_difference(truth, shifted, X=X), 0.02 / 0.05 / 3, rtol=0.05)


class Turner(BaseGenerator):
    """Gives the events it has seen, turned."""

    def __init__(self, angle=0.0):
        self.angle = angle

    def fit(self, X, y=None):
        from skjetsim.base import check_sample

        self.events_, _ = check_sample(self, X, reset=True)
        return self

    def _draw_events(self, n_samples, random_state):
        rows = np.random.default_rng(random_state).integers(0, len(self.events_), size=n_samples)
        drawn = self.events_[rows].copy()
        drawn[:, 1] = wrap_phi(drawn[:, 1] + self.angle)
        return drawn


@pytest.mark.parametrize(
    "scorer", [WassersteinScorer(), EMDSumScorer(), EnergyScorer(), ResponseScorer()]
)
def test_scorers(scorer):
    truth = events(0.1, 1)
    away = turned(truth, np.pi)
    scores = [scorer(Turner(0.02).fit(X), X) for X in (truth, away)]
    assert_allclose(scores[0], scores[1], rtol=0.03)


def test_scorers_of_simulators():
    X = pd.DataFrame({"jet_pt": 50 + norm.rvs(size=N, random_state=0), "jet_phi": np.pi})
    noise = 0.1 * np.random.default_rng(1).normal(size=(N, 2))
    far = X + noise
    far["jet_phi"] = wrap_phi(far["jet_phi"])
    near = X.assign(jet_phi=0.0) + noise
    for scorer in (WassersteinScorer(), EnergyScorer(n_draws=4), ResponseScorer()):
        scores = []
        for angle, y in ((np.pi, far), (0.0, near)):
            theory = X.assign(jet_phi=angle)
            # The model draws angles beyond the seam: y = X + noise as it is.
            model = LinearSimulator().fit(theory, theory + noise)
            scores.append(scorer(model, theory, y))
        assert_allclose(scores[0], scores[1], rtol=1e-3)


def test_ks_compares_probabilities_and_needs_no_circle():
    truth, wide = events(0.1, 1)["muon_delta_phi"], events(0.15, 2)["muon_delta_phi"]
    at_seam = ks_distance(truth, wide)[0]
    elsewhere = ks_distance(wrap_phi(truth + np.pi), wrap_phi(wide + np.pi))[0]
    assert 0.5 * elsewhere < at_seam < 2.05 * elsewhere
