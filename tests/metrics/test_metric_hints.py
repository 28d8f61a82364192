"""Metrics hint at angles whose names do not say so, once for each call of a user."""

import warnings

import numpy as np
import pandas as pd
import pytest
from metrics_toys import LinearSimulator

from skjetsim.metrics import (
    WassersteinScorer,
    crps,
    ks_distance,
    metric_floor,
    residual_wasserstein,
    sliced_wasserstein_distance,
    wasserstein_distance,
)

LOOKS = "^truth has columns that look like azimuths.*'direction'"


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"pt": rng.normal(50, 5, 1000), "direction": rng.uniform(-1, 1, 1000)}).mul(
        [1.0, np.pi]
    )


METRICS = [wasserstein_distance, ks_distance, sliced_wasserstein_distance]


@pytest.mark.parametrize("metric", METRICS)
def test_metrics(metric, table):
    with pytest.warns(UserWarning, match=LOOKS) as found:
        metric(table, table)
    assert len(found) == 1
    assert found[0].filename == __file__
    metric(table.rename(columns={"direction": "jet_phi"}), table.to_numpy())
    metric(table.to_numpy(), table.to_numpy())  # without names there are no angles


def test_residuals_and_draws(table):
    with pytest.warns(UserWarning, match=LOOKS) as found:
        residual_wasserstein(table, table, X=table, by="pt")
    assert len(found) == 1
    with pytest.warns(UserWarning, match=LOOKS) as found:
        crps(table, np.repeat(table.to_numpy()[:, None], 3, axis=1))
    assert len(found) == 1


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_floors_do_not_repeat_it(table, n_jobs):
    settings = {"n_repeats": 3, "random_state": 0, "n_jobs": n_jobs}
    for metric in (wasserstein_distance, ks_distance):
        metric_floor(metric, table, **settings)
        metric_floor(metric, table, replica=table[::-1].reset_index(drop=True), **settings)


def test_scorers_leave_it_to_fit(table):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LinearSimulator().fit(table, table)
    WassersteinScorer()(model, table, table)
