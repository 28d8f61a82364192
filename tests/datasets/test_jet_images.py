"""generate_jet_images: selection, trimming, rotation, mirroring, and what images show."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim.datasets._chain import _events
from skjetsim.datasets._chain._jets import cluster
from skjetsim.datasets._chain._particles import Particles
from skjetsim.datasets._jets._images import generate_jet_images
from skjetsim.datasets._jets._pixels import pixelate
from skjetsim.datasets._jets._substructure import tau21, trim

pytestmark = pytest.mark.usefixtures("pythia")

PIXELS = {"n_pixels": 25, "half_width": 1.25}
PLAIN = PIXELS | {"centre": False, "rotate": False, "flip": False}


def generate(n_samples, kind="w", **options):
    """Images without multiparton interactions, which take most of the time."""
    defaults = {"random_state": 1, "settings": ["PartonLevel:MPI = off"]}
    return generate_jet_images(n_samples, kind, **(defaults | options))


@pytest.fixture(scope="module")
def images(pythia):
    """Images of two chunks, in two detector passes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_events, "CHUNK_ROWS", 40)
        return generate(60, n_detector=2)


def make_particles(event, pt, eta, phi):
    pt, eta, phi = (np.asarray(values, dtype=float) for values in (pt, eta, phi))
    none = np.zeros(len(pt))
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    return Particles(np.asarray(event), px, py, pz, pt * np.cosh(eta), none, none)


def trimmed(particles):
    jets, owner = cluster(particles, 1, 1.0)
    return trim(particles, owner, jets, np.array([np.argmax(jets.pt)]))


def test_bunch(images):
    assert images.data.shape == images.target.shape == (60, 25, 25)
    names = ["pt", "eta", "phi", "mass", "tau21", "outside_pt"]
    assert list(images.jets.columns) == list(images.target_jets.columns) == names
    assert images.accepted.shape == (60,)
    assert "W boson" in images.DESCR
    assert images.data.min() == 0
    assert np.isfinite(images.jets).all(axis=None)
    (second,) = images.repeats
    assert (second.target != images.target).any(axis=(1, 2)).all()


def test_selection(images):
    jets = images.jets
    assert jets["pt"].between(250, 300).all()
    assert jets["mass"].between(65, 95).all()
    assert jets["eta"].abs().max() < 2
    assert jets["tau21"].between(0, 1).all()
    assert_allclose(jets["mass"].median(), 80.4, rtol=0.03)


def test_images_hold_the_jets_pt(images):
    for pixels, jets in ((images.data, images.jets), (images.target, images.target_jets)):
        scalar = pixels.sum(axis=(1, 2)) + jets["outside_pt"]
        # The scalar sum is larger than that of the vectors, since a jet has a mass.
        assert (scalar >= jets["pt"] * (1 - 1e-9)).all()
        assert (scalar < jets["pt"] * 1.1).all()
    assert (images.jets["outside_pt"] < 0.2 * images.jets["pt"]).all()


def test_the_detector_sees_the_same_jets(images):
    assert images.accepted.mean() > 0.9
    both = images.accepted
    response = images.target_jets["pt"][both] / images.jets["pt"][both]
    assert_allclose(response.median(), 1, atol=0.04)
    # Both images are centred, rotated and mirrored independently, but show the same jet.
    own, other = images.data[both], images.target[both]
    same, shuffled = (own * other).sum(axis=(1, 2)), (own * np.roll(other, 1, 0)).sum(axis=(1, 2))
    assert np.median(same) > 1.2 * np.median(shuffled)


def test_same_seed_same_images(monkeypatch, images):
    monkeypatch.setattr(_events, "CHUNK_ROWS", 40)
    few = generate(45)
    assert_array_equal(few.data, images.data[:45])
    assert_array_equal(few.target, images.target[:45])
    without = generate(5, n_detector=None)
    assert_array_equal(without.data, images.data[:5])
    assert "target" not in without


def test_two_lobes_of_a_w(images):
    """The mean image has its peak in the middle, and another below it, 2 m / pT away."""
    mean = images.data.mean(axis=0)
    assert np.unravel_index(mean.argmax(), mean.shape) == (12, 12)
    below = mean[12, :10]
    distance = (12 - below.argmax()) * 0.1
    assert 0.4 < distance < 0.75
    assert below.max() > 5 * mean[12, 15:].max()
    assert mean[13:].sum() > 1.1 * mean[:12].sum()


