"""BoundTransformer: exact both ways, never beyond a bound, densities, and bad bounds."""

from decimal import Decimal, localcontext

import numpy as np
import pandas as pd
import pytest
from _instances import SMALL
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numerical import numerical_log_det
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.mixture import GaussianMixture

from skjetsim import load, save
from skjetsim.compose import ResidualTransformer, TransformedSimulator
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.pipeline import make_generative_pipeline
from skjetsim.preprocessing import BoundTransformer

BOUNDS = {"jet_pt": (20.0, None), "jet_eta": (-5.0, 5.0), "bdt": (None, 1.0)}
SIDES = [(0.0, 4.0), (0.0, None), (None, 0.0), (20.0, None), (-5.0, 5.0), (-1e3, 2.0)]


def jets(n_events=200, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "jet_pt": 20 + rng.exponential(30, n_events),
            "jet_mass": rng.lognormal(2, 0.5, n_events),
            "jet_eta": rng.uniform(-5, 5, n_events),
            "bdt": 1 - rng.exponential(0.3, n_events),
        },
        index=np.arange(n_events) + 100,
    )


def fitted(bounds, *, softness=0.1, width=1.0):
    """A transformer of one column whose softness is `softness` times `width`, to rounding."""
    low, high = bounds
    middle = (low + high) / 2 if None not in bounds else low + 3 * width if high is None else high
    middle = middle - 3 * width if low is None else middle
    values = np.array([[middle - width], [middle + width]])
    return BoundTransformer({0: bounds}, softness=softness).fit(values)


def exact_inverse(u, low, high, scale):
    """The formula of the docstring with 600 digits."""
    with localcontext(prec=600):
        u, scale = Decimal(float(u)), Decimal(float(scale))

        def softplus(x):
            return scale * (1 + (x / scale).exp()).ln()

        upper = 0 if high is None else softplus(u - Decimal(high))
        if low is not None:
            return Decimal(low) + softplus(u - Decimal(low)) - upper
        return u - upper


@pytest.mark.parametrize("bounds", SIDES, ids=str)
def test_inverse_is_the_formula_with_all_digits(bounds):
    low, high = bounds
    model = fitted(bounds)
    edges = [bound for bound in bounds if bound is not None]
    steps = np.array([-60.0, -8.0, -1.0, -0.01, 0.0, 0.01, 0.3, 1.0, 8.0, 60.0])
    for u in np.concatenate([edge + steps for edge in edges]):
        drawn = model.inverse_transform([[u]]).item()
        exact = exact_inverse(u, low, high, model.scale_[0])
        # Half a unit in the last place of u, or of a bound, is all that there is to lose; and of a
        # distance to zero no digit is, but those that u has lost in units of s.
        assert abs(drawn - float(exact)) <= 4e-16 * max(1, abs(u), *np.abs(edges)), u
        if 0.0 in bounds and abs(u) > 1e-3:
            assert_allclose(drawn, float(exact), rtol=1e-12)


@pytest.mark.parametrize("bounds", SIDES, ids=str)
@pytest.mark.parametrize("distance", [1e-12, 1e-6, 1e-3, 0.1])
def test_values_near_a_bound_come_back(bounds, distance):
    low, high = bounds
    model = fitted(bounds)
    near = [low + distance if low is not None else high - distance]
    near += [high - distance] if high is not None else [low + distance]
    values = np.array(near)[:, None]
    out = model.transform(values)
    assert_allclose(model.inverse_transform(out), values, rtol=1e-13, atol=0)
    if low is not None and distance < 1e-3:
        expected = low + model.scale_[0] * np.log((near[0] - low) / model.scale_[0])
        assert_allclose(out[0], expected, rtol=1e-3)


