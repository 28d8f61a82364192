"""Observables of several objects, compared with the vector package, for all kinds of columns."""

import numpy as np
import pytest
import torch
import vector

from skjetsim.datasets import load_ttbar
from skjetsim.preprocessing import TopPairFeatures
from skjetsim.transport import FourMomentum, InvariantMass, OrderedMomenta, ScalarSum, TopPairMasses

OBJECTS = ("electron", "positron", "jet")
# Columns of the momentum, and of mass or energy.
PLACES = {
    "cartesian": ("px", "py", "pz"),
    "cylindrical": ("pt", "eta", "phi"),
    "log pt": ("log_pt", "eta", "phi"),
}
MASSES = {"energy": "E", "mass": "mass", "log mass": "log_mass"}
every_place = pytest.mark.parametrize("place", PLACES)
every_mass = pytest.mark.parametrize("mass", MASSES)


def particles(n_events=50, seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: vector.array(
            {
                "pt": rng.uniform(5, 100, n_events),
                "eta": rng.normal(0, 2, n_events),
                "phi": rng.uniform(-np.pi, np.pi, n_events),
                "mass": rng.uniform(0.1, 20, n_events),
            }
        )
        for name in OBJECTS
    }


def column(particle, component):
    if component.startswith("log_"):
        return np.log(column(particle, component[4:]))
    return np.asarray(getattr(particle, component))


def events(*components):
    return {
        f"{name}_{component}": torch.tensor(column(particle, component), dtype=torch.float64)
        for name, particle in particles().items()
        for component in components
    }


def total(*names):
    chosen = [particle for name, particle in particles().items() if name in names]
    return sum(chosen[1:], chosen[0])


def check(found, expected):
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-9)


@every_place
@every_mass
@pytest.mark.parametrize("names", [("jet",), ("electron", "positron"), OBJECTS])
def test_sums_are_those_of_vector(place, mass, names):
    table, expected = events(*PLACES[place], MASSES[mass]), total(*names)
    components = [expected.px, expected.py, expected.pz, expected.E]
    check(FourMomentum(*names)(table), np.column_stack(components))
    check(InvariantMass(*names)(table), expected.mass)
    scalar = sum(particle.pt for name, particle in particles().items() if name in names)
    check(ScalarSum(*names)(table), scalar)


def test_missing_components_are_zero():
    pt = events("pt")["jet_pt"]
    phi = events("phi")["jet_phi"]
    transverse = FourMomentum("met")({"met_pt": pt, "met_phi": phi})
    check(transverse, np.column_stack([pt * phi.cos(), pt * phi.sin(), 0 * pt, pt]))
    massless = FourMomentum("jet")(events("pt", "eta", "phi"))
    check(massless[:, 3], particles()["jet"].p)


def test_mass_of_massless_objects_has_a_finite_slope():
    table = {name: value.float() for name, value in events("px", "py", "pz").items()}
    for value in table.values():
        value.requires_grad_()
    mass = InvariantMass("jet")(table)
    assert (mass < 0.2).all()
    mass.sum().backward()
    assert all(torch.isfinite(table[f"jet_{c}"].grad).all() for c in ("px", "py", "pz"))


@pytest.mark.parametrize("observable", [FourMomentum, InvariantMass, ScalarSum])
@every_place
def test_gradients_reach_the_columns(observable, place):
    table = events(*PLACES[place], "mass")
    for value in table.values():
        value.requires_grad_()
    observable("electron", "positron")(table).sum().backward()
    reached = table[f"electron_{PLACES[place][0]}"].grad
    assert (reached != 0).all()
    assert table[f"jet_{PLACES[place][0]}"].grad is None


@pytest.mark.parametrize("cls", [FourMomentum, InvariantMass, ScalarSum])
def test_names_and_equality(cls):
    one = cls("electron", "positron")
    assert repr(one) == f"{cls.__name__}('electron', 'positron')"
    assert one == cls("electron", "positron")
    assert hash(one) == hash(cls("electron", "positron"))
    assert one != cls("positron", "electron")
    assert one != "electron"
    with pytest.raises(TypeError, match="takes names of objects"):
        cls()
    with pytest.raises(TypeError, match="takes names of objects"):
        cls("electron", 3)


def test_columns_that_are_missing():
    with pytest.raises(ValueError, match="ScalarSum: there is no object 'tau' among the columns"):
        ScalarSum("tau")(events("px", "py"))
    with pytest.raises(ValueError, match="ScalarSum: 'jet' has no 'jet_pt'"):
        ScalarSum("jet")(events("px"))
    with pytest.raises(ValueError, match="FourMomentum: 'jet' has no 'jet_phi'"):
        FourMomentum("jet")(events("pt", "eta"))


@every_place
@every_mass
def test_objects_by_falling_pt(place, mass):
    found = OrderedMomenta(*OBJECTS)(events(*PLACES[place], MASSES[mass])).numpy()
    chosen = [particles()[name] for name in OBJECTS]
    parts = [(np.log(p.pt), p.eta, p.mass, p.px, p.py, p.pz, p.E) for p in chosen]
    parts = np.array(parts if mass != "energy" else [(*own[:2], *own[3:]) for own in parts])
    order = np.argsort(-parts[:, 0], axis=0)  # shape (n_objects, n_events)
    expected = [np.take_along_axis(parts[:, i], order, axis=0) for i in range(parts.shape[1])]
    np.testing.assert_allclose(found, np.concatenate(expected).T, rtol=1e-9, atol=1e-9)
    swapped = OrderedMomenta(*OBJECTS[::-1])(events(*PLACES[place], MASSES[mass])).numpy()
    np.testing.assert_allclose(swapped, found, rtol=1e-12)


def top_pair_columns(dtype=torch.float64):
    _, y = load_ttbar(return_X_y=True)
    return y[:2000], {name: torch.tensor(y[name].to_numpy()[:2000], dtype=dtype) for name in y}


def test_top_pair_masses_are_those_of_the_features():
    y, columns = top_pair_columns()
    names = ["hadronic_w_mass", "hadronic_top_mass", "leptonic_top_mass", "top_pair_mass"]
    expected = TopPairFeatures().fit_transform(y)[names].to_numpy()
    found = TopPairMasses("electron", "met", "jet1", "jet2", "jet3", "jet4")(columns)
    check(found, expected)
    single = TopPairMasses("electron", "met", "jet4", "jet2", "jet1", "jet3")(
        top_pair_columns(torch.float32)[1]
    )
    np.testing.assert_allclose(single.numpy(), expected, rtol=1e-3)  # networks run in float32


def test_slopes_of_top_pair_masses():
    """Slopes are finite, also for complex neutrino solutions, and agree with finite differences."""
    _, columns = top_pair_columns()
    columns["jet1_px"].requires_grad_()
    columns["electron_px"].requires_grad_()
    masses = TopPairMasses("electron", "met", "jet1", "jet2", "jet3", "jet4")
    found = masses(columns)
    slopes = torch.autograd.grad(found.sum(), [columns["jet1_px"], columns["electron_px"]])
    assert all(torch.isfinite(slope).all() for slope in slopes)
    with torch.no_grad():
        step = {**columns, "jet1_px": columns["jet1_px"] + 1e-5}
        change = ((masses(step) - found) / 1e-5).sum(dim=1)
    gap = (change - slopes[0]).abs() / (1 + slopes[0].abs())
    assert gap.median() < 1e-5
    assert (gap < 1e-2).double().mean() > 0.99  # the step changes a few assignments


def test_top_pair_masses_take_six_objects():
    with pytest.raises(ValueError, match="four jets"):
        TopPairMasses("electron", "met", "jet1")
