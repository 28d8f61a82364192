"""make_showers, and whether its showers look like showers."""

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

METHODS = ("spots", "profile")
PARTICLES = ("electron", "photon", "pion")
both = pytest.mark.parametrize("method", METHODS)
everyone = pytest.mark.parametrize("particle", PARTICLES)
EXACT = ShowerMaterial(sampling_term=0.0)


def stack(n_layers, depth, material=EXACT, **cells):
    """Equal layers, each with `depth` in radiation lengths."""
    depth = depth * material.radiation_length
    return ShowerGeometry((ShowerLayer(depth, material=material, **cells),) * n_layers)


def rings(n_layers, depth, radii, material=EXACT):
    """Equal layers with rings, `radii` in Moliere radii."""
    edges = tuple(material.moliere_radius * np.array(radii))
    return stack(n_layers, depth, material, r_edges=edges)


def squares(n_layers, depth, n_cells, size, material=EXACT):
    cells = {"n_eta": n_cells, "n_phi": n_cells, "eta_size": size, "phi_size": size}
    return stack(n_layers, depth, material, **cells)


def error(values):
    return np.std(values) / np.sqrt(len(values))


@both
@everyone
def test_energies_add_up(particle, method):
    energy = np.geomspace(0.5, 200.0, 40)
    geometry = replace(
        ShowerGeometry(),
        layers=tuple(replace(layer, material=EXACT) for layer in ShowerGeometry().layers),
    )
    made = make_showers(
        energy, particle, geometry=geometry, theta=0.2, method=method, random_state=0
    )
    everything = made.deposited.sum(axis=1) + made.leakage + made.invisible
    assert_allclose(everything, energy, rtol=1e-12)
    cells = [image.sum(axis=(1, 2)) for image in geometry.images(made.target)]
    assert_allclose(np.array(cells).T, made.deposited - made.overflow, rtol=1e-9, atol=1e-9)
    for name in ("target", "deposited", "overflow", "leakage", "invisible"):
        assert (made[name] >= 0).all(), name
    assert ((made.invisible > 0).any()) == (particle == "pion")


@both
def test_sampling_leaves_the_mean_and_widens_as_the_material_says(method):
    material = ShowerMaterial(sampling_term=0.2)
    geometry = rings(12, 3.0, (0.0, 40.0), material)
    for energy in (3.0, 12.0):
        made = make_showers(energy, n_samples=800, geometry=geometry, method=method, random_state=0)
        seen = made.target.sum(axis=1) - (made.deposited - made.overflow).sum(axis=1)
        assert abs(seen.mean()) < 4 * error(seen)
        assert_allclose(np.std(seen), 0.2 * np.sqrt(energy), rtol=0.1)


@both
def test_resolution_falls_with_the_root_of_the_energy(method):
    widths = {}
    for energy in (2.0, 18.0):
        made = make_showers(energy, n_samples=1200, method=method, random_state=1)
        total = made.target.sum(axis=1)
        widths[energy] = np.std(total) / total.mean()
    assert_allclose(widths[2.0] / widths[18.0], 3.0, rtol=0.12)
    assert_allclose(widths[2.0] * np.sqrt(2.0), ShowerMaterial().resolution_term, rtol=0.1)


def depth_of(made):
    """Energy-weighted mean layer, and its error."""
    layers = np.arange(made.deposited.shape[1]) + 0.5
    mean = made.deposited @ layers / made.deposited.sum(axis=1)
    return mean.mean(), error(mean)


@both
def test_the_maximum_goes_deeper_with_the_logarithm_of_the_energy(method):
    geometry = rings(50, 0.6, (0.0, 10.0))
    means = []
    for energy in (1.0, 10.0, 100.0):
        made = make_showers(energy, n_samples=100, geometry=geometry, method=method, random_state=0)
        means.append(0.6 * depth_of(made)[0])
    steps = np.diff(means)
    # A decade of energy moves the maximum, and about as much the mean, by ln 10 = 2.3 lengths.
    assert_allclose(steps, np.log(10.0), atol=0.3)


