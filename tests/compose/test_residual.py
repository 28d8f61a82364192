"""ResidualTransformer: the published formula, its exact inverse, angles, names."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skjetsim.compose import ResidualTransformer


def tables(n_events=300, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "jet_pt": rng.exponential(40, n_events) + 20,
            "jet_eta": rng.normal(0, 1.5, n_events),
            "jet_phi": rng.uniform(-np.pi, np.pi, n_events),
            "jet_log_mass": rng.normal(2, 0.4, n_events),
        }
    )
    y = X + rng.normal(size=X.shape) * [4.0, 0.02, 0.1, 0.2]
    y["jet_phi"] = np.arctan2(np.sin(y["jet_phi"]), np.cos(y["jet_phi"]))
    return X, y


def test_residuals_have_unit_width_and_no_jump_at_pi():
    X, y = tables()
    residual = ResidualTransformer().fit(X, y).transform_target(X, y)
    assert_allclose(residual.std(axis=0), 1, rtol=1e-12)
    assert (np.abs(y["jet_phi"] - X["jet_phi"]) > 3).any()  # some events cross pi
    assert np.abs(residual[:, 2]).max() < 6


def test_published_target_by_hand():
    """REC_T of arXiv:2010.01835, with the log of the jet mass as reference."""
    X, y = tables()
    target = ResidualTransformer(keep_truth=True, reference="jet_log_mass").fit(X, y)
    gen, rec = (side.drop(columns="jet_phi") for side in (X, y))
    difference = rec - gen
    log_mass = "jet_log_mass"
    ratio = difference[log_mass].std(ddof=0) / gen[log_mass].std(ddof=0)
    expected = gen + ratio * difference * gen.std(ddof=0) / difference.std(ddof=0)
    got = target.transform_target(X, y)[:, [0, 1, 3]]
    assert_allclose(got, expected, rtol=1e-12)
    # The residuals of all columns have the relative width of the reference.
    widths = (got - gen).std(ddof=0) / gen.std(ddof=0)
    assert_allclose(widths, ratio, rtol=1e-12)
    # The reference itself is not scaled.
    assert_allclose(got[:, 2], rec[log_mass], rtol=1e-12)


def test_reference_by_position_and_its_errors():
    X, y = tables()
    by_name = ResidualTransformer(keep_truth=True, reference="jet_log_mass").fit(X, y)
    by_position = ResidualTransformer(keep_truth=True, reference=3).fit(X, y)
    assert_array_equal(by_name.scale_, by_position.scale_)
    for reference, message in (
        ("jet_mass", "reference: y has no column 'jet_mass'"),
        (4, r"reference: y has 4 column\(s\), so there is no column 4"),
        (-5, "no column -5"),
    ):
        with pytest.raises(ValueError, match=message):
            ResidualTransformer(keep_truth=True, reference=reference).fit(X, y)


settings_of_target = pytest.mark.parametrize(
    "params",
    [{}, {"keep_truth": True}, {"keep_truth": True, "reference": 1}],
    ids=["residual", "truth kept", "reference"],
)


@settings_of_target
@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data())
def test_inverse_is_exact(params, data):
    numbers = st.floats(-1e4, 1e4, allow_nan=False, allow_subnormal=False)
    X, y = (data.draw(arrays(np.float64, (12, 3), elements=numbers)) for _ in "Xy")
    residual = ResidualTransformer(**params).fit(X, y)
    back = residual.inverse_transform_target(X, residual.transform_target(X, y))
    # The target is x plus a scaled difference: a small scale loses digits.
    loss = 1 + 1 / residual.scale_.min()
    assert_allclose(back, y, rtol=1e-9, atol=1e-11 * loss * (1 + np.abs([X, y]).max()))


@settings_of_target
def test_inverse_with_angles(params):
    X, y = tables()
    residual = ResidualTransformer(**params).fit(X, y)
    back = residual.inverse_transform_target(X, residual.transform_target(X, y))
    assert_allclose(back, y, rtol=1e-9, atol=1e-9)
    wild = residual.inverse_transform_target(X, np.full(X.shape, 50.0))
    assert (np.abs(wild[:, 2]) <= np.pi).all()


@settings_of_target
def test_log_det_is_that_of_a_numerical_jacobian(params):
    X, y = tables()
    residual = ResidualTransformer(**params).fit(X, y)
    jacobian = np.empty((4, 4))
    for j in range(4):
        step = np.zeros((1, 4))
        step[0, j] = 1e-4
        up, down = (residual.transform_target(X[:1], y[:1] + sign * step) for sign in (1, -1))
        jacobian[:, j] = (up - down)[0] / 2e-4
    expected = np.linalg.slogdet(jacobian)[1]
    assert_allclose(residual.log_det_target(X, y), expected, atol=1e-6)


def test_columns_are_matched_by_name():
    X, y = tables()
    wide = X.assign(muon_pt=1.0)[["muon_pt", *X.columns[::-1]]]
    residual = ResidualTransformer().fit(wide, y)
    assert_array_equal(residual.columns_, [4, 3, 2, 1])
    expected = ResidualTransformer().fit(X, y).transform_target(X, y)
    assert_allclose(residual.transform_target(wide, y), expected)


def test_weights():
    X, y = tables()
    counts = np.arange(len(X)) % 3
    weighted = ResidualTransformer(keep_truth=True, reference=3).fit(X, y, counts.astype(float))
    repeated = ResidualTransformer(keep_truth=True, reference=3).fit(
        X.loc[X.index.repeat(counts)], y.loc[y.index.repeat(counts)]
    )
    assert_allclose(weighted.scale_, repeated.scale_)


def test_constant_residuals_are_kept():
    X, y = tables()
    y["jet_eta"] = X["jet_eta"]
    residual = ResidualTransformer().fit(X, y)
    assert_array_equal(residual.transform_target(X, y)[:, 1], 0)
    back = residual.inverse_transform_target(X, residual.transform_target(X, y))
    assert_allclose(back, y, rtol=1e-12, atol=1e-12)


def test_names_of_the_target():
    X = np.array([[20.0], [50.0], [60.0]])
    residual = ResidualTransformer().fit(X, 2 * X)
    assert residual.get_target_names_out(["pt"]) == ["pt_residual"]
    assert residual.set_params(keep_truth=True).get_target_names_out(["pt"]) == ["pt"]


def test_columns_by_position():
    X, y = tables()
    by_name = ResidualTransformer(columns=["jet_pt", "jet_phi"]).fit(X, y)
    for columns in ([0, 2], [2, -4]):
        residual = ResidualTransformer(columns=columns).fit(X[X.columns[::-1]], y)
        assert_array_equal(residual.scale_, by_name.scale_)
    plain = ResidualTransformer(columns=[0]).fit(X.to_numpy(), y.to_numpy()[:, :1])
    assert_array_equal(plain.columns_, [0])
    assert_array_equal(plain.scale_, by_name.scale_[:1])


# Some columns only.

SOME = ["jet_phi", "jet_pt"]
settings_of_some = pytest.mark.parametrize(
    "params",
    [{}, {"keep_truth": True}, {"keep_truth": True, "reference": "jet_pt"}],
    ids=["residual", "truth kept", "reference"],
)


@settings_of_some
def test_columns_that_are_kept_are_the_same_bit_for_bit(params):
    X, y = tables()
    residual = ResidualTransformer(columns=SOME, **params).fit(X, y)
    every = ResidualTransformer(**params).fit(X, y)
    out = residual.transform_target(X, y)
    assert_array_equal(out[:, [1, 3]], y[["jet_eta", "jet_log_mass"]])
    assert_array_equal(out[:, [0, 2]], every.transform_target(X, y)[:, [0, 2]])
    back = residual.inverse_transform_target(X, out)
    assert_array_equal(back[:, [1, 3]], y[["jet_eta", "jet_log_mass"]])
    assert_allclose(back, y, rtol=1e-12, atol=1e-12)
    assert_array_equal(residual.columns_, [0, -1, 2, -1])
    assert_array_equal(residual.scale_[[1, 3]], 1)
    assert_array_equal(residual.angles_, [False, False, True, False])


@settings_of_some
def test_log_det_of_some_columns_is_that_of_a_numerical_jacobian(params):
    X, y = tables()
    residual = ResidualTransformer(columns=SOME, **params).fit(X, y)
    jacobian = np.empty((4, 4))
    for j in range(4):
        step = np.zeros((1, 4))
        step[0, j] = 1e-4
        up, down = (residual.transform_target(X[:1], y[:1] + sign * step) for sign in (1, -1))
        jacobian[:, j] = (up - down)[0] / 2e-4
    expected = np.linalg.slogdet(jacobian)[1]
    assert_allclose(residual.log_det_target(X, y), expected, atol=1e-6)


def test_an_angle_that_is_kept_is_not_wrapped():
    X, y = tables()
    residual = ResidualTransformer(columns=["jet_pt"]).fit(X, y)
    wild = residual.transform_target(X, y.assign(jet_phi=5.0))
    assert (wild[:, 2] == 5).all()
    assert (residual.inverse_transform_target(X, wild)[:, 2] == 5).all()


def test_columns_that_are_kept_need_not_be_in_x():
    X, y = tables()
    without = X.drop(columns=["jet_eta", "jet_log_mass"])[["jet_phi", "jet_pt"]]
    residual = ResidualTransformer(columns=SOME).fit(without, y)
    assert_array_equal(residual.columns_, [1, -1, 0, -1])
    expected = ResidualTransformer(columns=SOME).fit(X, y).transform_target(X, y)
    assert_array_equal(residual.transform_target(without, y), expected)
    with pytest.raises(ValueError, match="y has 'jet_pt', X has only"):
        ResidualTransformer(columns=SOME).fit(X.drop(columns="jet_pt"), y)


def test_other_columns_of_x_at_transform():
    """A column of X without a residual may have another name."""
    X, y = tables()
    residual = ResidualTransformer(columns=SOME).fit(X, y)
    renamed = X.rename(columns={"jet_eta": "quark_eta"})
    assert_array_equal(residual.transform_target(renamed, y), residual.transform_target(X, y))
    with pytest.raises(ValueError, match="X has column 'quark_pt' at position 0 where 'jet_pt'"):
        residual.transform_target(X.rename(columns={"jet_pt": "quark_pt"}), y)


def test_names_of_some_columns():
    names = ["jet_pt", "jet_eta", "jet_phi", "muon_phi"]
    X = pd.DataFrame(np.eye(4), columns=names)
    plain = ResidualTransformer(columns=["jet_pt", "jet_phi"]).fit(X, 2 * X)
    expected = ["jet_pt_residual", "jet_eta", "jet_phi_residual", "muon_phi"]
    assert plain.get_target_names_out(names) == expected
    published = clone(plain).set_params(keep_truth=True).fit(X, 2 * X)
    expected = ["jet_pt", "jet_eta", "jet_phi_scaled", "muon_phi"]
    assert published.get_target_names_out(names) == expected


def test_all_columns_by_name_are_the_default():
    X, y = tables()
    named = ResidualTransformer(columns=list(y)).fit(X, y)
    every = ResidualTransformer().fit(X, y)
    assert_array_equal(named.transform_target(X, y), every.transform_target(X, y))
    assert named.get_target_names_out(list(y)) == every.get_target_names_out(list(y))


@pytest.mark.parametrize("reference", ["jet_log_mass", 3])
def test_the_reference_has_to_have_a_residual(reference):
    X, y = tables()
    published = ResidualTransformer(keep_truth=True, reference=reference, columns=SOME)
    with pytest.raises(ValueError, match=r"reference=.* is kept .* columns=\['jet_phi'"):
        published.fit(X, y)
    assert published.set_params(reference="jet_pt").fit(X, y).scale_[0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("columns", "change", "message"),
    [
        (["jet_mass"], lambda X, y: (X, y), "columns: y has no column 'jet_mass'"),
        ("jet_pt", lambda X, y: (X, y), r"must be a list of names: give \['jet_pt'\]"),
        ([], lambda X, y: (X, y), r"must be a list of names or positions, got \[\]"),
        ([4], lambda X, y: (X, y), r"columns: y has 4 column\(s\), so there is no column 4"),
        (2, lambda X, y: (X, y), "must be a list of names or positions, got 2"),
        (["jet_pt"], lambda X, y: (X.to_numpy(), y), "by name, but X has none"),
        (["jet_pt"], lambda X, y: (X, y.to_numpy()), "but y has no column names"),
        ([3], lambda X, y: (X.to_numpy()[:, :3], y.to_numpy()), "y has 3, X has only 3"),
    ],
    ids=["unknown", "text", "empty", "position", "number", "X unnamed", "y unnamed", "width"],
)
def test_bad_columns(columns, change, message):
    with pytest.raises(ValueError, match=message):
        ResidualTransformer(columns=columns).fit(*change(*tables()))


def _swap(table):
    return table[table.columns[::-1]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X.drop(columns="jet_eta"), y), "y has 'jet_eta', X has only"),
        (lambda X, y: (X.to_numpy()[:, :3], y), "X has 3, y has 4"),
        (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples: 300 and 299"),
        (lambda X, y: (X, y.assign(jet_pt=np.nan)), "NaN in column 'jet_pt'"),
        (lambda X, y: (X.to_numpy()[:, 0], y), "Expected 2D array"),
        (lambda X, y: (X[:0], y[:0]), "0 sample"),
    ],
    ids=["missing", "narrow", "short", "nan", "1-D", "empty"],
)
def test_bad_input_of_fit(change, message):
    with pytest.raises(ValueError, match=message):
        ResidualTransformer().fit(*change(*tables()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X, _swap(y)), "y has column 'jet_log_mass' at position 0"),
        (lambda X, y: (_swap(X), y), "X has column 'jet_log_mass' at position 0"),
        (lambda X, y: (X.to_numpy()[:, :3], y), "X has 3 columns"),
        (lambda X, y: (X, y.to_numpy()[:, :3]), "y has 3 columns"),
    ],
    ids=["y swapped", "X swapped", "X narrow", "y narrow"],
)
def test_bad_input_of_transform(change, message):
    residual = ResidualTransformer().fit(*tables())
    with pytest.raises(ValueError, match=message):
        residual.transform_target(*change(*tables()))


def test_unfitted():
    from sklearn.exceptions import NotFittedError

    for method in ("transform_target", "inverse_transform_target", "log_det_target"):
        with pytest.raises(NotFittedError):
            getattr(ResidualTransformer(), method)(*tables())
