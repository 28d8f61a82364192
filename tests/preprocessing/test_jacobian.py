"""Log-determinants: ours against torch autograd, scikit-learn's against numerical derivatives."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import norm
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from skjetsim.preprocessing import (
    AngleEncoder,
    CartesianToCylindrical,
    InvertibleColumnTransformer,
    LogMassTransformer,
    PhiRotation,
    has_log_det,
    log_det_jacobian,
    register_log_det,
)

RNG = np.random.default_rng(3)
X = RNG.normal(0, 20, (200, 5))
POSITIVE = RNG.lognormal(1, 0.7, (200, 3))


def torch_log_det(function, x):
    """log |det| of each row by automatic differentiation."""
    jacobians = torch.func.vmap(torch.func.jacrev(function))(torch.as_tensor(x))
    return torch.linalg.slogdet(jacobians).logabsdet.numpy()


def torch_cylindrical(x):
    pt, met = torch.hypot(x[0], x[1]), torch.hypot(x[3], x[4])
    phi, met_phi = torch.atan2(x[1], x[0]), torch.atan2(x[4], x[3])
    return torch.stack([pt, torch.asinh(x[2] / pt), phi, met, met_phi])


def torch_rotation(x):
    """Rotate (px, py) of the second object by minus the phi of the first."""
    phi = torch.atan2(x[1], x[0])
    cos, sin = torch.cos(phi), torch.sin(phi)
    return torch.stack(
        [x[0], x[1], x[2], cos * x[3] + sin * x[4], cos * x[4] - sin * x[3], x[5] - phi]
    )


def numerical_log_det(transform, x, step):
    """Sum of log slopes by central differences, for maps that act column by column."""
    return np.log((transform(x + step) - transform(x - step)) / (2 * step)).sum(axis=1)


def test_cylindrical_against_autograd():
    model = CartesianToCylindrical({"muon": [0, 1, 2], "met": [3, 4]}).fit(X)
    np.testing.assert_allclose(
        model.log_det_jacobian(X), torch_log_det(torch_cylindrical, X), rtol=1e-10
    )


def test_log_mass_against_autograd():
    model = LogMassTransformer([0, 2]).fit(POSITIVE)

    def logs(x):
        return torch.stack([torch.log(x[0]), x[1], torch.log(x[2])])

    np.testing.assert_allclose(model.log_det_jacobian(POSITIVE), torch_log_det(logs, POSITIVE))


def test_rotation_against_autograd():
    values = np.hstack([X, RNG.uniform(-np.pi, np.pi, (len(X), 1))])
    frame = pd.DataFrame(values, columns=["a_px", "a_py", "a_pz", "b_px", "b_py", "c_phi"])
    model = PhiRotation("a").fit(frame)
    np.testing.assert_allclose(torch_log_det(torch_rotation, values), 0, atol=1e-12)
    np.testing.assert_array_equal(model.log_det_jacobian(frame), 0)
    rotated = torch.func.vmap(torch_rotation)(torch.as_tensor(values)).numpy()
    out = model.transform(frame).to_numpy()
    np.testing.assert_allclose(out[:, :5], rotated[:, :5], atol=1e-12)
    np.testing.assert_allclose(np.cos(out[:, 5]), np.cos(rotated[:, 5]), atol=1e-12)


@pytest.mark.parametrize(
    "scaler",
    [
        StandardScaler(),
        StandardScaler(with_std=False),
        MinMaxScaler((-2, 7)),
        MaxAbsScaler(),
        RobustScaler(),
        RobustScaler(with_scaling=False),
        RobustScaler(unit_variance=True),
        PowerTransformer(),
        PowerTransformer(standardize=False),
        PowerTransformer("box-cox"),
        PowerTransformer("box-cox", standardize=False),
    ],
    ids=repr,
)
@pytest.mark.parametrize("named", [False, True])
def test_scalers_against_numerical_derivatives(scaler, named):
    data = POSITIVE if getattr(scaler, "method", "") == "box-cox" else X
    table = pd.DataFrame(data, columns=list("abcde")[: data.shape[1]]) if named else data
    scaler.fit(table)

    def transform(x):
        return np.asarray(scaler.transform(pd.DataFrame(x, columns=table.columns) if named else x))

    expected = numerical_log_det(transform, data, 1e-5 * np.abs(data))
    np.testing.assert_allclose(log_det_jacobian(scaler, table), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
@pytest.mark.parametrize(("start", "width"), [(0.0, 1e-3), (0.0, 1e5), (9.0, 1.0), (1e3, 1e3)])
def test_power_transformer_of_extreme_exponents(method, start, width):
    """The exponents reach -700 here; scikit-learn's private standard deviation is the oracle."""
    data = start + width * RNG.exponential(size=(300, 1))
    scaler = PowerTransformer(method).fit(data)
    scale, power = scaler._scaler.scale_[0], scaler.lambdas_[0] - 1
    slope = power * (np.log1p(data) if method == "yeo-johnson" else np.log(data))[:, 0]
    expected = slope - np.log(scale)
    np.testing.assert_allclose(log_det_jacobian(scaler, data), expected, rtol=1e-9)
    np.testing.assert_allclose(log_det_jacobian(scaler, data[:1]), expected[:1], rtol=1e-6)


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_quantile_transformer_against_numerical_derivatives(distribution):
    scaler = QuantileTransformer(n_quantiles=50, output_distribution=distribution).fit(X)
    low, high = X.min(axis=0), X.max(axis=0)
    inner = RNG.uniform(low + 0.05 * (high - low), high - 0.05 * (high - low), (400, 5))
    knots = scaler.quantiles_
    away = (np.abs(inner[:, None] - knots[None]) > 1e-5).all(axis=(1, 2))
    inner = inner[away]
    expected = numerical_log_det(scaler.transform, inner, 1e-6)
    np.testing.assert_allclose(log_det_jacobian(scaler, inner), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_quantile_transformer_at_and_beyond_its_range(distribution):
    scaler = QuantileTransformer(n_quantiles=50, output_distribution=distribution).fit(X)
    assert np.isfinite(log_det_jacobian(scaler, X)).all()
    beyond = X[:2].copy()
    beyond[0, 3] = X[:, 3].max() + 1e-9
    np.testing.assert_array_equal(np.isneginf(log_det_jacobian(scaler, beyond)), [True, False])


def test_quantile_transformer_makes_a_density():
    """Standard normal density times the Jacobian integrates to one over the fitted range."""
    data = RNG.exponential(size=(2000, 1))
    scaler = QuantileTransformer(n_quantiles=100, output_distribution="normal").fit(data)
    grid = np.linspace(data.min(), data.max(), 200_001)[:, None]
    log_density = norm.logpdf(scaler.transform(grid)[:, 0]) + log_det_jacobian(scaler, grid)
    assert abs(np.trapezoid(np.exp(log_density), grid[:, 0]) - 1) < 1e-3


def test_quantile_transformer_on_repeated_values():
    data = np.column_stack([RNG.normal(size=100), np.repeat([1.0, 2.0], 50)])
    scaler = QuantileTransformer(n_quantiles=20).fit(data)
    with pytest.raises(ValueError, match="column 1, first bad row 0: 1 is a repeated quantile"):
        log_det_jacobian(scaler, data)


def test_pipelines_add_up_at_the_right_point(events):
    pipeline = make_pipeline(
        CartesianToCylindrical(),
        LogMassTransformer(),
        "passthrough",
        make_pipeline(PowerTransformer(), StandardScaler()),
    ).fit(events)
    total = pipeline[0].log_det_jacobian(events)
    cylindrical = pipeline[0].transform(events)
    total = total - np.log(events["jet_mass"].to_numpy())
    logged = pipeline[1].transform(cylindrical)
    total += log_det_jacobian(pipeline[3], logged)
    np.testing.assert_allclose(log_det_jacobian(pipeline, events), total)
    assert log_det_jacobian("passthrough", events).tolist() == [0.0] * len(events)


def test_column_transformer_adds_its_blocks(events):
    model = InvertibleColumnTransformer(
        [
            ("jet", CartesianToCylindrical(), ["jet_px", "jet_py", "jet_pz"]),
            ("mass", LogMassTransformer(), ["jet_mass"]),
            ("scale", StandardScaler(), ["weight"]),
        ]
    ).fit(events)
    jet = CartesianToCylindrical(["jet"]).fit(events).log_det_jacobian(events)
    expected = jet - np.log(events["jet_mass"]) - np.log(events["weight"].std(ddof=0))
    np.testing.assert_allclose(log_det_jacobian(model, events), expected)


def test_what_has_no_log_determinant():
    unknown = [MinMaxScaler(clip=True), PCA(), AngleEncoder(), "drop", KeyError]
    for transformer in unknown:
        assert not has_log_det(transformer)
    for transformer in unknown[:3]:
        with pytest.raises(TypeError, match=type(transformer).__name__):
            log_det_jacobian(transformer, X)
        with pytest.raises(TypeError, match=f"step {type(transformer).__name__}"):
            log_det_jacobian(make_pipeline(StandardScaler(), transformer), X)
        block = InvertibleColumnTransformer([("b", transformer, [0])])
        assert not hasattr(block, "log_det_jacobian")
    assert has_log_det(make_pipeline(StandardScaler(), "passthrough"))
    assert has_log_det(None)
    assert hasattr(InvertibleColumnTransformer([("b", MinMaxScaler(), [0])]), "log_det_jacobian")


def test_register():
    class Shift(FunctionTransformer):
        pass

    assert not has_log_det(Shift())
    register_log_det(Shift, lambda t, x: np.zeros(len(x)), condition=lambda t: t.func is None)
    assert has_log_det(Shift())
    assert not has_log_det(Shift(np.exp))
    np.testing.assert_array_equal(log_det_jacobian(Shift().fit(X), X), np.zeros(len(X)))
    with pytest.raises(TypeError, match="cls must be a class"):
        register_log_det("Shift", None)


def test_bad_input():
    scaler = StandardScaler().fit(X)
    with pytest.raises(ValueError, match="X has 2 features, but StandardScaler is expecting 5"):
        log_det_jacobian(scaler, X[:, :2])
    with pytest.raises(ValueError, match="NaN in column 0, first bad row 0"):
        log_det_jacobian(scaler, X * np.nan)
    boxcox = PowerTransformer("box-cox").fit(POSITIVE)
    with pytest.raises(ValueError, match=r"column 0, first bad row 0: -.* is not positive"):
        log_det_jacobian(boxcox, -POSITIVE)
