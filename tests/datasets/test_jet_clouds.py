"""generate_jets: selection, truncation, coordinates, detector level, and kinds of jets."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim.datasets import DetectorCard
from skjetsim.datasets._chain import _events, _pythia
from skjetsim.datasets._chain._jets import Jets, cluster
from skjetsim.datasets._chain._particles import Particles
from skjetsim.datasets._chain._process import PILEUP
from skjetsim.datasets._chain._reconstruction import energy_flow
from skjetsim.datasets._chain._record import Entries
from skjetsim.datasets._jets._clouds import generate_jets, in_coordinates
from skjetsim.datasets._jets._kinds import KINDS, after_recoil
from skjetsim.datasets._jets._process import JetCloudProcess, hardest, hardest_constituents

pytestmark = pytest.mark.usefixtures("pythia")


@pytest.fixture(autouse=True, scope="module")
def smaller_batches():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_pythia, "BATCH_SIZE", 16)
        yield


def generate(n_samples, kind="gluon", **options):
    """Jets without multiparton interactions, which take most of the time."""
    defaults = {"random_state": 1, "n_detector": None, "n_constituents": 200}
    defaults["settings"] = ["PartonLevel:MPI = off"]
    return generate_jets(n_samples, kind, **(defaults | options))


@pytest.fixture(scope="module")
def jets(pythia):
    """Jets of two chunks, in two detector passes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_events, "CHUNK_ROWS", 25)
        return generate(40, n_detector=2)


def make_particles(event, pt, eta, phi):
    pt, eta, phi = (np.asarray(values, dtype=float) for values in (pt, eta, phi))
    none = np.zeros(len(pt))
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    return Particles(np.asarray(event), px, py, pz, pt * np.cosh(eta), none, none)


def mass_of(cloud, jets):
    """Mass of a cloud of massless particles."""
    eta_rel, phi_rel, pt_rel = np.moveaxis(cloud, 2, 0)
    eta = eta_rel + jets["eta"].to_numpy()[:, None]
    px, py = (pt_rel * f(phi_rel) for f in (np.cos, np.sin))
    pz, energy = pt_rel * np.sinh(eta), pt_rel * np.cosh(eta)
    sums = [p.sum(axis=1) ** 2 for p in (px, py, pz, energy)]
    return jets["pt"] * np.sqrt(sums[3] - sums[0] - sums[1] - sums[2])


def test_bunch(jets):
    assert jets.data.shape == jets.target.shape == (40, 200, 3)
    assert jets.feature_names == jets.target_names == ["eta_rel", "phi_rel", "pt_rel"]
    assert list(jets.jets.columns) == ["pt", "eta", "phi", "mass", "multiplicity"]
    assert jets.target_jets.columns.equals(jets.jets.columns)
    assert jets.accepted.shape == jets.parton_delta_r.shape == (40,)
    assert "gluon" in jets.DESCR
    assert np.isfinite(jets.data).all()
    (second,) = jets.repeats
    assert (second.target[:, 0] != jets.target[:, 0]).all()


def test_selection(jets):
    pt, eta = jets.jets["pt"], jets.jets["eta"]
    assert 900 < pt.min() < 960
    assert 1000 < pt.max() < 1100
    assert eta.abs().max() < 2
    assert jets.parton_delta_r.max() < 0.8


@pytest.mark.parametrize("level", ["", "target_"])
def test_constituents_add_up_to_the_jet(jets, level):
    cloud, mask = (jets.target, jets.target_mask) if level else (jets.data, jets.mask)
    table = jets[f"{level}jets"]
    assert_array_equal(mask.sum(axis=1), table["multiplicity"])
    assert_array_equal(cloud[~mask], 0)
    pt_rel = cloud[..., 2]
    assert (np.diff(pt_rel, axis=1) <= 0).all()
    x, y = (pt_rel * f(cloud[..., 1]) for f in (np.cos, np.sin))
    assert_allclose(x.sum(axis=1), 1, rtol=1e-9)
    assert_allclose(y.sum(axis=1), 0, atol=1e-9)
    # The table includes the masses of hadrons. The cloud does not.
    assert (mass_of(cloud, table) < table["mass"] * (1 + 1e-6)).all()
    assert (mass_of(cloud, table) > table["mass"] * 0.6).all()


def test_the_detector_measures_the_same_jets(jets):
    assert jets.accepted.all()
    response = jets.target_jets["pt"] / jets.jets["pt"]
    assert_allclose(response.mean(), 1, atol=0.03)
    assert 0.01 < response.std() < 0.08
    # Neutral particles share towers.
    assert (jets.target_jets["multiplicity"] < jets.jets["multiplicity"]).mean() > 0.9


def test_same_seed_same_jets(monkeypatch, jets):
    monkeypatch.setattr(_events, "CHUNK_ROWS", 25)
    few = generate(30, n_detector=1)
    assert_array_equal(few.data, jets.data[:30])
    assert_array_equal(few.target, jets.target[:30])
    assert few.repeats == ()
    without = generate(5)
    assert_array_equal(without.data, jets.data[:5])
    assert "target" not in without
    assert "accepted" not in without


def test_fewer_constituents_are_the_hardest(jets):
    few = generate(5, n_constituents=30)
    assert_array_equal(few.data, jets.data[:5, :30])
    assert_array_equal(few.jets, jets.jets[:5])
    kept = few.data[..., 2].sum(axis=1)
    assert 0.5 < kept.min() < 0.95


def test_cartesian_coordinates(jets):
    momenta = generate(5, coordinates="cartesian")
    assert momenta.feature_names == ["px", "py", "pz"]
    table = momenta.jets.to_numpy(float)
    assert_array_equal(in_coordinates(momenta.data, table, "relative"), jets.data[:5])
    px, py, pz = momenta.data.sum(axis=1).T
    assert_allclose(np.hypot(px, py), table[:, 0])
    assert_allclose(np.arcsinh(pz / np.hypot(px, py)), table[:, 1])