@pytest.mark.parametrize("bounds", SIDES, ids=str)
@pytest.mark.parametrize("softness", [0.01, 0.1, 10.0])
def test_every_number_is_strictly_inside(bounds, softness):
    model = fitted(bounds, softness=softness)
    low, high = model.bounds_[0]
    far = np.geomspace(1e-3, 1e6, 40)
    u = np.sort(np.concatenate([-far, [0.0], far]))[:, None]
    drawn = model.inverse_transform(u)
    assert ((low < drawn) & (drawn < high)).all()
    assert (np.diff(drawn, axis=0) >= 0).all()
    again = model.transform(drawn)
    assert np.isfinite(again).all()
    assert np.isfinite(model.log_det_jacobian(drawn)).all()
    # Relative even where drawn values are 1e-300, next to a bound at zero.
    atol = 1e-300 if 0.0 in bounds else 1e-14
    assert_allclose(model.inverse_transform(again), drawn, rtol=1e-12, atol=atol)


@given(
    st.floats(-100, 100),
    st.floats(0.1, 1e4),
    st.sampled_from(["low", "high", "both"]),
    st.lists(st.floats(1e-9, 1 - 1e-9), min_size=2, max_size=8),
    st.floats(1e-3, 100),
)
@settings(deadline=None, derandomize=True)
def test_round_trip_and_order(low, width, sides, shares, softness):
    values = np.sort(low + width * np.array(shares))[:, None]
    bounds = (low if sides != "high" else None, low + width if sides != "low" else None)
    assume((values > low).all() and (values < low + width).all())
    model = BoundTransformer({0: bounds}, softness=softness).fit(values)
    out = model.transform(values)
    assert (np.diff(out, axis=0) >= 0).all()
    atol = 1e-15 * np.abs([low, low + width, *out.ravel()]).max()
    assert_allclose(model.inverse_transform(out), values, rtol=0, atol=atol)


def test_values_far_from_the_bounds_stay():
    model = fitted((20.0, 200.0), softness=0.1, width=10.0)
    values = np.linspace(60, 160, 30)[:, None]
    assert_allclose(model.transform(values), values, rtol=1e-14)
    assert_allclose(model.log_det_jacobian(values), 0, atol=1e-15)


def test_columns_without_bounds_stay_and_names_too():
    events = jets()
    out = BoundTransformer(BOUNDS).fit_transform(events)
    assert list(out) == list(events)
    pd.testing.assert_series_equal(out["jet_mass"], events["jet_mass"])
    assert (out["jet_pt"] <= events["jet_pt"]).all()
    assert (out["bdt"] >= events["bdt"]).all()
    assert (out["jet_eta"].abs() >= events["jet_eta"].abs()).all()
    for name, shift in (out - events).abs().max().items():
        assert (shift > 0.01) == (name in BOUNDS), name


def test_bounds_by_name_and_by_position_are_the_same():
    events = jets()
    named = BoundTransformer(BOUNDS).fit(events)
    positions = {0: BOUNDS["jet_pt"], 2: BOUNDS["jet_eta"], -1: BOUNDS["bdt"]}
    by_position = BoundTransformer(positions).fit(events.to_numpy())
    assert named.columns_ == by_position.columns_ == [0, 2, 3]
    assert_array_equal(by_position.transform(events.to_numpy()), named.transform(events))
    assert_array_equal(named.bounds_, [[20, np.inf], [-5, 5], [-np.inf, 1]])
    assert_allclose(named.scale_, 0.1 * events[list(BOUNDS)].std(ddof=0))
    assert list(by_position.get_feature_names_out()) == ["x0", "x1", "x2", "x3"]
    assert list(named.get_feature_names_out()) == list(events)


def test_infinite_bounds_are_none():
    events = jets()
    infinite = BoundTransformer({"jet_pt": (20, np.inf)}).fit_transform(events)
    pd.testing.assert_frame_equal(
        infinite, BoundTransformer({"jet_pt": (20, None)}).fit_transform(events)
    )