def test_the_mean_profile_is_the_published_gamma_function():
    # hep-ex/0001020: alpha and T of fluctuating showers, here at 30 GeV in lead tungstate.
    material = ShowerMaterial(absorber=None, active="lead tungstate", sampling_term=0.0)
    geometry = rings(60, 0.5, (0.0, 20.0), material)
    made = make_showers(30.0, n_samples=2000, geometry=geometry, method="profile", random_state=0)
    log_y = np.log(30.0 / material.critical_energy)
    shape, maximum = (
        0.21 + (0.492 + 2.38 / material.atomic_number) * log_y,
        log_y - 0.858,
    )
    mean_depth = maximum * shape / (shape - 1.0)
    depth, _ = depth_of(made)
    assert_allclose(0.5 * depth, mean_depth, rtol=0.02)


@both
@pytest.mark.parametrize(
    "material", [EXACT, ShowerMaterial(absorber=None, active="bismuth germanate")]
)
def test_nine_tenths_of_the_energy_are_in_one_moliere_radius(material, method):
    geometry = rings(30, 1.0, (0.0, 1.0, 3.5), material)
    made = make_showers(20.0, n_samples=150, geometry=geometry, method=method, random_state=0)
    inner, outer = made.target.reshape(150, 30, 2).sum(axis=1).mean(axis=0) / 20.0
    assert_allclose(inner, 0.90, atol=0.03)
    assert_allclose(inner + outer, 0.98, atol=0.015)


@both
def test_photons_are_deeper_than_electrons(method):
    geometry = rings(40, 0.75, (0.0, 10.0))
    depths = []
    for particle in ("electron", "photon"):
        made = make_showers(
            10.0, particle, n_samples=500, geometry=geometry, method=method, random_state=0
        )
        depths.append(0.75 * np.array(depth_of(made)))
    (electron, _), (photon, sigma) = depths
    # Photons take 9/7 radiation lengths to convert, but their two softer showers are shorter.
    assert_allclose(photon - electron, 0.9, atol=0.2 + 3 * sigma)


@both
def test_pions_leak_more_and_vary_more(method):
    electrons, pions = (
        make_showers(40.0, particle, n_samples=300, method=method, random_state=0)
        for particle in ("electron", "pion")
    )
    assert pions.leakage.mean() > 100 * electrons.leakage.mean()
    assert np.std(pions.target.sum(axis=1)) > 5 * np.std(electrons.target.sum(axis=1))


@both
@pytest.mark.parametrize("theta", [0.0, 0.8])
def test_pions_start_exponentially(method, theta):
    made = make_showers(40.0, "pion", n_samples=1000, theta=theta, method=method, random_state=0)
    geometry = made.geometry
    path = geometry.depth / np.cos(theta)
    material = geometry.layers[0].material
    expected = np.exp(-path / material.pion_interaction_length)
    passed = np.isclose(made.leakage, 40.0 - path * material.min_ionisation)
    assert abs(passed.mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / 1000)


@both
@everyone
@pytest.mark.filterwarnings("ignore:energy is:UserWarning")
@pytest.mark.parametrize(
    ("energy", "theta", "position"),
    [
        (1e-3, 0.0, (0.0, 0.0)),
        (3e3, 0.0, (0.0, 0.0)),
        (5.0, 1.55, (0.0, 0.0)),
        (5.0, 0.0, (240.0, 240.0)),
    ],
)
def test_corners(particle, method, energy, theta, position):
    made = make_showers(
        energy, particle, n_samples=5, theta=theta, position=position, method=method,
        random_state=0,
    )  # fmt: skip
    everything = made.deposited.sum(axis=1) + made.leakage + made.invisible
    assert_allclose(everything, energy, rtol=1e-9)
    assert np.isfinite(made.target).all()
    if position[0]:
        assert (made.overflow.sum(axis=1) > 0.3 * made.deposited.sum(axis=1)).all()


def test_hadronic_response_grows_with_the_energy_as_neutral_pions_do():
    material = ShowerMaterial("iron", "polystyrene", 14.0, 3.0)
    geometry = rings(20, 10.0, (0.0, 100.0), material)
    for energy in (10.0, 200.0):
        made = make_showers(
            energy, "pion", n_samples=600, geometry=geometry, method="profile", random_state=0
        )
        seen = made.deposited.sum(axis=1) / (energy - made.leakage)
        fraction = 1.0 - energy**-0.18
        expected = fraction + (1.0 - fraction) / 1.36
        assert_allclose(seen.mean(), expected, atol=0.02)


