"""TopPairFeatures on events made by decays of known tops, and against loops over everything."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import vector
from sklearn.base import clone
from sklearn.pipeline import FeatureUnion
from top_pair_toys import JETS, PARTONS, four_momentum, table, top_pairs

from skjetsim.preprocessing import CartesianToCylindrical, KinematicFeatures, TopPairFeatures
from skjetsim.utils._top_pairs import ASSIGNMENTS, assign_jets, neutrino_pz

NO_ASSIGNMENT = ["jets_mass", "jets_ht", "leading_jet_E"]


@pytest.fixture(scope="module")
def pairs():
    return top_pairs()


@pytest.fixture(scope="module")
def events(pairs):
    return table(pairs)


@pytest.fixture(scope="module")
def masses(events):
    return TopPairFeatures().fit_transform(events)


def smeared(events, seed=1):
    """Events with momenta off by a fifth: no longer any mass right."""
    noise = 1 + 0.2 * np.random.default_rng(seed).normal(size=events.shape)
    out = events * noise
    for name in ("electron", *JETS):
        out[f"{name}_E"] = 1.05 * np.sqrt((out[[f"{name}_p{c}" for c in "xyz"]] ** 2).sum(axis=1))
    return out


def test_on_shell_events_are_recovered(pairs, masses):
    """The right assignment has a chi2 of zero wherever the smaller solution is the true one."""
    right = np.abs(masses["neutrino_pz"] - pairs["neutrino"][2]) < 1e-3
    assert 0.5 < right.mean() < 0.9
    found = masses[right]
    np.testing.assert_allclose(found["assignment_chi2"], 0, atol=1e-9)
    np.testing.assert_allclose(found["hadronic_w_mass"], 80.4, rtol=1e-6)
    np.testing.assert_allclose(found[["hadronic_top_mass", "leptonic_top_mass"]], 172.5, rtol=1e-5)
    total = sum(pairs[name] for name in PARTONS)
    mass = np.sqrt(total[3] ** 2 - (total[:3] ** 2).sum(axis=0))
    np.testing.assert_allclose(found["top_pair_mass"], mass[right], rtol=1e-6)


def test_assignment_finds_each_quark(pairs):
    """With the true neutrino the assignment is known: b, b and the two of the W."""
    momenta = [pairs[name] for name in ("u", "leptonic_b", "d", "hadronic_b")]
    index, chi2, (w, leptonic, hadronic) = assign_jets(
        pairs["electron"], pairs["neutrino"], momenta, (80.4, 172.5, 172.5), (10.0, 5.0, 15.0)
    )
    assert {ASSIGNMENTS[i] for i in index} == {(1, 3, 0, 2)}
    np.testing.assert_allclose(chi2, 0, atol=1e-12)
    np.testing.assert_allclose(w, 80.4)
    np.testing.assert_allclose([leptonic, hadronic], 172.5)


def test_twelve_assignments():
    assert len(set(ASSIGNMENTS)) == 12
    assert all(sorted(jets) == [0, 1, 2, 3] for jets in ASSIGNMENTS)
    assert len({(first, frozenset(pair)) for first, _, *pair in ASSIGNMENTS}) == 12


def test_neutrino_against_roots():
    """Both solutions from numpy, the smaller one first; their real part where complex."""
    rng = np.random.default_rng(3)
    lepton = four_momentum(rng.normal(0, 60, (3, 400)), 0.105)
    met = rng.normal(0, 60, (2, 400))
    found, larger = neutrino_pz(lepton, *met, 80.4)
    n_complex = 0
    for (px, py, pz, e), (mx, my), *both in zip(lepton.T, met.T, found, larger, strict=True):
        mu = (80.4**2 - 0.105**2) / 2 + px * mx + py * my
        roots = np.roots([e * e - pz * pz, -2 * mu * pz, e * e * (mx * mx + my * my) - mu * mu])
        n_complex += np.iscomplex(roots).any()
        expected = sorted(roots.real, key=abs)
        assert both == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert 50 < n_complex < 350


def test_neutrino_makes_a_w_where_it_can(events, masses):
    x = masses["neutrino_pz"].to_numpy()
    momentum = np.array([events["met_px"], events["met_py"], x])
    electron = events[[f"electron_{c}" for c in ("px", "py", "pz", "E")]].to_numpy().T
    total = electron + four_momentum(momentum, 0.0)
    mass = np.sqrt(total[3] ** 2 - (total[:3] ** 2).sum(axis=0))
    np.testing.assert_allclose(mass, 80.4, rtol=1e-7)


def test_neutrino_keeps_its_digits_beside_a_large_solution():
    """An electron almost along the beam: the solutions differ by five orders of magnitude."""
    electron = four_momentum(np.array([[0.05], [0.0], [3000.0]]), 0.0)
    met = np.array([[40.0], [1.0]])
    x, _ = neutrino_pz(electron, *met, 80.4)
    total = electron + four_momentum(np.vstack([met, [x]]), 0.0)
    px, py, pz, e = total[:, 0]
    assert np.sqrt((e - pz) * (e + pz) - px**2 - py**2) == pytest.approx(80.4, rel=1e-4)


def test_batch_agrees_with_a_loop(events):
    """All 24 orders of the jets, one event at a time, by `vector`."""
    events = smeared(events).iloc[:25]
    out = TopPairFeatures().fit_transform(events)
    for (_, event), (_, found) in zip(events.iterrows(), out.iterrows(), strict=True):
        objects = {
            name: vector.obj(**{c: event[f"{name}_{c}"] for c in ("px", "py", "pz", "E")})
            for name in ("electron", *JETS)
        }
        met = {"px": event["met_px"], "py": event["met_py"]}
        neutrino = vector.obj(**met, pz=found["neutrino_pz"], mass=0.0)
        best = (np.inf,)
        for b_lep, b_had, one, two in permutations([objects[name] for name in JETS]):
            w, hadronic = (one + two).mass, (one + two + b_had).mass
            leptonic = (objects["electron"] + neutrino + b_lep).mass
            pulls = (w - 80.4) / 10, (leptonic - 172.5) / 5, (hadronic - 172.5) / 15
            best = min(best, (sum(pull**2 for pull in pulls), w, hadronic, leptonic))
        jets = [objects[name] for name in JETS]
        total = jets[0] + jets[1] + jets[2] + jets[3]
        expected = {
            "assignment_chi2": best[0],
            "hadronic_w_mass": best[1],
            "hadronic_top_mass": best[2],
            "leptonic_top_mass": best[3],
            "top_pair_mass": (total + objects["electron"] + neutrino).mass,
            "jets_mass": total.mass,
            "jets_ht": sum(jet.pt for jet in jets),
            "leading_jet_E": max(jets, key=lambda jet: jet.pt).E,
        }
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=1e-9), name


def test_rows_do_not_depend_on_each_other(events):
    features = TopPairFeatures().fit(events)
    whole = features.transform(events)
    one_by_one = pd.concat([features.transform(events.iloc[i : i + 1]) for i in range(20)])
    pd.testing.assert_frame_equal(one_by_one, whole.iloc[:20], rtol=1e-12)


@pytest.mark.parametrize("order", [(3, 1, 0, 2), (1, 0, 3, 2)])
def test_order_of_the_jets_does_not_matter(order, pairs, events):
    expected = TopPairFeatures().fit_transform(smeared(events))
    by_parameter = TopPairFeatures(jets=[JETS[i] for i in order]).fit_transform(smeared(events))
    pd.testing.assert_frame_equal(by_parameter, expected, rtol=1e-9)
    columns = np.random.default_rng(0).permutation(events.columns)
    by_columns = TopPairFeatures().fit_transform(smeared(events)[columns])
    pd.testing.assert_frame_equal(by_columns, expected, rtol=1e-9)


def test_rotation_and_reflection(events):
    events = smeared(events)
    expected = TopPairFeatures().fit_transform(events)
    turned, mirrored = events.copy(), events.copy()
    cosine, sine = np.cos(1.3), np.sin(1.3)
    for name in ("electron", "met", *JETS):
        px, py = events[f"{name}_px"], events[f"{name}_py"]
        turned[f"{name}_px"], turned[f"{name}_py"] = (
            cosine * px - sine * py,
            sine * px + cosine * py,
        )
        if name != "met":
            mirrored[f"{name}_pz"] = -events[f"{name}_pz"]
    out = TopPairFeatures().fit_transform(turned)
    pd.testing.assert_frame_equal(out, expected, rtol=1e-7, atol=1e-7)
    out = TopPairFeatures().fit_transform(mirrored)
    out["neutrino_pz"] *= -1
    pd.testing.assert_frame_equal(out, expected, rtol=1e-7, atol=1e-7)


def test_jets_boosted_along_the_beam(events):
    boosted = events.copy()
    for name in JETS:
        pz, e = events[f"{name}_pz"], events[f"{name}_E"]
        boosted[f"{name}_pz"] = (pz + 0.6 * e) / 0.8
        boosted[f"{name}_E"] = (e + 0.6 * pz) / 0.8
    out = [TopPairFeatures().fit_transform(X)[["jets_mass", "jets_ht"]] for X in (events, boosted)]
    pd.testing.assert_frame_equal(*out, rtol=1e-9)


def test_assignment_pulls_masses_to_the_peaks(events):
    """Why the other observables are there: jets of other events make nearly as good a W."""
    features = TopPairFeatures().fit(events)
    mixed = events.copy()
    for shift, name in enumerate(JETS):
        columns = [column for column in events if column.startswith(name)]
        mixed[columns] = np.roll(events[columns].to_numpy(), shift, axis=0)
    out = features.transform(mixed)
    fixed = KinematicFeatures(["mass(jet3, jet4)"], passthrough=False).fit_transform(mixed)
    chosen, fixed = out["hadronic_w_mass"], fixed["jet3_jet4_mass"]
    near = [(np.abs(mass - 80.4) < 20).mean() for mass in (chosen, fixed)]
    assert near[0] > 1.5 * near[1] > 0


def test_columns_may_be_cylindrical(events, masses):
    cylindrical = CartesianToCylindrical().fit_transform(events)
    assert "jet1_eta" in cylindrical
    out = TopPairFeatures().fit_transform(cylindrical)
    pd.testing.assert_frame_equal(out[NO_ASSIGNMENT], masses[NO_ASSIGNMENT], rtol=1e-9)
    np.testing.assert_allclose(out["hadronic_w_mass"], masses["hadronic_w_mass"], rtol=1e-6)


def test_partons_by_other_names(pairs, masses):
    columns = {
        f"{name}_{c}": pairs[name][i]
        for name in PARTONS
        for i, c in enumerate(("px", "py", "pz", "E"))
    }
    partons = TopPairFeatures(met="neutrino", jets=PARTONS[2:])
    pd.testing.assert_frame_equal(partons.fit_transform(pd.DataFrame(columns)), masses)


def test_expected_masses_are_used(events):
    heavier = TopPairFeatures(top_mass=250.0).fit_transform(events)
    same = TopPairFeatures(resolutions=(20.0, 10.0, 30.0)).fit_transform(events)
    plain = TopPairFeatures().fit_transform(events)
    for_heavier, for_plain = (
        ((out["hadronic_w_mass"] - 80.4) / 10) ** 2
        + ((out["leptonic_top_mass"] - 250) / 5) ** 2
        + ((out["hadronic_top_mass"] - 250) / 15) ** 2
        for out in (heavier, plain)
    )
    np.testing.assert_allclose(heavier["assignment_chi2"], for_heavier)
    assert (for_heavier <= for_plain).all()
    assert (for_heavier < for_plain).mean() > 0.2
    np.testing.assert_allclose(same["assignment_chi2"], plain["assignment_chi2"] / 4, atol=1e-9)
    assert not np.allclose(
        TopPairFeatures(w_mass=60.0).fit_transform(events)["neutrino_pz"], plain["neutrino_pz"]
    )


def test_containers_and_names(events):
    features = TopPairFeatures().fit(events)
    out = features.transform(events)
    assert list(out) == list(features.get_feature_names_out())
    pd.testing.assert_index_equal(out.index, events.index)
    with pytest.warns(UserWarning, match="valid feature names"):
        array = features.transform(events.to_numpy())
    np.testing.assert_array_equal(array, out)
    single = features.transform(events.astype("float32"))
    assert (single.dtypes == np.float64).all()
    np.testing.assert_allclose(single[NO_ASSIGNMENT], out[NO_ASSIGNMENT], rtol=1e-5)
    assert not hasattr(features, "inverse_transform")
    union = FeatureUnion([("columns", "passthrough"), ("masses", clone(features))])
    assert union.fit_transform(events).shape == (len(events), events.shape[1] + out.shape[1])


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"lepton": "muon"}, ValueError, "there is no object 'muon' among the columns"),
        ({"jets": JETS[:3]}, ValueError, "jets must be the names of four jets"),
        ({"jets": ("jet1", *JETS[:3])}, ValueError, "lepton, met and jets name 'jet1' twice"),
        ({"jets": "jet1"}, ValueError, "four jets, got 'jet1'"),
        ({"jets": (*JETS[:3], "jet5")}, ValueError, "no object 'jet5'"),
        ({"jets": (*JETS[:3], "met")}, ValueError, "name 'met' twice"),
        ({"w_mass": -80.4}, ValueError, "w_mass must be above 0 GeV, got -80.4"),
        ({"top_mass": "172.5"}, TypeError, "top_mass must be a number in GeV, got '172.5'"),
        ({"resolutions": (10.0, 5.0)}, ValueError, "resolutions must be three numbers"),
        (
            {"resolutions": (10.0, 0.0, 15.0)},
            ValueError,
            "resolutions must be above 0 GeV, got 0",
        ),
    ],
)
def test_wrong_parameters(parameters, error, message, events):
    with pytest.raises(error, match=message):
        TopPairFeatures(**parameters).fit(events)


def test_missing_columns(events):
    with pytest.raises(ValueError, match="'electron' has no 'electron_eta' and no columns"):
        TopPairFeatures().fit(events.drop(columns="electron_pz"))
    with pytest.raises(ValueError, match="no object 'electron' among the columns"):
        TopPairFeatures().fit(events.to_numpy())


def test_tables_without_names_are_triples(events):
    triples = [f"{name}_{c}" for name in ("electron", "met", *JETS) for c in ("px", "py", "pz")]
    massless = events.assign(met_pz=0.0)[triples]
    by_position = TopPairFeatures(lepton="p0", met="p1", jets=["p2", "p3", "p4", "p5"])
    out = by_position.fit_transform(massless.to_numpy())
    np.testing.assert_array_equal(out, TopPairFeatures().fit_transform(massless))


def test_rejected_events_are_an_error(events):
    zeros = events.copy()
    zeros.iloc[[4, 7]] = 0.0
    features = TopPairFeatures().fit(events)
    with pytest.raises(
        ValueError, match=r"column 'electron_pz', first bad row 4 \(2 bad rows.*not accepted"
    ):
        features.transform(zeros)