def test_log_det_is_that_of_a_numerical_jacobian():
    events = jets()
    model = BoundTransformer(BOUNDS, softness=0.3).fit(events)
    inner = events.assign(
        jet_pt=events["jet_pt"] + 0.5,
        jet_eta=0.95 * events["jet_eta"],
        bdt=events["bdt"] - 0.05,
    )
    expected = numerical_log_det(model, inner, step=1e-6)
    assert_allclose(model.log_det_jacobian(inner), expected, atol=1e-6)


@pytest.mark.parametrize("bounds", [(0.0, None), (None, 0.0), (0.0, 1.0)], ids=str)
@pytest.mark.parametrize("distance", [1e-12, 1e-6, 1e-2, 0.3])
@pytest.mark.parametrize("softness", [0.1, 100.0])
def test_log_det_near_a_bound(bounds, distance, softness):
    model = fitted(bounds, softness=softness, width=0.4)
    side = -1 if bounds[0] is None else 1
    points = side * distance * np.array([[1 - 1e-3], [1], [1 + 1e-3]])
    low, _, high = model.transform(points).ravel()
    slope = (high - low) / (points[2] - points[0]).item()
    assert_allclose(model.log_det_jacobian(points[1:2]), np.log(slope), atol=2e-6)


def test_bounds_far_narrower_than_the_softness_make_a_logit():
    model = fitted((0.0, 1.0), softness=1e6, width=0.25)
    scale = model.scale_[0]
    values = np.array([1e-12, 1e-3, 0.3, 0.5, 0.9])[:, None]
    assert_allclose(model.transform(values) / scale, logit(values), atol=1e-5)
    u = np.linspace(-700, 30, 50)[:, None]
    assert_allclose(model.inverse_transform(scale * u), expit(u), rtol=1e-5)


@pytest.mark.parametrize(
    ("bounds", "value", "distance"),
    [((20.0, None), 20.1, 0.1), ((-5.0, 5.0), 4.7, 0.3), ((None, 3e-9), 1e-9, 2e-9)],
    ids=str,
)
def test_columns_of_one_value_go_by_their_distance(bounds, value, distance):
    constant = np.full((10, 1), value)
    model = BoundTransformer({0: bounds}).fit(constant)
    assert_allclose(model.scale_, 0.1 * distance, rtol=1e-9)
    assert_allclose(model.inverse_transform(model.transform(constant)), constant, rtol=1e-14)
    one_event = BoundTransformer({0: bounds}).fit(constant[:1])
    assert_array_equal(one_event.scale_, model.scale_)


def test_softness_is_the_length_of_the_tail():
    """A density that is flat at a bound falls as exp(u / s) beyond it."""
    model = fitted((20.0, None), softness=0.1, width=1.0)
    scale = model.scale_[0]
    u = 20 - scale * np.array([[5.0], [8.0]])
    density = -model.log_det_jacobian(model.inverse_transform(u))
    assert_allclose(density[1] - density[0], -3, atol=1e-2)


@pytest.mark.parametrize("value", [20.0, 19.5, -20.0])
def test_values_that_are_not_inside(value):
    events = jets()
    model = BoundTransformer(BOUNDS).fit(events)
    events.loc[[104, 110], "jet_pt"] = value
    message = (
        rf"'jet_pt', first bad row 4 \(2 bad rows in all\): {value:g} is not inside \(20, inf\); "
        r".*Select the events that are inside, or widen the bounds"
    )
    for method in (model.transform, model.log_det_jacobian, BoundTransformer(BOUNDS).fit):
        with pytest.raises(ValueError, match=message):
            method(events)