@both
def test_nine_tenths_of_a_hadronic_shower_are_in_one_interaction_length(method):
    material = ShowerMaterial("iron", "polystyrene", 14.0, 3.0)
    reach = material.interaction_length
    geometry = stack(12, 7.0, material, r_edges=(0.0, reach, 20 * reach))
    made = make_showers(
        50.0, "pion", n_samples=400, geometry=geometry, method=method, random_state=0
    )
    inner, outer = made.target.sum(axis=0).reshape(12, 2).sum(axis=0)
    assert_allclose(inner / (inner + outer), 0.91, atol=0.025)


def test_sampling_of_hadrons_is_coarser():
    material = ShowerMaterial("iron", "polystyrene", 14.0, 3.0)
    geometry = rings(8, 10.0, (0.0, 200.0), material)
    made = make_showers(
        3.0, "pion", n_samples=1500, geometry=geometry, method="profile", random_state=0
    )
    inside = (made.deposited - made.overflow).sum(axis=1)
    pull = (made.target.sum(axis=1) - inside) / np.sqrt(inside)
    # 1.75 times as wide, except for the electromagnetic part, which is some 20% of the energy here.
    assert_allclose(np.std(pull) / material.resolution_term, 1.6, rtol=0.07)


@both
def test_a_tilt_moves_the_barycentre(method):
    geometry = squares(6, 3.0, 41, 10.0)
    depth = geometry.layers[0].depth
    centres = 10.0 * (np.arange(41) - 20.0)
    for phi, axis in ((0.0, 2), (np.pi / 2, 1)):
        made = make_showers(
            50.0, n_samples=100, theta=0.25, phi=phi, geometry=geometry, method=method,
            random_state=0,
        )  # fmt: skip
        for number in (1, 2, 3):
            image = geometry.images(made.target)[number].mean(axis=0)
            place = image.sum(axis=2 - axis) @ centres / image.sum()
            other = image.sum(axis=axis - 1) @ centres / image.sum()
            # Within a layer, energy is not spread evenly in depth.
            low, high = (np.tan(0.25) * depth * (number + end) for end in (0.2, 0.8))
            assert low < place < high
            assert abs(other) < 1.0


@pytest.mark.parametrize(("phi", "axis"), [(0.0, 1), (np.pi / 2, 0)])
def test_a_thin_layer_cuts_a_tilted_shower_in_an_ellipse(phi, axis):
    front = ShowerLayer(60.0, material=EXACT)
    thin = ShowerLayer(1.0, n_eta=161, n_phi=161, eta_size=2.0, phi_size=2.0, material=EXACT)
    geometry = ShowerGeometry((front, thin))
    shift = 60.0 * np.tan(0.9) * np.array([np.cos(phi), np.sin(phi)])
    made = make_showers(
        100.0, n_samples=300, theta=0.9, phi=phi, position=-shift, geometry=geometry,
        random_state=0,
    )  # fmt: skip
    image = made.target.sum(axis=0).reshape(161, 161)
    along, across = image.sum(axis=1 - axis), image.sum(axis=axis)

    def half_width(profile):
        distance = np.abs(2.0 * np.arange(161) - 160.0)
        order = np.argsort(distance)
        within = np.cumsum(profile[order]) / profile.sum()
        return np.interp(0.7, within, distance[order])

    assert_allclose(half_width(along) / half_width(across), 1 / np.cos(0.9), rtol=0.15)


@both
@everyone
def test_turning_the_impact_point_turns_the_image(particle, method):
    geometry = squares(8, 3.0, 15, 12.0)
    images = []
    for position in ((30.0, 0.0), (0.0, 30.0)):
        made = make_showers(
            20.0, particle, n_samples=400, position=position, geometry=geometry, method=method,
            random_state=2,
        )  # fmt: skip
        images.append(sum(geometry.images(made.target)).mean(axis=0))
    one, other = images[0], images[1].T
    tolerance = 0.02 if particle == "electron" else 0.12
    assert_allclose(one, other, atol=tolerance * one.max())
    assert one[7, 9:].sum() > one[7, :6].sum()


