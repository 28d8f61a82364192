"""ImageEncoder: empty cells stay empty, totals are kept, energies are not negative."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim._encoders._image import ImageEncoder


def showers(n_rows=40, shape=(4, 5)):
    rng = np.random.default_rng(0)
    energies = rng.exponential(3.0, (n_rows, *shape))
    return np.where(rng.random(energies.shape) < 0.5, 0.0, energies)


@pytest.mark.parametrize("shape", [(4, 5), (20,), (2, 3, 4)])
def test_logarithm_round_trips(shape):
    images = showers(shape=shape)
    encoder = ImageEncoder(threshold=0.01).fit(images)
    inputs = encoder.encode(images)
    assert inputs.shape == images.shape
    assert_array_equal(inputs == 0, images == 0)
    assert inputs.max() == 1
    assert_allclose(encoder.decode(inputs), images, atol=1e-12)
    assert (encoder.decode(inputs - 0.5) >= 0).all()


def test_shares_keep_the_total():
    images = showers()
    encoder = ImageEncoder("share").fit(images)
    shares, total = encoder.encode(images), images.sum(axis=(1, 2))
    assert_allclose(shares.sum(axis=(1, 2)), 1)
    assert_allclose(encoder.decode(shares, total), images)
    drawn = encoder.decode(shares - 0.01, 2 * total)
    assert (drawn >= 0).all()
    assert_allclose(drawn.sum(axis=(1, 2)), 2 * total)


def test_an_empty_image_stays_empty():
    images = showers()
    images[3] = 0
    for encoder in (ImageEncoder(), ImageEncoder("share")):
        encoder.fit(images)
        inputs = encoder.encode(images)
        assert_array_equal(encoder.decode(inputs, images.sum(axis=(1, 2)))[3], 0)


def test_log_det_is_the_determinant():
    images, step = showers(10), 1e-6
    encoder = ImageEncoder(threshold=0.5).fit(images)
    slope = (encoder.encode(images + step) - encoder.encode(images)) / step
    assert_allclose(encoder.log_det(images), np.log(slope).sum(axis=(1, 2)), rtol=1e-4)
    assert not hasattr(ImageEncoder("share"), "log_det")


def test_bad_images_are_refused():
    images = showers()
    encoder = ImageEncoder().fit(images)
    with pytest.raises(ValueError, match=r"shape \(20,\), but those of the fit had \(4, 5\)"):
        encoder.check(images.reshape(-1, 20))
    images[3, 1, 2] = -0.25
    with pytest.raises(ValueError, match=r"X row 3, cell \(1, 2\) has a negative energy, -0.25"):
        encoder.check(images)
    with pytest.raises(ValueError, match="no energy"):
        ImageEncoder().fit(np.zeros((3, 4)))
