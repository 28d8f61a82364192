"""Public jets of another program, beside ours."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skjetsim.datasets._jets._clouds import generate_jets, in_coordinates

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "jets"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the real files are not here")


def load(label):
    """Clouds, and a table of pt, eta, mass and multiplicity."""
    file = np.load(FOLDER / "quark_gluon_2000.npz")
    chosen = file["label"] == list(file["label_names"]).index(label)
    return file["particles"][chosen].astype(float), file["jets"][chosen].astype(float)


def cartesian(cloud, jets, phi):
    """Massless momenta of a cloud, shape (n, particles, 3), and masses of their sums."""
    eta = cloud[..., 0] + jets[:, 1:2]
    pt = cloud[..., 2] * jets[:, :1]
    angle = cloud[..., 1] + phi[:, None]
    momenta = np.stack([pt * np.cos(angle), pt * np.sin(angle), pt * np.sinh(eta)], axis=2)
    energy, total = (pt * np.cosh(eta)).sum(axis=1), momenta.sum(axis=1)
    return momenta, np.sqrt(np.maximum(energy**2 - np.square(total).sum(axis=1), 0))


@pytest.mark.parametrize("label", ["quark", "gluon"])
def test_the_layout_is_that_of_the_file(label):
    cloud, jets = load(label)
    phi = np.random.default_rng(0).uniform(-np.pi, np.pi, len(jets))
    momenta, mass = cartesian(cloud, jets, phi)
    assert_allclose(mass, jets[:, 2], rtol=1e-2)
    total = momenta.sum(axis=1)
    assert_allclose(np.hypot(*total[:, :2].T), jets[:, 0], rtol=1e-5)
    table = np.column_stack([jets[:, :2], phi, jets[:, 2:]])
    assert_allclose(in_coordinates(momenta, table, "relative"), cloud, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("label", ["quark", "gluon"])
def test_mass_and_multiplicity_are_those_of_the_file(label):
    """Within what 250 jets can say; the benchmark says it to 2%."""
    for package in ("pythia8mc", "fastjet", "awkward"):
        pytest.importorskip(package)
    ours = generate_jets(
        250,
        label,
        radius=0.4,
        pt_range=(500, 550),
        n_constituents=200,
        n_detector=None,
        # As the file has it: 14 TeV, and strange hadrons decay.
        settings=["Beams:eCM = 14000.", "ParticleDecays:limitTau0 = off"],
        random_state=0,
    )
    cloud, jets = load(label)
    table = ours.jets[["pt", "eta"]].to_numpy()
    _, mass = cartesian(ours.data, table, np.zeros(len(table)))
    assert_allclose(np.median(mass / table[:, 0]), np.median(jets[:, 2] / jets[:, 0]), rtol=0.15)
    assert_allclose(ours.jets["multiplicity"].median(), np.median(jets[:, 3]), rtol=0.08)
    angle = (np.hypot(ours.data[..., 0], ours.data[..., 1]) * ours.data[..., 2]).sum(axis=1)
    theirs = (np.hypot(cloud[..., 0], cloud[..., 1]) * cloud[..., 2]).sum(axis=1)
    assert_allclose(np.median(angle), np.median(theirs), rtol=0.2)
