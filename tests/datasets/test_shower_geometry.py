"""Layers, materials and geometries, and their errors."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim.datasets import (
    ShowerGeometry,
    ShowerLayer,
    ShowerMaterial,
    make_showers,
)
from skjetsim.datasets._showers._cells import Cells

GRID = {"n_eta": 3, "n_phi": 2, "eta_size": 10.0, "phi_size": 20.0}


def write(path, body):
    path.write_text(body)
    return path


def binning(layers, attributes='pid="11" name="electron"'):
    return f"<Bins><Bin {attributes}>{layers}</Bin></Bins>"


RING = '<Layer id="0" r_edges="0,5,10" n_bin_alpha="3"/>'


def test_the_default_is_that_of_calogan():
    geometry = ShowerGeometry()
    assert [layer.shape for layer in geometry.layers] == [(3, 96), (12, 12), (12, 6)]
    for layer in geometry.layers:
        assert layer.n_eta * layer.eta_size == layer.n_phi * layer.phi_size == 480.0
    assert geometry.depth == 480.0
    assert geometry.cell_names()[:2] == ["layer0_phi0_eta0", "layer0_phi0_eta1"]
    assert geometry == ShowerGeometry()
    assert hash(geometry) == hash(ShowerGeometry())


def test_mixtures_lie_between_their_parts():
    lead, argon = (ShowerMaterial(absorber=None, active=name) for name in ("lead", "liquid argon"))
    for thickness in (0.5, 2.0, 8.0):
        mixture = ShowerMaterial(absorber_thickness=thickness)
        assert lead.radiation_length < mixture.radiation_length < argon.radiation_length
        assert lead.moliere_radius < mixture.moliere_radius < argon.moliere_radius
        assert mixture.interaction_length < mixture.pion_interaction_length
    # Lead in PDG's tables: 5.6 mm, 7.4 MeV, 16 mm.
    assert_allclose(lead.radiation_length, 5.61, atol=0.01)
    assert_allclose(1e3 * lead.critical_energy, 7.4, atol=0.1)
    assert_allclose(lead.moliere_radius, 16.0, rtol=0.02)
    # Wigmans' formula is close to the 10% / sqrt(E) of ATLAS' barrel.
    assert_allclose(ShowerMaterial().resolution_term, 0.10, atol=0.015)


def test_points_are_in_the_cells_that_hold_them():
    rings = ShowerLayer(5.0, r_edges=(2.0, 5.0, 10.0), n_alpha=4)
    geometry = ShowerGeometry((ShowerLayer(10.0, **GRID), rings, ShowerLayer(5.0)))
    names = [*geometry.cell_names(), "beside0", "beside1", "beside2"]
    points = [
        (0, 0.0, 1.0, "layer0_phi1_eta1"),
        (0, -14.9, -19.9, "layer0_phi0_eta0"),
        (0, 14.9, 19.9, "layer0_phi1_eta2"),
        (0, 15.1, 0.0, "beside0"),
        (0, 0.0, -20.1, "beside0"),
        (1, 3.0, 0.1, "layer1_alpha0_r0"),
        (1, -0.1, 7.0, "layer1_alpha1_r1"),
        (1, -7.0, -0.1, "layer1_alpha2_r1"),
        (1, 3.0, -0.1, "layer1_alpha3_r0"),
        (1, 1.0, 0.0, "beside1"),
        (1, 0.0, 10.1, "beside1"),
        (2, 0.0, 0.0, "beside2"),
    ]
    layer, x, y, expected = zip(*points, strict=True)
    columns = Cells(geometry).columns(np.array(layer), np.array(x), np.array(y))
    assert [names[column] for column in columns] == list(expected)


@pytest.mark.parametrize("radius", [1.0, 8.0, 60.0])
def test_fractions_are_those_of_points(radius):
    geometry = ShowerGeometry(
        (
            ShowerLayer(1.0, n_eta=5, n_phi=4, eta_size=6.0, phi_size=9.0),
            ShowerLayer(1.0, r_edges=(0.0, 4.0, 20.0), n_alpha=3),
        )
    )
    cells = Cells(geometry)
    rng = np.random.default_rng(0)
    quantile = rng.random(200_000)
    r, angle = radius * np.sqrt(quantile / (1 - quantile)), rng.uniform(0, 2 * np.pi, 200_000)
    for index, (x, y) in ((0, (4.0, -7.0)), (1, (0.0, 0.0)), (1, (4.0, -7.0))):
        columns = cells.columns(
            np.full(len(r), index), x + r * np.cos(angle), y + r * np.sin(angle)
        )
        start = geometry.cell_offsets[index]
        n_cells = geometry.layers[index].n_cells
        counted = np.bincount(columns, minlength=cells.n_columns)[start : start + n_cells]
        mean = cells.fractions(index, np.array([x]), np.array([y]), np.array([radius]))[0]
        assert_allclose(mean, counted / len(r), atol=0.015 if index and x else 0.004)


def test_xml_rings_and_dead_layers(tmp_path):
    dead = '<Layer id="7" r_edges="0" n_bin_alpha="1"/>'
    path = write(tmp_path / "binning.xml", binning(RING + dead))
    geometry = ShowerGeometry.from_xml(path, depth=12.0)
    assert [layer.number for layer in geometry.layers] == [0, 7]
    assert [layer.depth for layer in geometry.layers] == [12.0, 0.0]
    assert geometry.layers[0].r_edges == (0.0, 5.0, 10.0)
    assert geometry.cell_names()[-1] == "layer0_alpha2_r1"
    silicon = ShowerMaterial("tungsten", "silicon", 1.4, 0.3)
    geometry = ShowerGeometry.from_xml(path, depth={0: 12.0, 7: 3.0}, material={0: silicon})
    assert [layer.depth for layer in geometry.layers] == [12.0, 3.0]
    assert [layer.material for layer in geometry.layers] == [silicon, ShowerMaterial()]


def test_xml_particles(tmp_path):
    one, two = (f'<Bin name="{name}">{RING}</Bin>' for name in ("photon", "pion"))
    path = write(tmp_path / "binning.xml", f"<Bins>{one}{two}</Bins>")
    with pytest.raises(ValueError, match="choose one by particle="):
        ShowerGeometry.from_xml(path, depth=1.0)
    with pytest.raises(ValueError, match=r"no binning for 'kaon'; it has \['photon', 'pion'\]"):
        ShowerGeometry.from_xml(path, depth=1.0, particle="kaon")
    assert ShowerGeometry.from_xml(path, depth=1.0, particle="pion").n_cells == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<Bins>", "is not an XML file"),
        ("<Layers/>", "outermost element is 'Layers'"),
        (binning(RING, 'colour="red"'), "Bin has an unknown attribute 'colour'"),
        (binning('<Layer id="0" r_edges="0,1" n="2"/>'), "unknown attribute 'n'"),
        (binning('<Layer id="0" r_edges="0,1"/>'), "has no 'n_bin_alpha'"),
        (binning('<Layer id="0" r_edges="0,a" n_bin_alpha="1"/>'), "'0,a' of a Layer is no"),
        (binning('<Layer id="0" r_edges="0,-1" n_bin_alpha="1"/>'), "must increase"),
        (binning('<Layer id="0" r_edges="0,1" n_bin_alpha="0"/>'), "n_alpha must be at least 1"),
        (binning('<Layer id="0" r_edges="0" n_bin_alpha="1"/>'), "no cells"),
        (binning(RING + RING), "Two layers have the number 0"),
        (binning("<Sheet/>"), "holds Layer elements, not 'Sheet'"),
    ],
)
def test_bad_xml(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        ShowerGeometry.from_xml(write(tmp_path / "binning.xml", text), depth=1.0)


def test_missing_xml(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nix\.xml': path must be a binning file"):
        ShowerGeometry.from_xml(tmp_path / "nix.xml", depth=1.0)


@pytest.mark.parametrize(
    ("depth", "message"),
    [
        ({0: 1.0, 3: 1.0}, "depth has an entry for layer 3"),
        ({}, "depth has no entry for layer 0"),
        (-1.0, "depth must be zero or more"),
        (0.0, "must have a depth"),
    ],
)
def test_bad_depths_of_a_file(tmp_path, depth, message):
    path = write(tmp_path / "binning.xml", binning(RING))
    with pytest.raises(ValueError, match=message):
        ShowerGeometry.from_xml(path, depth=depth)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": -1.0}, "depth must be zero or more, got -1"),
        ({"depth": np.nan}, "depth must be zero or more, got nan"),
        ({"depth": 1.0, **GRID, "eta_size": 0.0}, "Cells must have sizes"),
        ({"depth": 1.0, **GRID, "phi_size": -2.0}, "phi_size must be zero or more"),
        ({"depth": 1.0, **GRID, "n_phi": 0}, "needs n_eta and n_phi"),
        ({"depth": 1.0, **GRID, "n_phi": -1}, "n_phi must be at least 0"),
        ({"depth": 0.0, **GRID}, "must have a depth"),
        ({"depth": 1.0, **GRID, "r_edges": (0.0, 1.0)}, "not both"),
        ({"depth": 1.0, "r_edges": (0.0, 2.0, 1.0)}, "must increase"),
        ({"depth": 1.0, "r_edges": (1.0,)}, "two radii or more"),
        ({"depth": 1.0, "r_edges": (-1.0, 1.0)}, "must be radii"),
    ],
)
def test_bad_layers(options, message):
    with pytest.raises(ValueError, match=message):
        ShowerLayer(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"absorber": "cheese"}, "absorber must be one of"),
        ({"active": None}, "active must be one of"),
        ({"absorber_thickness": 0.0}, "absorber_thickness must be above 0"),
        ({"sampling_term": -0.1}, "sampling_term must be zero or more"),
        ({"e_over_h": 0.9}, "e_over_h must be at least 1"),
    ],
)
def test_bad_materials(options, message):
    with pytest.raises(ValueError, match=message):
        ShowerMaterial(**options)


def test_bad_geometries():
    with pytest.raises(ValueError, match="0 layers and no cells"):
        ShowerGeometry(())
    with pytest.raises(ValueError, match="no cells"):
        ShowerGeometry((ShowerLayer(10.0),))
    layer = ShowerLayer(10.0, **GRID, number=4)
    with pytest.raises(ValueError, match="Two layers have the number 4"):
        ShowerGeometry((layer, replace(layer, depth=3.0)))
    with pytest.raises(TypeError, match="a sequence of ShowerLayer, got a ShowerLayer"):
        ShowerGeometry(layer)
    with pytest.raises(TypeError, match="ShowerLayer objects"):
        ShowerGeometry((10.0,))
    with pytest.raises(TypeError, match="ShowerMaterial"):
        ShowerLayer(10.0, material="lead")
    with pytest.raises(ValueError, match=r"shape \(n_showers, 504\), got \(2, 3\)"):
        ShowerGeometry().images(np.zeros((2, 3)))


def test_what_make_showers_returns():
    made = make_showers([5.0, 6.0], "photon", theta=[0.1, 0.2], phi=1.0, position=[[1, 2], [3, 4]])
    assert made.feature_names == ["energy", "theta", "phi", "x", "y"]
    assert made.data["y"].tolist() == [2.0, 4.0]
    assert made.target.shape == (2, 504) == (2, len(made.target_names))
    assert made.deposited.shape == made.overflow.shape == (2, 3)
    assert made.leakage.shape == made.invisible.shape == (2,)
    assert_array_equal(made.invisible, 0.0)
    assert made.particle == "photon"
    assert "Calorimeter showers" in made.DESCR
    assert make_showers(5.0).target.shape == (1, 504)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"energy": [1.0, 0.0]}, ValueError, "row 1 is 0 GeV"),
        ({"energy": -3.0}, ValueError, "row 0 is -3 GeV"),
        ({"energy": [1.0, np.nan]}, ValueError, "NaN in column 'energy', first bad row 1"),
        ({"energy": [1.0], "n_samples": 3}, ValueError, "n_samples goes with one energy"),
        ({"energy": []}, ValueError, "energy is empty"),
        ({"energy": [[1.0]]}, ValueError, "one-dimensional"),
        ({"energy": "many"}, TypeError, "energy must be a number"),
        ({"n_samples": 0}, ValueError, "n_samples must be at least 1"),
        ({"particle": "muon"}, ValueError, "'electron', 'photon', 'pion'"),
        ({"n_jobs": 0}, ValueError, "n_jobs must not be 0"),
        ({"method": "full"}, ValueError, "'spots', 'profile'"),
        ({"theta": np.pi / 2}, ValueError, r"theta must be in \[0, pi/2\), but row 0"),
        ({"theta": [0.1, -0.1], "n_samples": 2}, ValueError, "but row 1 is -0.1"),
        ({"theta": [0.1, 0.1]}, ValueError, r"shape \(1,\), got shape \(2,\)"),
        ({"phi": np.inf}, ValueError, "infinity"),
        ({"position": (1.0, 2.0, 3.0)}, ValueError, r"one \(x, y\)"),
        ({"position": (np.nan, 0.0)}, ValueError, "NaN in column 'x'"),
        ({"position": (1e5, 0.0)}, ValueError, r"row 0 is \(100000, 0\) mm.* 480 x 480 mm"),
        ({"position": (0.0, -240.1)}, ValueError, r"row 0 is \(0, -240.1\) mm"),
        ({"geometry": "ATLAS"}, TypeError, "ShowerGeometry"),
        ({"random_state": -1}, ValueError, "random_state"),
    ],
)
def test_bad_input(options, error, message):
    with pytest.raises(error, match=message):
        make_showers(**{"energy": 10.0, **options})


def test_energies_beyond_the_fits_warn_once_a_call():
    with pytest.warns(UserWarning, match=r"0.4 GeV in row 1 \(2 such rows in all\)") as caught:
        make_showers([0.5, 0.4, 500.0, 501.0])
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_particles_must_meet_the_cells():
    small = ShowerLayer(10.0, **GRID)
    ring = ShowerLayer(10.0, r_edges=(5.0, 30.0))
    geometry = ShowerGeometry((ShowerLayer(100.0), small, ring))
    # The points are in the ring alone, in a corner of the grid alone, and in the hole of the ring.
    inside = [(29.0, 0.0), (-15.0, 20.0), (0.0, 0.0)]
    assert make_showers([5.0] * 3, position=inside, geometry=geometry).target.shape == (3, 7)
    with pytest.raises(ValueError, match=r"row 1 is \(22, 22\) mm.*1 such.* 60 x 60 mm"):
        make_showers([5.0] * 2, position=[(0, 0), (22, 22)], geometry=geometry)
    # A particle tilted towards the axis reaches the cells after 100 mm of dead material.
    towards, away = np.pi, 0.0
    tilted = {"theta": np.pi / 4, "position": (100.0, 0.0)}
    for layers in (geometry.layers, geometry.layers[:2]):
        one = ShowerGeometry(layers)
        assert make_showers(50.0, phi=towards, geometry=one, **tilted).target.shape[0] == 1
        with pytest.raises(ValueError, match=r"row 0 is \(100, 0\) mm"):
            make_showers(50.0, phi=away, geometry=one, **tilted)


def test_hadrons_need_a_known_response():
    material = ShowerMaterial("tungsten", "silicon", 1.4, 0.3)
    geometry = ShowerGeometry((ShowerLayer(100.0, r_edges=(0.0, 50.0), material=material),))
    make_showers(10.0, geometry=geometry)
    with pytest.raises(ValueError, match="No e/h is known for tungsten and silicon"):
        make_showers(10.0, "pion", geometry=geometry)
    known = replace(geometry.layers[0], material=replace(material, e_over_h=1.4))
    made = make_showers(10.0, "pion", n_samples=20, geometry=ShowerGeometry((known,)))
    assert (made.invisible > 0).any()
