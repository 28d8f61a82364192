"""NearestAssignment: jets in the order of their quarks, and back in the order of pT."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import linear_sum_assignment
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from unfolding_toys import GaussianRegression

from skjetsim import load, save
from skjetsim.compose import NearestAssignment, ResidualTransformer, TransformedSimulator
from skjetsim.preprocessing import CartesianToCylindrical, PhiRotation, wrap_phi

QUARKS = ["b", "antib", "u", "antid", "g", "antig"]
JETS = [f"jet{i}" for i in range(1, 7)]


def top_pairs(n_objects=4, n_events=200, seed=0):
    """Quarks, an electron, and jets near the quarks by falling pT, cylindrical."""
    rng = np.random.default_rng(seed)
    shape = (n_events, n_objects)
    pt, eta = rng.uniform(25, 150, shape), rng.normal(0, 1.2, shape)
    phi = rng.uniform(-np.pi, np.pi, shape)
    X = {"electron_pt": rng.uniform(25, 90, n_events)}
    for i, quark in enumerate(QUARKS[:n_objects]):
        X |= {f"{quark}_pt": pt[:, i], f"{quark}_eta": eta[:, i], f"{quark}_phi": phi[:, i]}
    pt = pt * rng.normal(1, 0.15, shape)
    order = np.argsort(-pt, axis=1)
    pt, eta, phi = (np.take_along_axis(side, order, axis=1) for side in (pt, eta, phi))
    y = {"electron_pt": X["electron_pt"] + rng.normal(size=n_events)}
    for i, jet in enumerate(JETS[:n_objects]):
        y[f"{jet}_pt"] = pt[:, i]
        y[f"{jet}_eta"] = eta[:, i] + rng.normal(0, 0.05, n_events)
        y[f"{jet}_phi"] = wrap_phi(phi[:, i] + rng.normal(0, 0.05, n_events))
    return pd.DataFrame(X), pd.DataFrame(y), order


def assignment(n_objects=4):
    return NearestAssignment(JETS[:n_objects], QUARKS[:n_objects])


def transformed(model, X, y):
    return pd.DataFrame(model.transform_target(X, y), columns=model.get_target_names_out(list(y)))


def costs(X, y, n_objects):
    """Cost of each pair of quark and jet of one event."""
    eta, phi = (
        np.subtract.outer(
            [X[f"{quark}_{part}"] for quark in QUARKS[:n_objects]],
            [y[f"{jet}_{part}"] for jet in JETS[:n_objects]],
        )
        for part in ("eta", "phi")
    )
    squared = eta**2 + np.arctan2(np.sin(phi), np.cos(phi)) ** 2
    return np.minimum(squared, 1) + 1e-3 * squared


@pytest.mark.parametrize("n_objects", [2, 4, 5, 6])
def test_the_best_of_all_orders(n_objects):
    X, y, _ = top_pairs(n_objects, n_events=60)
    # In half of the events, jets do not belong to quarks.
    y.loc[30:, [f"{jet}_eta" for jet in JETS[:n_objects]]] *= -1
    model = assignment(n_objects).fit(X, y)
    out = transformed(model, X, y)
    for row in range(60):
        place, best = linear_sum_assignment(costs(X.loc[row], y.loc[row], n_objects))
        expected = [y.loc[row, f"{JETS[jet]}_pt"] for jet in best]
        assert_array_equal(out.loc[row, [f"{QUARKS[i]}_pt" for i in place]], expected)


def test_jets_that_are_near_find_their_quarks():
    X, y, order = top_pairs()
    out = transformed(assignment().fit(X, y), X, y)
    ordered = y[[f"{jet}_pt" for jet in JETS[:4]]].to_numpy()
    expected = np.take_along_axis(ordered, np.argsort(order, axis=1), axis=1)
    found = out[[f"{quark}_pt" for quark in QUARKS[:4]]].to_numpy()
    # Two quarks in the same direction cannot be told apart.
    assert (found == expected).all(axis=1).mean() > 0.95
    assert_array_equal(out["electron_pt"], y["electron_pt"])


def test_round_trip_of_events_ordered_by_pt():
    X, y, _ = top_pairs()
    model = assignment().fit(X, y)
    out = model.transform_target(X, y)
    assert (out != y.to_numpy()).any()
    assert_array_equal(model.inverse_transform_target(X, out), y)
    assert_array_equal(model.transform_target(X, y), out)  # repeatable


def test_the_inverse_orders_any_draw_by_pt():
    X, y, _ = top_pairs()
    model = assignment().fit(X, y)
    drawn = transformed(model, X, y)
    drawn["antid_pt"] = 1000.0
    drawn["b_pt"] = drawn["u_pt"]
    back = pd.DataFrame(model.inverse_transform_target(X, drawn), columns=list(y))
    assert (back["jet1_pt"] == 1000).all()
    assert_array_equal(back["jet1_eta"], drawn["antid_eta"])
    pt = back[[f"{jet}_pt" for jet in JETS[:4]]]
    assert (np.diff(pt, axis=1) <= 0).all()
    quarks = [f"{quark}_pt" for quark in QUARKS[:4]]
    assert_array_equal(np.sort(pt, axis=1), np.sort(drawn[quarks], axis=1))


def one_event(jets, quarks):
    """Tables of one event from (eta, phi) of jets, by falling pT, and of quarks."""
    X, y = {}, {}
    for i, (eta, phi) in enumerate(quarks):
        X |= {f"{QUARKS[i]}_eta": [eta], f"{QUARKS[i]}_phi": [phi]}
    for i, (eta, phi) in enumerate(jets):
        y |= {f"{JETS[i]}_pt": [90.0 - 10 * i], f"{JETS[i]}_eta": [eta], f"{JETS[i]}_phi": [phi]}
    return pd.DataFrame(X), pd.DataFrame(y)


def test_a_jet_from_elsewhere_does_not_shift_the_others():
    """With squared distances alone, b would take the jet of antib, and antib the far jet."""
    X, y = one_event([(0.9, 0.0), (3.9, 0.0)], [(0.0, 0.0), (0.9, 0.0)])
    out = transformed(assignment(2).fit(X, y), X, y)
    squared = {"kept": 3.9**2, "shifted": 0.9**2 + 3.0**2}
    assert squared["shifted"] < squared["kept"]
    assert out.loc[0, ["antib_pt", "b_pt"]].tolist() == [90, 80]


def test_the_nearer_of_two_far_jets_is_taken():
    X, y = one_event([(4.0, 0.0), (2.0, 0.0), (0.0, 0.0)], [(0.0, 0.0), (0.5, 2.0), (1.0, -3.0)])
    out = transformed(assignment(3).fit(X, y), X, y)
    assert out["b_pt"].item() == 70
    assert_array_equal(out[["antib_pt", "u_pt"]], [[80, 90]])


def test_distances_are_on_the_circle():
    X, y = one_event([(0.0, -3.1), (0.0, 1.4)], [(0.0, 1.0), (0.0, 3.1)])
    model = assignment(2).fit(X, y)
    assert transformed(model, X, y).loc[0, ["antib_pt", "b_pt"]].tolist() == [90, 80]
    assert_allclose(model.delta_r_, [0.4, 2 * np.pi - 6.2])


def cartesian_columns(table, objects):
    """A table of (pt, eta, phi) as a table of (px, py, pz)."""
    names = {f"{obj}_{a}": f"{obj}_{b}" for obj in objects
             for a, b in (("pt", "px"), ("eta", "py"), ("phi", "pz"))}  # fmt: skip
    way_back = CartesianToCylindrical(objects).fit(table.rename(columns=names))
    return way_back.inverse_transform(table)


def test_cartesian_columns_and_logarithms_give_the_same():
    X, y, _ = top_pairs()
    expected = transformed(assignment().fit(X, y), X, y)
    logs = y.copy()
    for jet in JETS[:4]:
        logs[f"{jet}_pt"] = np.log(y[f"{jet}_pt"])
    logs = logs.rename(columns={f"{jet}_pt": f"{jet}_log_pt" for jet in JETS})
    model = assignment().fit(X, logs)
    out = transformed(model, X, logs)
    assert_array_equal(out["b_log_pt"], np.log(expected["b_pt"]))
    assert_array_equal(model.inverse_transform_target(X, out), logs)

    cartesian = [cartesian_columns(X, QUARKS[:4]), cartesian_columns(y, JETS[:4])]
    model = assignment().fit(*cartesian)
    out = transformed(model, *cartesian)
    back = CartesianToCylindrical(QUARKS[:4]).fit_transform(out)
    assert_allclose(back, expected, rtol=1e-9, atol=1e-12)
    assert_array_equal(model.inverse_transform_target(cartesian[0], out), cartesian[1])


def test_all_columns_of_a_jet_go_with_it():
    X, y, _ = top_pairs()
    numbers = {f"{jet}_b_tag": np.arange(200.0) + 1000 * i for i, jet in enumerate(JETS[:4])}
    y = y.assign(met_phi=1.0, **numbers)
    model = assignment().fit(X, y)
    assert model.columns_.shape == (4, 4)
    out = transformed(model, X, y)
    assert {"b_b_tag", "antid_b_tag", "met_phi"} < set(out)
    for quark in QUARKS[:4]:
        number = (out[f"{quark}_b_tag"] // 1000).astype(int)
        pt = y[[f"{jet}_pt" for jet in JETS[:4]]].to_numpy()[np.arange(200), number]
        assert_array_equal(out[f"{quark}_pt"], pt)
    assert_array_equal(model.inverse_transform_target(X, out), y)


def test_names_within_names():
    X, y, _ = top_pairs(2)
    names = {f"{jet}_{part}": f"{new}_{part}" for jet, new in (("jet1", "top"), ("jet2", "top_b"))
             for part in ("pt", "eta", "phi")}  # fmt: skip
    model = NearestAssignment(["top", "top_b"], ["b", "antib"]).fit(X, y.rename(columns=names))
    assert_array_equal(model.columns_, [[1, 2, 3], [4, 5, 6]])
    expected = assignment(2).fit(X, y).transform_target(X, y)
    assert_array_equal(model.transform_target(X, y.rename(columns=names)), expected)


def test_names_and_attributes():
    X, y, _ = top_pairs(2)
    model = assignment(2).fit(X, y)
    names = [name.replace("jet1", "b").replace("jet2", "antib") for name in y]
    assert model.get_target_names_out(list(y)) == names
    assert (model.n_features_in_, model.n_targets_) == (7, 7)
    assert list(model.feature_names_in_) == list(X)
    assert list(model.target_names_in_) == list(y)
    assert model.delta_r_.shape == (2,)
    assert (model.delta_r_ < 0.1).all()
    assert not hasattr(model, "log_det_target")
    with pytest.raises(ValueError, match="names has column 'jet2_phi' at position 0"):
        model.get_target_names_out(list(y)[::-1])


def test_directions_of_different_axes():
    """If one level alone is rotated, no jet is near its quark."""
    X, y, _ = top_pairs()
    X, y = X.assign(electron_phi=X["b_eta"]), y.assign(electron_phi=X["b_eta"])
    turned = [PhiRotation("electron").fit_transform(side) for side in (X, y)]
    with pytest.warns(UserWarning, match=r"no object is near .* medians .* \(PhiRotation\)"):
        assignment().fit(turned[0], y)
    both = assignment().fit(*turned)
    assert_allclose(both.delta_r_, assignment().fit(X, y).delta_r_, rtol=1e-6)


def test_equal_momenta_of_rounded_files_are_in_order():
    X, y, _ = top_pairs()
    y["jet2_pt"] = y["jet1_pt"] * (1 + 1e-7)
    assignment().fit(X, y)


# Flags of references that have a near object.


def matching(matched_delta_r=0.4):
    return NearestAssignment(JETS[:4], QUARKS[:4], matched_delta_r=matched_delta_r)


FLAGS = [f"{quark}_matched" for quark in QUARKS[:4]]


def test_flags_are_those_of_the_distances():
    X, y, _ = top_pairs()
    y.loc[::3, "jet2_eta"] += 3.0  # every third event has a jet of radiation
    model = matching().fit(X, y)
    out = transformed(model, X, y)
    assert list(out) == [*assignment().fit(X, y).get_target_names_out(list(y)), *FLAGS]
    assert_array_equal(out.drop(columns=FLAGS), transformed(assignment().fit(X, y), X, y))
    for quark, flag in zip(QUARKS, FLAGS, strict=False):
        delta_phi = wrap_phi(out[f"{quark}_phi"] - X[f"{quark}_phi"])
        delta_r = np.hypot(out[f"{quark}_eta"] - X[f"{quark}_eta"], delta_phi)
        assert_array_equal(out[flag], (delta_r < 0.4).astype(float))
    unmatched = 4 - out[FLAGS].sum(axis=1)
    assert unmatched[::3].mean() > 0.9
    assert unmatched.drop(index=unmatched.index[::3]).mean() < 0.1


def test_a_smaller_distance_has_fewer_matches():
    X, y, _ = top_pairs()
    counts = [
        transformed(matching(largest).fit(X, y), X, y)[FLAGS].to_numpy().sum()
        for largest in (1e-6, 0.05, 0.1, 10)
    ]
    assert counts[0] == 0 < counts[1] < counts[2] < counts[3] == 800
    # Two Gaussians of width 0.05.
    assert counts[1] / 800 == pytest.approx(1 - np.exp(-0.5), abs=0.05)


def test_the_inverse_drops_flags():
    X, y, _ = top_pairs()
    model = matching().fit(X, y)
    out = transformed(model, X, y)
    assert_array_equal(model.inverse_transform_target(X, out), y)
    assert_array_equal(model.inverse_transform_target(X, out.assign(b_matched=0.0)), y)
    message = "y has 13 columns, but NearestAssignment was fitted with 17"
    with pytest.raises(ValueError, match=message):
        model.inverse_transform_target(X, out.drop(columns=FLAGS).to_numpy())
    with pytest.raises(ValueError, match=r"y has columns .*'b_matched', .* were fitted"):
        model.inverse_transform_target(X, out.drop(columns=FLAGS))


def test_flags_of_a_copy_and_of_a_model_file(tmp_path):
    X, y, _ = top_pairs()
    model = matching().fit(X, y)
    save(model, tmp_path / "model")
    for again in (clone(model).fit(X, y), load(tmp_path / "model")):
        assert_array_equal(again.transform_target(X, y), model.transform_target(X, y))
        assert again.get_target_names_out(list(y)) == model.get_target_names_out(list(y))
    model.set_params(matched_delta_r=None).fit(X, y)
    assert_array_equal(model.transform_target(X, y), assignment().fit(X, y).transform_target(X, y))


@pytest.mark.parametrize("value", [0, -0.4, np.nan, np.inf, "0.4", True, [0.4]])
def test_bad_distances(value):
    X, y, _ = top_pairs()
    with pytest.raises((TypeError, ValueError), match=r"delta_r must be (above 0|a number)"):
        matching(value).fit(X, y)


def test_a_flag_that_is_there_already():
    X, y, _ = top_pairs()
    y = y.assign(**{f"{jet}_matched": 1.0 for jet in JETS[:4]})
    assignment().fit(X, y)
    with pytest.raises(ValueError, match="two columns 'b_matched'"):
        matching().fit(X, y)


# What is refused.


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X.to_numpy(), y), "needs named columns"),
        (lambda X, y: (X, y.to_numpy()), "needs named columns"),
        (lambda X, y: (X.drop(columns="u_eta"), y), "'u' has no 'u_pz'|'u' has no 'u_eta'"),
        (lambda X, y: (X, y.drop(columns="jet2_eta")), "only one of them has '.*_eta'"),
        (lambda X, y: (X, y.assign(jet2_mass=1.0)), "only one of them has '.*_mass'"),
        (lambda X, y: (X, y.assign(jet1_jet2_mass=1.0)), "only one of them has '.*_jet2_mass'"),
        (lambda X, y: (X, y.assign(b_pt=1.0)), "two columns 'b_pt'"),
        (lambda X, y: (X, y[[name for name in y if "jet4" not in name]]), "no object 'jet4'"),
        (lambda X, y: (X[[name for name in X if not name.startswith("b_")]], y), "no object 'b'"),
        (lambda X, y: (X, y[[name for name in y if "_pt" not in name]]), "'jet1' has no 'jet1_pt'"),
        (lambda X, y: (X[:-1], y), "inconsistent numbers of samples: 199 and 200"),
        (lambda X, y: (X.assign(b_eta=np.nan), y), "NaN in column 'b_eta'"),
        (lambda X, y: (X, y.assign(jet1_phi=np.inf)), "in column 'jet1_phi'"),
    ],
    ids=["X unnamed", "y unnamed", "no direction", "one lacks", "one has", "pair", "there already",
         "no jet", "no quark", "no pT", "short", "nan", "inf"],
)  # fmt: skip
def test_bad_tables(change, message):
    X, y, _ = top_pairs()
    with pytest.raises(ValueError, match=message):
        assignment().fit(*change(X, y))


@pytest.mark.parametrize(
    ("objects", "references", "message"),
    [
        (["jet1", "jet2"], ["b"], "references and objects must be equally many, got 1 and 2"),
        (["jet1"], ["b"], "There must be 2 to 6 objects, .* got 1"),
        ([*JETS, "jet7"], [*QUARKS, "s"], "There must be 2 to 6 objects, .* got 7"),
        (["jet1", "jet1"], ["b", "u"], "objects must be a list of different names"),
        (["jet1", "jet2"], ["b", "b"], "references must be a list of different names"),
        ("jet1", ["b", "u", "g", "s"], "objects must be a list of different names, got 'jet1'"),
        ([1, 2], ["b", "u"], "objects must be a list of different names"),
        (["jet1", ""], ["b", "u"], "objects must be a list of different names"),
        (2, ["b", "u"], "objects must be a list of different names, got 2"),
    ],
)
def test_bad_names(objects, references, message):
    X, y, _ = top_pairs()
    with pytest.raises(ValueError, match=message):
        NearestAssignment(objects, references).fit(X, y)


def test_jets_that_do_not_fall_in_pt():
    X, y, _ = top_pairs()
    model = assignment().fit(X, y)
    y.loc[[5, 9], "jet3_pt"] = 500.0
    message = r"'jet2' has .* GeV and 'jet3' 500 GeV, first bad row 5 \(2 bad rows in all\)"
    for method in (assignment().fit, model.transform_target):
        with pytest.raises(ValueError, match=message):
            method(X, y)


def test_objects_without_a_direction():
    X, y, _ = top_pairs(2)
    y = y.drop(columns=[name for name in y if "jet" in name])
    for jet in JETS[:2]:
        y = y.assign(**{f"{jet}_px": X["b_pt"], f"{jet}_py": 0.0, f"{jet}_pz": 1.0})
    model = NearestAssignment(JETS[:2], QUARKS[:2])
    y.loc[3, "jet2_px"] = 0.0
    with pytest.raises(ValueError, match=r"'jet2' of y has pT = 0 .* first bad row 3"):
        model.fit(X, y)


@pytest.mark.parametrize("method", ["transform_target", "inverse_transform_target"])
def test_other_tables_than_those_of_the_fit(method):
    X, y, _ = top_pairs()
    model = assignment().fit(X, y)
    if method.startswith("inverse"):
        y = transformed(model, X, y)
    call = getattr(model, method)
    first = next(iter(y))
    for bad, message in [
        ((X.to_numpy()[:, :5], y), "X has 5 columns, but NearestAssignment was fitted with 13"),
        ((X, y.to_numpy()[:, :5]), "y has 5 columns, but NearestAssignment was fitted with 13"),
        ((X, np.hstack([y, y])), "y has 26 columns"),
        ((X[X.columns[::-1]], y), "X has column 'antid_phi' at position 0"),
        ((X, y[y.columns[::-1]]), f"at position 0 where '{first}' was fitted"),
        ((X[:5], y), "inconsistent numbers of samples: 5 and 200"),
        ((X, y.assign(electron_pt=np.nan)), "NaN in column 'electron_pt'"),
    ]:
        with pytest.raises(ValueError, match=message):
            call(*bad)
    assert_array_equal(call(X.to_numpy(), y.to_numpy()), call(X, y))


def test_the_inverse_needs_the_names_of_the_quarks():
    X, y, _ = top_pairs()
    model = assignment().fit(X, y)
    with pytest.raises(ValueError, match="y has column 'jet1_pt' at position 1 where 'b_pt'"):
        model.inverse_transform_target(X, y)


def test_unfitted():
    X, y, _ = top_pairs()
    for method in ("transform_target", "inverse_transform_target"):
        with pytest.raises(NotFittedError):
            getattr(assignment(), method)(X, y)
    with pytest.raises(NotFittedError):
        assignment().get_target_names_out(list(y))


def test_fitting_again_and_clones(tmp_path):
    X, y, _ = top_pairs()
    model = assignment().fit(*top_pairs(5)[:2])
    assert_array_equal(
        model.fit(X, y).transform_target(X, y), clone(model).fit(X, y).transform_target(X, y)
    )
    assert model.n_targets_ == 13
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    assert_array_equal(again.transform_target(X, y), model.transform_target(X, y))
    assert again.get_target_names_out(list(y)) == model.get_target_names_out(list(y))


# In a simulator.


def simulator():
    residual = ResidualTransformer(columns=[f"{q}_{a}" for q in QUARKS[:4] for a in ("eta", "phi")])
    return TransformedSimulator(GaussianRegression(), [assignment(), residual])


def test_simulated_jets_fall_in_pt_and_are_near_their_quarks():
    X, y, _ = top_pairs(n_events=400)
    model = simulator().fit(X, y).set_output(transform="pandas")
    drawn = model.sample(X, random_state=0)
    assert list(drawn) == list(y)
    pt = drawn[[f"{jet}_pt" for jet in JETS[:4]]]
    assert (np.diff(pt, axis=1) <= 0).all()
    assert (assignment().fit(X, drawn).delta_r_ < 0.2).all()
    many = model.sample(X, n_samples=3, random_state=0)
    assert many.shape == (400, 3, 13)
    columns = [list(y).index(name) for name in pt]
    assert (np.diff(many[..., columns], axis=-1) <= 0).all()


def test_the_simulator_learns_jets_by_the_names_of_quarks():
    X, y, _ = top_pairs()
    inner = simulator().fit(X, y).simulator_
    names = [name.replace("_eta", "_eta_residual").replace("_phi", "_phi_residual") for name in X]
    assert list(inner.target_names_in_) == names


def test_an_order_has_no_density():
    X, y, _ = top_pairs()
    model = simulator()
    for estimator in (model, model.fit(X, y)):
        assert not hasattr(estimator, "score_samples")
        with pytest.raises(AttributeError, match=r"TransformedSimulator.*score_samples"):
            estimator.score_samples(X, y)
    assert model.score(X, y) < 0  # minus the energy score


def test_errors_name_the_step_and_y():
    X, y, _ = top_pairs()
    step = r"(?s)'jet3' 500 GeV, first bad row 0.*in y, transformers\[0\] \(NearestAssignment\)"
    with pytest.raises(ValueError, match=step):
        simulator().fit(X, y.assign(jet3_pt=500.0))