@everyone
def test_the_profile_is_like_the_spots(particle):
    made = [
        make_showers(20.0, particle, n_samples=800, method=method, random_state=seed)
        for seed, method in enumerate(METHODS)
    ]
    spots, profile = made
    for name in ("deposited", "leakage", "invisible"):
        one, two = (np.atleast_2d(each[name].T) for each in made)
        for a, b in zip(one, two, strict=True):
            assert abs(a.mean() - b.mean()) <= 4 * np.hypot(error(a), error(b)) + 1e-12, name
    if particle == "pion":
        return
    assert_allclose(np.std(profile.deposited, axis=0)[:2], np.std(spots.deposited, axis=0)[:2],
                    rtol=0.1)  # fmt: skip
    mean, other = (each.target.mean(axis=0) for each in made)
    hot = mean > 0.02
    assert_allclose(other[hot], mean[hot], rtol=0.15, atol=0.01)
    width, other = (each.target.std(axis=0) for each in made)
    assert_allclose(other[hot], width[hot], rtol=0.25, atol=0.01)


@both
@pytest.mark.parametrize("position", [(0.0, 0.0), (7.0, -4.0)])
def test_rings_see_what_is_in_them(position, method):
    fine = squares(10, 2.5, 101, 1.0)
    coarse = stack(10, 2.5, r_edges=(0.0, 10.0, 20.0, 40.0), n_alpha=4)
    images = []
    for geometry, chosen in ((fine, "spots"), (coarse, method)):
        made = make_showers(
            20.0, n_samples=60, position=position, geometry=geometry, method=chosen,
            random_state=0,
        )  # fmt: skip
        images.append(sum(geometry.images(made.target)).mean(axis=0))
    x = np.arange(101) - 50.0
    radius = np.hypot(x, x[:, None])
    turn = np.mod(np.arctan2(x[:, None], x), 2 * np.pi) // (np.pi / 2)
    for sector in range(4):
        for ring, (low, high) in enumerate(((0, 10), (10, 20), (20, 40))):
            inside = (turn == sector) & (radius >= low) & (radius < high)
            # A square pixel at the edge is in both.
            assert_allclose(images[1][sector, ring], images[0][inside].sum(), rtol=0.12, atol=0.1)


def test_dead_layers_take_energy_and_show_none():
    material = ShowerMaterial()
    dead = ShowerLayer(40.0, material=material)
    live = ShowerGeometry().layers
    geometry = ShowerGeometry((dead, *(replace(layer, number=None) for layer in live)))
    made = make_showers(20.0, n_samples=50, geometry=geometry, random_state=0)
    assert geometry.n_cells == 504
    assert (made.deposited[:, 0] > 0).all()
    assert_array_equal(made.deposited[:, 0], made.overflow[:, 0])


def test_materials_change_from_layer_to_layer():
    lead = ShowerLayer(60.0, r_edges=(0.0, 500.0))
    iron = ShowerMaterial("iron", "polystyrene", 14.0, 3.0)
    geometry = ShowerGeometry((lead, ShowerLayer(1500.0, r_edges=(0.0, 500.0), material=iron)))
    made = make_showers(20.0, "pion", n_samples=200, geometry=geometry, random_state=0)
    assert (made.deposited.mean(axis=0)[1] > 10 * made.deposited.mean(axis=0)[0]).all()
    everything = made.deposited.sum(axis=1) + made.leakage + made.invisible
    assert_allclose(everything, 20.0, rtol=1e-12)


@both
@everyone
def test_seeds(particle, method):
    energy = np.linspace(1.0, 30.0, 150)
    options = {"particle": particle, "method": method, "theta": 0.1}
    whole = make_showers(energy, random_state=3, **options)
    part = make_showers(energy[:70], random_state=3, n_jobs=2, **options)
    other = make_showers(energy, random_state=4, **options)
    for name in ("target", "deposited", "overflow", "leakage", "invisible"):
        assert_array_equal(whole[name][:70], part[name])
    assert (whole.target != other.target).any()


@both
@pytest.mark.parametrize("geometry", [None, rings(4, 6.0, (0.0, 0.5, 3.0), ShowerMaterial())])
def test_a_shower_does_not_depend_on_those_after_it(geometry, method):
    theta, x = np.zeros(40), np.zeros(40)
    theta[5:], x[8:] = 0.4, 30.0
    for particle in PARTICLES:
        whole, first, one = (
            make_showers(
                np.full(n, 8.0), particle, theta=theta[:n], phi=1.0, geometry=geometry,
                position=np.stack([x[:n], x[:n]], axis=1), method=method, random_state=0,
            )
            for n in (40, 3, 1)
        )  # fmt: skip
        assert_array_equal(whole.target[:3], first.target)
        assert_array_equal(whole.target[:1], one.target)
        assert_array_equal(whole.overflow[:1], one.overflow)