@pytest.mark.parametrize("value", [-5.0, 5.0, 5.1])
def test_upper_bounds_are_no_values_either(value):
    X = np.array([[0.0], [1.0], [value]])
    with pytest.raises(ValueError, match=r"column 0, first bad row 2 .* not inside \(-5, 5\)"):
        BoundTransformer({0: (-5.0, 5.0)}).fit(X)


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"jet_pt": (40.0, 20.0)}, r"'jet_pt' must be \(low, high\), rising.*\(40.0, 20.0\)"),
        ({"jet_pt": (20.0, 20.0)}, "must be .* rising"),
        ({"jet_pt": (None, None)}, r"one of them may be None, got \(None, None\)"),
        ({"jet_pt": (-np.inf, np.inf)}, "one of them may be None"),
        ({"jet_pt": (np.nan, None)}, r"rising.*\(nan, None\)"),
        ({"jet_pt": 20.0}, "of 'jet_pt' must be .* got 20.0"),
        ({"jet_pt": "25"}, "of 'jet_pt' must be .* got '25'"),
        ({"jet_pt": ("low", "high")}, "must be .* got .'low', 'high'."),
        ({"jet_pt": (1.0, 2.0, 3.0)}, r"must be .* got \(1.0, 2.0, 3.0\)"),
        ({"tau_pt": (20.0, None)}, "X has no column 'tau_pt'"),
        ({7: (20.0, None)}, "X has 4 feature.* no column 7"),
        ({"jet_pt": (20.0, None), 0: (20.0, None)}, "the column 'jet_pt' is given twice"),
        ({}, r"bounds must be a dict, column -> \(low, high\), got {}"),
        ([("jet_pt", 20.0, None)], "bounds must be a dict"),
        (None, "bounds must be a dict.*got None"),
    ],
    ids=str,
)
def test_bounds_that_are_none(bounds, message):
    with pytest.raises(ValueError, match=message):
        BoundTransformer(bounds).fit(jets())


def test_names_of_tables_that_have_none():
    with pytest.raises(ValueError, match="'jet_pt' is a name, but X has no column names"):
        BoundTransformer(BOUNDS).fit(jets().to_numpy())


@pytest.mark.parametrize("softness", [0, 0.0, -0.1, np.inf, np.nan, True, None, "0.1"])
def test_softness_is_above_zero(softness):
    with pytest.raises((ValueError, TypeError), match=r"softness must be (a number|above 0)"):
        BoundTransformer(BOUNDS, softness=softness).fit(jets())


@pytest.mark.parametrize("name", ["phi", "jet_phi", "jet_met_delta_phi"])
def test_angles_have_no_bounds(name):
    events = jets().assign(**{name: 0.0})
    with pytest.raises(ValueError, match=rf"{name!r} is an angle.*Leave it out of `bounds`"):
        BoundTransformer({name: (-4.0, 4.0)}).fit(events)


def test_fitting_again_forgets_the_first_events():
    events = jets()
    model = BoundTransformer(BOUNDS).fit(events.iloc[::-1, ::-1].assign(jet_pt=1e3))
    pd.testing.assert_frame_equal(
        model.fit(events).transform(events), BoundTransformer(BOUNDS).fit_transform(events)
    )


@pytest.mark.parametrize("named", [True, False])
def test_model_files(named, tmp_path):
    events = jets() if named else jets().to_numpy()
    bounds = BOUNDS if named else {0: (20, None), -1: (None, np.float64(1))}
    model = BoundTransformer(bounds, softness=0.2).fit(events)
    save(model, tmp_path / "bounds.skjetsim")
    again = load(tmp_path / "bounds.skjetsim")
    assert again.get_params() == model.get_params()
    out = model.transform(events)
    assert_array_equal(again.transform(events), out)
    assert_array_equal(again.inverse_transform(out), model.inverse_transform(out))
    assert_array_equal(clone(again).fit(events).scale_, model.scale_)


# In models.