def test_switches_move_but_keep_the_jets(images):
    plain = generate(5, n_detector=None, centre=False, rotate=False, flip=False)
    assert_array_equal(plain.jets.drop(columns="outside_pt"), images.jets[:5].iloc[:, :5])
    both = (plain.data.sum(axis=(1, 2)) + plain.jets["outside_pt"]).to_numpy()
    assert_allclose(images.data[:5].sum(axis=(1, 2)) + images.jets["outside_pt"][:5], both)
    centre = np.tensordot(plain.data / both[:, None, None], np.linspace(-1.2, 1.2, 25), (1, 0))
    assert_allclose(centre.sum(axis=1), 0, atol=0.06)


def test_normalised_images(images):
    normalised = generate(5, normalise=True)
    assert_array_equal(normalised.jets, images.jets[:5])
    for pixels, plain in ((normalised.data, images.data), (normalised.target, images.target)):
        found = plain[:5].any(axis=(1, 2))
        assert_allclose(np.square(pixels[found]).sum(axis=(1, 2)), 1)
        assert not pixels[~found].any()
        norm = np.sqrt(np.square(plain[:5][found]).sum(axis=(1, 2), keepdims=True))
        assert_allclose(pixels[found] * norm, plain[:5][found])


def test_qcd_has_broader_images(images):
    qcd = generate(12, "qcd", n_detector=None)
    assert qcd.jets["mass"].between(65, 95).all()
    assert qcd.jets["tau21"].median() > images.jets["tau21"].median()


def test_trimming_takes_soft_subjets_away():
    # A hard core, a hard second subjet, and one with 3% of the jet.
    particles = make_particles([0] * 4, [60, 50, 30, 4], [0, 0.1, 0.6, -0.6], [0, 0, 0, 0.3])
    left = trimmed(particles)
    assert_array_equal(np.sort(left.particles.pt.round(9)), [30, 50, 60])
    assert_allclose(left.jets.px, 60 + 50 + 30)
    assert_allclose(left.axes[0, 0], [0.0454, 0], atol=0.001)
    assert_allclose(left.axes[0, 1], [0.6, 0], atol=1e-12)


def test_tau21():
    two_prongs = make_particles([0] * 4, [50, 40, 30, 20], [0, 0, 0.6, 0.6], [0, 0.02, 0, 0.02])
    one_prong = make_particles([0] * 4, [50, 40, 30, 20], [0, 0.1, -0.05, 0.1], [0, 0.1, 0, -0.2])
    single = make_particles([0], [50], [0], [0])
    values = [tau21(left.particles, left.jets)[0] for left in map(trimmed, (two_prongs, one_prong))]
    assert values[0] < 0.1 < 0.2 < values[1] < 1
    assert_array_equal(tau21(single, trimmed(single).jets), [0])


def test_pixels_by_hand():
    axes = np.array([[[0.0, 0.0], [0.1, 3.1], [0.1, -2.6]]])
    eta, phi, pt = np.array([0.1, 0.1, 0.5]), np.array([3.1, -2.6, 3.1]), np.array([50.0, 30, 40])
    row = np.zeros(3, int)
    images, outside = pixelate(
        eta, phi, pt, row, axes, centre=True, rotate=True, flip=True, **PIXELS
    )
    assert_allclose(outside, 0)
    assert images[0, 12, 12] == 50
    # The second subjet is 0.583 away, across the seam in phi, and is rotated below the first.
    assert images[0, 12, 6] == 30
    # The part at right angles is on the right, mirrored or not.
    assert images[0, 16, 12] == 40


def test_principal_axis_without_second_subjet():
    axes = np.array([[[0.0, 0.0], [0.0, 0.0], [np.nan, np.nan]]])
    eta, phi, pt = np.array([0.0, 0.4, 0.8]), np.zeros(3), np.array([50.0, 10, 5])
    options = PLAIN | {"rotate": True}
    images, _ = pixelate(eta, phi, pt, np.zeros(3, int), axes, **options)
    assert images[0, 12, [12, 8, 4]].tolist() == [50, 10, 5]


def test_pt_beyond_the_edge_is_told():
    axes = np.zeros((2, 3, 2))
    eta, phi = np.array([0.0, 1.3, 0.0]), np.array([0.0, 0.0, -2.0])
    images, outside = pixelate(eta, phi, np.array([9.0, 2, 3]), np.array([0, 0, 1]), axes, **PLAIN)
    assert_array_equal(outside, [2, 3])
    assert_array_equal(images.sum(axis=(1, 2)), [9, 0])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kind": "top"}, ValueError, "kind must be one of"),
        ({"n_pixels": 0}, ValueError, "n_pixels must be at least 1"),
        ({"half_width": -1}, ValueError, "half_width must be above 0"),
        ({"half_width": "wide"}, TypeError, "half_width must be a number"),
        ({"rotate": "yes"}, ValueError, "rotate must be one of"),
    ],
)
def test_bad_input(options, error, message):
    with pytest.raises(error, match=message):
        generate_jet_images(5, **options)