def test_pileup_is_subtracted_from_jet_and_constituents():
    process = JetCloudProcess("gluon", 0.8, (900.0, 1100.0), 200)
    events = next(_events.selected_events(process, 1, ["PartonLevel:MPI = off"]))
    rng = np.random.default_rng(0)
    role = np.where(rng.random(len(events.role)) < 0.1, PILEUP, events.role)
    card = DetectorCard()
    passes = []
    for one in (events, replace(events, role=role)):
        flow, flow_role = energy_flow(one, card, np.random.default_rng(1))
        passes.append(process.reconstruct(one, flow, flow_role, card, rng))
    before, after = passes
    assert after["accepted"].all()
    # A tenth of the charged particles is dropped, the neutral ones stay.
    assert_allclose(np.median(after["jets"][:, 0] / before["jets"][:, 0]), 0.94, atol=0.03)
    for one in passes:
        total = one["target"].sum(axis=1)
        assert_allclose(np.hypot(total[:, 0], total[:, 1]), one["jets"][:, 0])


@pytest.mark.parametrize(
    ("kind", "mass", "n_quarks"), [("w", 80.4, 2), ("z", 91.2, 2), ("top", 172.5, 3)]
)
def test_heavy_jets_have_their_mass(kind, mass, n_quarks):
    heavy = generate(25, kind)
    whole = heavy.parton_delta_r < 0.8
    assert whole.mean() > 0.4
    assert_allclose(np.median(heavy.jets["mass"][whole]), mass, rtol=0.2)
    hard, partons = KINDS[kind].momenta(_record(kind))
    assert len(partons) == n_quarks * len(hard)
    squares = hard[:, 3] ** 2 - np.square(hard[:, :3]).sum(axis=1)
    assert_allclose(np.median(np.sqrt(squares)), mass, rtol=0.03)


def _record(kind):
    process = JetCloudProcess(kind, 0.8, (900.0, 1100.0), 30)
    settings = (*process.settings, "PartonLevel:MPI = off")
    return next(_pythia.records(settings, 1, process.user_hooks()))


def test_quark_jets_are_light_and_narrow(jets):
    quark = generate(25, "quark")
    assert quark.jets["multiplicity"].median() < 0.8 * jets.jets["multiplicity"].median()
    record = _record("quark")
    _, partons = KINDS["quark"].momenta(record)
    assert set(np.abs(record.entries.pdg_id[partons])) <= {1, 2, 3}
    assert len(partons) == record.n_events


def test_recoil_is_followed_until_radiation():
    pdg_id = np.array([0, 21, 21, 21, 21, 21])
    status = np.array([-11, -23, -44, -44, -51, 51])
    mother = np.array([0, 0, 1, 2, 3, 3])
    zeros = np.zeros(6)
    entries = Entries(np.zeros(6, int), zeros, zeros, zeros, zeros, pdg_id, status, mother)
    assert_array_equal(after_recoil(entries, np.array([1])), [3])
    assert_array_equal(after_recoil(entries, np.array([5])), [5])


def test_each_particle_is_in_one_jet():
    rng = np.random.default_rng(0)
    event = np.repeat([0, 2, 3], [30, 1, 20])
    particles = make_particles(event, *rng.uniform([[1], [-2], [-3]], [[9], [2], [3]], (3, 51)))
    jets, owner = cluster(particles, 4, 0.6)
    assert_array_equal(jets.event[owner], event)
    assert_array_equal(np.bincount(owner), jets.n_constituents)
    assert_allclose(np.bincount(owner, particles.px), jets.px, atol=1e-12)
    # kT begins with soft particles, so that the same particles make other jets.
    others, owner = cluster(particles, 4, 0.6, "kt")
    assert_allclose(np.bincount(owner, particles.energy), others.energy)


def test_hardest_constituents_are_sorted_and_padded():
    particles = make_particles([0, 0, 0, 1], [1, 3, 2, 7], np.zeros(4), np.zeros(4))
    owner = np.array([0, 0, 0, 2])
    momenta = hardest_constituents(particles, owner, np.array([2, 0]), 2)
    assert_allclose(momenta[..., 0], [[7, 0], [3, 2]])
    assert_array_equal(momenta[0, 1], 0)


def test_hardest_of_the_good_jets():
    zeros = np.zeros(4)
    px = np.array([5.0, 9.0, 2.0, 1.0])
    jets = Jets(np.array([0, 0, 0, 2]), px, zeros, zeros, px, np.ones(4, int))
    good = np.array([True, False, True, True])
    assert_array_equal(hardest(jets, good, 4), [0, -1, 3, -1])
    assert_array_equal(hardest(jets, np.zeros(4, bool), 4), [-1] * 4)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kind": "b"}, ValueError, "kind must be one of"),
        ({"radius": 0}, ValueError, "radius must be above 0"),
        ({"radius": "big"}, TypeError, "radius must be a number"),
        ({"pt_range": (600, 500)}, ValueError, "0 < low < high"),
        ({"pt_range": 500}, TypeError, "two numbers in GeV"),
        ({"n_constituents": 0}, ValueError, "n_constituents must be at least 1"),
        ({"n_constituents": None}, TypeError, "n_constituents must be an integer"),
        ({"coordinates": "polar"}, ValueError, "coordinates must be one of"),
        ({"n_detector": 0}, ValueError, "n_detector must be at least 1"),
    ],
)
def test_bad_input(options, error, message):
    with pytest.raises(error, match=message):
        generate_jets(5, **options)
