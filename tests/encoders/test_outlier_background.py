"""The background of mismeasured events: a density of independent columns, and its draws."""

import numpy as np
from numpy.testing import assert_allclose

from skjetsim._encoders._outlier_background import OutlierBackground

CIRCULAR = np.array([False, False, False, True])
WIDTH = np.array([[1.0, 0.5, 2.0, 1.0]])


def background():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(12, 4)) * WIDTH
    centres[:5, 0] *= 100
    centres[5:7, 1] = 40.0
    far = (np.abs(centres) > 3 * WIDTH) & ~CIRCULAR
    limits = 1.5 * np.array([np.where(far, s * centres, 0.0).max(axis=0) for s in (-1, 1)])
    return OutlierBackground().fit(centres, far, np.tile(WIDTH, (12, 1)), limits, CIRCULAR, 3.0)


def one_column(model, j, values):
    """Density of a column, from the difference to a fixed point in the others."""
    rows = np.zeros((len(values), 4))
    base = model.log_prob(rows[:1], WIDTH)
    rows[:, j] = values
    return model.log_prob(rows, WIDTH) - base


def test_it_is_a_density():
    model = background()
    for j, reach in enumerate((600.0, 70.0, 20.0, np.pi)):
        near = np.linspace(-min(reach, 12), min(reach, 12), 200_001)
        values = np.union1d(near, np.linspace(-reach, reach, 200_001))
        density = np.exp(one_column(model, j, values))
        middle = 0.5 * (density[1:] + density[:-1])
        share = np.cumsum(middle * np.diff(values))
        noise = np.zeros((40_000, 4))
        noise[:, j] = np.random.default_rng(1).standard_normal(40_000)
        drawn = np.sort(model.draw(WIDTH, noise)[:, j])
        level = np.interp(drawn, values[1:], share / share[-1])
        assert_allclose(level, np.linspace(0, 1, len(level)), atol=0.01)


def test_it_integrates_to_one():
    model = background()
    rows = np.zeros((1, 4))
    log = model.log_prob(rows, WIDTH)
    total = 1.0
    for j, reach in enumerate((600.0, 70.0, 40.0, np.pi)):
        values = np.linspace(-reach, reach, 1_000_001)
        density = np.exp(one_column(model, j, values))
        total *= np.sum(0.5 * (density[1:] + density[:-1])) * (values[1] - values[0])
    assert_allclose(np.exp(log) * total, 1, rtol=0.01)


def test_no_value_is_far_on_a_side_without_events():
    model = background()
    noise = np.random.default_rng(1).standard_normal((40_000, 4))
    drawn = model.draw(WIDTH, noise)
    assert drawn[:, 1].min() > -8 * 0.5
    assert drawn[:, 1].max() > 30
    assert np.abs(drawn[:, 0]).max() < model.limits_.max()
    side = int(np.argmax(model.limits_[:, 0]))
    reach = 0.9 * model.limits_[side, 0] * (2 * side - 1)
    combined = np.array([[reach, 40.0, 0.0, 0.0]])  # no event of the fit is wrong in both
    assert model.log_prob(combined, WIDTH)[0] > -30