@pytest.mark.parametrize(
    "generator",
    [GaussianMixture(3, random_state=0), FlowGenerator(**SMALL)],
    ids=lambda generator: type(generator).__name__,
)
@pytest.mark.parametrize("bounds", [(20.0, None), (20.0, 90.0)], ids=str)
def test_densities_integrate_to_one_inside(generator, bounds):
    X = jets(600)[["jet_pt"]]
    X = X[X["jet_pt"] < 90]
    model = make_generative_pipeline(BoundTransformer({"jet_pt": bounds}), generator).fit(X)
    drawn = np.asarray(model.sample(4000, random_state=0))
    assert drawn.min() > 20
    assert bounds[1] is None or drawn.max() < 90
    u = pd.DataFrame({"jet_pt": np.linspace(-60, 600, 3001)})
    grid = model[0].inverse_transform(u)
    grid = grid[np.diff(grid["jet_pt"], prepend=0) > 0]
    density = np.exp(model.score_samples(grid))
    assert np.trapezoid(density, grid["jet_pt"]) == pytest.approx(1, abs=0.01)
    mean = np.trapezoid(density * grid["jet_pt"], grid["jet_pt"])
    assert drawn.mean() == pytest.approx(mean, rel=0.03)


def measured_jets(n_events=1500):
    """Jets smeared by 10% of which those above 20 GeV are seen, unlike their truth."""
    rng = np.random.default_rng(0)
    pt = 15 + rng.exponential(10, n_events)
    X = pd.DataFrame({"jet_pt": pt, "jet_eta": rng.uniform(-5, 5, n_events)})
    y = pd.DataFrame(
        {
            "jet_pt": pt * rng.normal(1, 0.1, n_events),
            "jet_eta": X["jet_eta"] + rng.normal(0, 0.1, n_events),
        }
    )
    seen = (y["jet_pt"] > 20) & (y["jet_eta"].abs() < 5)
    return X[seen], y[seen]


def beyond(events):
    return (events["jet_pt"] <= 20) | (events["jet_eta"].abs() >= 5)


def test_draws_behind_residuals_are_never_beyond_a_bound():
    X, y = measured_jets()
    flow = FlowSimulator(**SMALL)
    bounds = BoundTransformer({"jet_pt": (20.0, None), "jet_eta": (-5.0, 5.0)}, softness=0.3)
    plain = TransformedSimulator(flow, [ResidualTransformer()])
    model = TransformedSimulator(flow, [bounds, ResidualTransformer()])
    for simulator in (plain, model):
        simulator.set_output(transform="pandas").fit(X, y)
    assert beyond(plain.sample(X, random_state=0)).mean() > 0.05
    assert not beyond(model.sample(X, random_state=0)).any()

    event = X.iloc[:1].assign(jet_pt=21.0, jet_eta=4.9)
    steps = pd.DataFrame({"jet_pt": np.linspace(-10, 60, 301), "jet_eta": np.linspace(3, 8, 301)})
    lines = model.transformers_[0].inverse_transform(steps)
    pt, eta = lines["jet_pt"].to_numpy(), lines["jet_eta"].to_numpy()
    mesh = np.stack(np.meshgrid(pt, eta, indexing="ij"), axis=-1).reshape(-1, 2)
    # 1e-9 from the bound, for points that lie on it to rounding
    mesh = np.clip(mesh, [20 + 1e-9, -5], [np.inf, 5 - 1e-9])
    many = event.loc[event.index.repeat(len(mesh))].reset_index(drop=True)
    log_density = model.score_samples(many, pd.DataFrame(mesh, columns=list(y)))
    density = np.exp(log_density).reshape(len(pt), len(eta))
    assert np.trapezoid(np.trapezoid(density, eta), pt) == pytest.approx(1, abs=0.02)


def test_an_event_beyond_a_bound_is_named_in_y():
    X, y = measured_jets()
    model = TransformedSimulator(
        FlowSimulator(**SMALL), [BoundTransformer({"jet_pt": (25.0, None)}), ResidualTransformer()]
    )
    row = int(np.argmax(y["jet_pt"] <= 25))
    with pytest.raises(
        ValueError, match=rf"'jet_pt', first bad row {row} (?s:.*)in y, transformers\[0\]"
    ):
        model.fit(X, y)
