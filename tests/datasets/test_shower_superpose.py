"""superpose_showers: sums of showers in one calorimeter."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim.datasets import (
    ShowerGeometry,
    ShowerLayer,
    make_showers,
    superpose_showers,
)

SUMMED = ("target", "deposited", "overflow", "leakage", "invisible")


@pytest.fixture(scope="module")
def photons():
    positions = [(-40.0, 0.0), (40.0, 0.0)]
    return [
        make_showers(energy, "photon", n_samples=30, position=position, random_state=seed)
        for seed, (energy, position) in enumerate(zip((30.0, 20.0), positions, strict=True))
    ]


def test_rows_of_several(photons):
    made = superpose_showers(photons)
    for name in SUMMED:
        assert_array_equal(made[name], photons[0][name] + photons[1][name])
    assert_array_equal(made.data["energy"], 50.0)
    assert_array_equal(made.data["n_particles"], 2)
    assert made.DESCR == photons[0].DESCR
    image = made.geometry.images(made.target)[1].mean(axis=0)
    # There are two peaks, 40 mm to each side of the middle, and less energy between them.
    row = image.sum(axis=0)
    assert row[5] + row[6] > 0
    assert row[[4, 5, 6, 7]].argmax() in (0, 1, 2, 3)
    assert row[:6].sum() > row[6:].sum()


def test_two_photons_make_a_neutral_pion():
    # At 20 GeV and 1 m, the photons are at least 2 m / E * 1 m = 13.5 mm apart, in 5 mm strips.
    gap = 2 * 0.135 / 20.0 * 1000.0
    one, two = (
        make_showers(10.0, "photon", n_samples=200, position=(side * gap / 2, 0.0),
                     random_state=seed)
        for seed, side in enumerate((-1, 1))
    )  # fmt: skip
    strips = superpose_showers([one, two])
    alone = make_showers(20.0, "photon", n_samples=200, random_state=2)

    def width(made):
        image = made.geometry.images(made.target)[0].sum(axis=(0, 1))
        x = 5.0 * (np.arange(96) - 47.5)
        near = np.abs(x) < 30.0
        weight, x = image[near] / image[near].sum(), x[near]
        return np.sqrt(weight @ x**2 - (weight @ x) ** 2)

    assert width(strips) > 1.2 * width(alone)


def test_groups_by_event(photons):
    event = np.concatenate([np.arange(30) // 3, np.full(30, 12)])
    made = superpose_showers(photons, event=event)
    assert len(made.data) == 13
    assert made.data["n_particles"].tolist() == [3] * 10 + [0, 0, 30]
    assert_allclose(made.target[0], photons[0].target[:3].sum(axis=0))
    assert_allclose(made.leakage[12], photons[1].leakage.sum())
    assert_array_equal(made.target[10:12], 0.0)
    one = superpose_showers(photons[0], event=np.arange(30))
    assert_array_equal(one.target, photons[0].target)


def test_sums_of_sums(photons):
    once = superpose_showers([superpose_showers(photons), photons[0]])
    assert_allclose(once.target, 2 * photons[0].target + photons[1].target)
    assert_array_equal(once.data["n_particles"], 3)


def test_bad_input(photons):
    with pytest.raises(ValueError, match="nothing to superpose"):
        superpose_showers([])
    with pytest.raises(TypeError, match="must come from make_showers"):
        superpose_showers([photons[0].target])
    with pytest.raises(ValueError, match=r"showers have \[30, 2\] rows"):
        superpose_showers([photons[0], make_showers([1.0, 2.0])])
    other = ShowerGeometry((ShowerLayer(100.0, r_edges=(0.0, 10.0)),))
    with pytest.raises(ValueError, match=r"showers\[1\] has another geometry"):
        superpose_showers([photons[0], make_showers(1.0, n_samples=30, geometry=other)])
    with pytest.raises(ValueError, match=r"shape \(60,\), got \(3,\)"):
        superpose_showers(photons, event=[0, 1, 2])
    with pytest.raises(TypeError, match="integers"):
        superpose_showers(photons[0], event=np.zeros(30))
    with pytest.raises(ValueError, match="row 2 is -1"):
        superpose_showers(photons[0], event=np.where(np.arange(30) == 2, -1, 0))
