"""CloudEncoder: one scale for all particles, masks and order."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim._encoders._cloud import CloudEncoder


def by_pt(cloud):
    order = np.argsort(-cloud[..., 2], axis=1, kind="stable")
    return np.take_along_axis(cloud, order[..., None], axis=1)


def genuine(n_features=3):
    rng = np.random.default_rng(0)
    cloud = np.zeros((50, 6, n_features))
    mask = rng.random((50, 6)) < 0.6
    mask[:, 2] = True
    cloud[mask, :3] = np.column_stack(
        [rng.normal(0, 0.1, (mask.sum(), 2)), 0.01 + rng.exponential(0.1, mask.sum())]
    )
    if n_features == 4:
        cloud[..., 3] = mask
    return cloud, mask


@pytest.mark.parametrize("n_features", [3, 4])
@pytest.mark.parametrize("log_pt", [False, True])
def test_round_trip(n_features, log_pt):
    cloud, mask = genuine(n_features)
    encoder = CloudEncoder(n_features, log_pt=log_pt).fit(cloud.reshape(50, -1))
    inputs, real = encoder.encode(cloud.reshape(50, -1))
    assert inputs.shape == (50, 6, 3)
    assert_array_equal(real.sum(axis=1), mask.sum(axis=1))
    assert (np.diff(real.astype(int), axis=1) <= 0).all()
    assert_array_equal(inputs[~real], 0)
    decoded = encoder.decode(inputs, real)
    assert_allclose(decoded, by_pt(cloud), atol=1e-14)
    assert_array_equal(decoded[~real], 0)


def test_one_scale_for_all_particles():
    cloud, _ = genuine()
    inputs, real = CloudEncoder().fit(cloud).encode(cloud)
    assert_allclose(inputs[real].mean(axis=0), 0, atol=1e-12)
    assert_allclose(inputs[real].std(axis=0), 1)


def test_order_does_not_matter():
    cloud, _ = genuine()
    turned = cloud[:, ::-1]
    encoder = CloudEncoder().fit(cloud)
    for one, other in zip(encoder.encode(cloud), encoder.encode(turned), strict=True):
        assert_array_equal(one, other)


def test_cartesian_clouds_are_sorted_by_pt():
    momenta = np.array([[[1.0, 0.0, 90.0], [3.0, 4.0, 1.0], [0.0, 0.0, 0.0], [0.0, 2.0, 5.0]]])
    encoder = CloudEncoder(coordinates="cartesian").fit(momenta)
    decoded = encoder.decode(*encoder.encode(momenta))
    assert_allclose(decoded[0], momenta[0, [1, 3, 0, 2]], atol=1e-14)


@pytest.mark.parametrize("log_pt", [False, True])
def test_log_det_is_the_determinant(log_pt):
    cloud, _ = genuine()
    encoder = CloudEncoder(log_pt=log_pt).fit(cloud)
    cloud, step = by_pt(cloud)[:8], 1e-7
    real = cloud.any(axis=2)
    numeric = np.zeros(8)
    for feature in range(3):
        shift = step * (np.arange(3) == feature) * real[..., None]
        up, down = (encoder.encode(cloud + sign * shift)[0][..., feature] for sign in (1, -1))
        slope = np.where(real, (up - down) / (2 * step), 1.0)
        numeric += np.log(slope).sum(axis=1)
    assert_allclose(encoder.log_det(cloud), numeric, rtol=1e-5)


def test_weights_count_as_clouds():
    cloud, _ = genuine()
    counts = np.arange(50) % 3
    weighted = CloudEncoder().fit(cloud, counts.astype(float))
    repeated = CloudEncoder().fit(np.repeat(cloud, counts, axis=0))
    assert_allclose(weighted.mean_, repeated.mean_)
    assert_allclose(weighted.std_, repeated.std_)


def test_drawn_pt_is_not_negative():
    cloud, _ = genuine()
    mask = np.ones((1, 6), dtype=bool)
    assert (CloudEncoder().fit(cloud).decode(np.full((1, 6, 3), -9.0), mask)[..., 2] == 0).all()


def broken(change):
    cloud, _ = genuine(4)
    cloud[3, 2] = change
    return cloud


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ([0.1, 0.1, -1.0, 1.0], "row 3: particle 2 has a negative pt"),
        ([0.1, 0.1, 0.0, 1.0], "row 3: particle 2 has pt = 0"),
        ([0.1, 0.1, 1.0, 0.0], "row 3: particle 2 has the mask 0"),
        ([0.1, 0.1, 1.0, 0.5], "row 3: particle 2 has a mask that is neither"),
    ],
)
def test_bad_clouds_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        CloudEncoder(4, log_pt=True).fit(broken(change))


def test_other_shapes():
    cloud, _ = genuine()
    encoder = CloudEncoder().fit(cloud)
    with pytest.raises(ValueError, match="X has 21 columns, but clouds of 6 particles"):
        encoder.check(np.zeros((2, 21)))
    with pytest.raises(ValueError, match="no particle"):
        CloudEncoder().fit(np.zeros((4, 6, 3)))
    with pytest.raises(ValueError, match="polar"):
        CloudEncoder(coordinates="cartesian", log_pt=True).fit(cloud)
