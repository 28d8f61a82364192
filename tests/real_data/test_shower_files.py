"""Showers of Geant4 and binnings of the CaloChallenge, beside ours."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skjetsim.datasets import (
    ShowerGeometry,
    ShowerLayer,
    ShowerMaterial,
    make_showers,
)

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "calo"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the real files are not here")

CRYSTAL = ShowerMaterial(absorber=None, active="sodium iodide")


def test_binning_of_photons():
    geometry = ShowerGeometry.from_xml(FOLDER / "binning_dataset_1_photons.xml", depth=90.0)
    assert geometry.n_cells == 368  # as the data set's description has it
    assert geometry.n_layers == 24
    live = [layer for layer in geometry.layers if layer.n_cells]
    assert [layer.number for layer in live] == [0, 1, 2, 3, 12]
    assert [layer.shape for layer in live] == [(1, 8), (10, 16), (10, 19), (1, 5), (1, 5)]
    made = make_showers(20.0, "photon", n_samples=20, geometry=geometry, random_state=0)
    everything = made.deposited.sum(axis=1) + made.leakage
    assert_allclose(everything, 20.0)
    assert (made.deposited[:, 4:12] == 0).all()


@pytest.mark.parametrize("method", ["spots", "profile"])
def test_binning_of_electrons(method):
    geometry = ShowerGeometry.from_xml(
        FOLDER / "binning_dataset_2.xml",
        depth=3.4,
        material=ShowerMaterial("tungsten", "silicon", 1.4, 0.3),
    )
    assert geometry.n_cells == 6480
    assert geometry.layers[44].shape == (16, 9)
    made = make_showers(10.0, n_samples=40, geometry=geometry, method=method, random_state=0)
    assert made.deposited.mean(axis=0).argmax() in range(5, 11)
    assert made.target.sum(axis=1).mean() > 9.0


@pytest.fixture(scope="module")
def geant4():
    with np.load(FOLDER / "em_showers_2GeV_1000.npz") as file:
        showers, primary = file["showers"].astype(float), file["primary"]
    return {"electron": showers[primary != 0], "photon": showers[primary == 0]}


@pytest.mark.parametrize("particle", ["electron", "photon"])
@pytest.mark.parametrize("method", ["spots", "profile"])
def test_showers_are_like_those_of_geant4(geant4, particle, method):
    # Layers and cells of 50 and 20 mm: the impact point is in the middle of the fifth cell.
    layer = ShowerLayer(50.0, n_eta=12, n_phi=12, eta_size=20.0, phi_size=20.0, material=CRYSTAL)
    made = make_showers(
        2.0,
        particle,
        n_samples=500,
        position=(-30.0, -30.0),
        geometry=ShowerGeometry((layer,) * 12),
        method=method,
        random_state=0,
    )
    ours, theirs = made.target.reshape(-1, 12, 12, 12), geant4[particle]
    fractions = [
        each.sum(axis=(2, 3)) / each.sum(axis=(1, 2, 3))[:, None] for each in (ours, theirs)
    ]
    assert_allclose(fractions[0].mean(axis=0), fractions[1].mean(axis=0), atol=0.02)
    depths = [each @ np.arange(12) for each in fractions]
    assert_allclose(depths[0].mean(), depths[1].mean(), atol=0.15)
    assert_allclose(depths[0].std(), depths[1].std(), rtol=0.2)
    image, other = (
        each.sum(axis=1).mean(axis=0) / each.sum(axis=(1, 2, 3)).mean() for each in (ours, theirs)
    )
    assert_allclose(image[4, 4], other[4, 4], atol=0.05)
    assert_allclose(image[3:6, 3:6].sum(), other[3:6, 3:6].sum(), atol=0.02)
    assert_allclose(image[:9, :9].sum(), other[:9, :9].sum(), atol=0.01)
