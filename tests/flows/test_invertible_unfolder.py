"""InvertibleUnfolder is a bijection, and its posteriors are too narrow."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skjetsim
from skjetsim._nn import InvertibleMap, PrivateRandom, column_orders
from skjetsim._nn._invertible import mmd_of_rows
from skjetsim.base import is_unfolder
from skjetsim.flows import InvertibleUnfolder
from skjetsim.metrics import EnergyScorer, posterior_coverage

SMALL = {
    "hidden_features": (8,),
    "n_transforms": 2,
    "n_bins": 4,
    "max_epochs": 2,
    "device": "cpu",
    "random_state": 0,
}
LEARNT = SMALL | {"max_epochs": 10, "batch_size": 128, "learning_rate": 2e-2}


def pairs(n_events=240, seed=0):
    """(pt, eta) on both levels, smeared by half a standard deviation."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_events, 2)) * [20.0, 1.0] + [60.0, 0.0]
    y = X + rng.normal(size=X.shape) * [10.0, 0.5]
    return tuple(pd.DataFrame(side, columns=["jet_pt", "jet_eta"]) for side in (X, y))


@pytest.fixture(scope="module")
def learnt():
    X, y = pairs(1000)
    return {k: InvertibleUnfolder(n_noise=k, **LEARNT).fit(X, y) for k in (0, 2)}


def test_it_is_an_unfolder():
    assert is_unfolder(InvertibleUnfolder())
    for method in ("sample", "transform", "predict", "score_samples"):
        assert not hasattr(InvertibleUnfolder(), method)


def test_without_noise_there_is_no_posterior(learnt):
    y = pairs(50, seed=1)[1]
    draws = learnt[0].sample_inverse(y, n_samples=3)
    assert draws.shape == (50, 3, 2)
    assert_array_equal(draws[:, 0], draws[:, 2])
    assert_array_equal(learnt[0].inverse_transform(y), draws[:, 0])


def test_the_point_estimate_is_near_the_truth(learnt):
    X, y = pairs(1000, seed=1)
    nearer = np.square((learnt[0].inverse_transform(y) - X) / X.std()).mean()
    prior = np.square((X.sample(frac=1, random_state=0).to_numpy() - X) / X.std()).mean()
    assert (nearer < 0.35).all()  # 2 - 2 c = 0.21 for a bijection with the right marginals
    assert (prior > 1.5).all()


def test_posteriors_with_noise_are_too_narrow(learnt):
    X, y = pairs(2000, seed=1)
    draws = learnt[2].sample_inverse(y, n_samples=19, random_state=0)
    width = draws.std(axis=1).mean(axis=0)
    assert (width > 1e-3 * X.std().to_numpy()).all()
    true_width = X.std().to_numpy() * np.sqrt(0.2)
    assert (width < 0.5 * true_width).all()
    coverage, error = posterior_coverage(X, draws)
    assert (coverage.loc[0.1] > 0.1 + 10 * error[0]).all()
    assert (coverage.loc[0.9] < 0.9 - 10 * error[4]).all()


def test_marginals_are_those_of_the_truth(learnt):
    X, y = pairs(2000, seed=1)
    for model in learnt.values():
        drawn = model.sample_inverse(y, random_state=0)
        assert (np.abs(drawn.mean(axis=0) - X.mean()) < 0.15 * X.std()).all()
        assert_allclose(drawn.std(axis=0), X.std(), rtol=0.2)


def test_scores_prefer_the_right_pairs(learnt):
    X, y = pairs(600, seed=1)
    other = y.sample(frac=1, random_state=0).reset_index(drop=True)
    scorer = EnergyScorer(direction="inverse", random_state=0)
    for model in learnt.values():
        assert model.score(X, y) > model.score(X, other) + 1
        assert scorer(model, X, y) > scorer(model, X, other)


# The map itself.


@pytest.mark.parametrize(("n_theory", "n_measured", "n_noise"), [(2, 2, 0), (3, 1, 0), (1, 2, 2)])
def test_the_network_is_a_bijection(n_theory, n_measured, n_noise):
    width = max(n_theory, n_measured) + n_noise
    orders = column_orders(width, 4, "reverse", None)
    settings = {"mmd_weight": 1.0, "orders": orders, "hidden_features": (16,), "n_bins": 8}
    generator = torch.Generator().manual_seed(0)
    with PrivateRandom(generator):
        module = InvertibleMap(n_theory, n_measured, n_noise, **settings).double()
    assert module.width == width
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(noise, alpha=0.2)
        rows = torch.randn(200, module.width, generator=generator, dtype=torch.float64)
        measured = module.flow.to_latent(rows)
        back = module.unfold(measured[:, :n_measured], measured[:, n_measured:])
    assert (measured - rows).abs().max() > 0.1
    assert_allclose(back, rows[:, :n_theory], atol=1e-9)


def test_both_directions_reach_all_weights():
    orders = column_orders(3, 2, "reverse", None)
    with PrivateRandom(torch.Generator().manual_seed(0)):
        module = InvertibleMap(
            2, 2, 1, mmd_weight=1.0, orders=orders, hidden_features=(8,), n_bins=4
        )
    generator = torch.Generator().manual_seed(1)
    rows = [torch.randn(64, 3, generator=generator) for _ in range(2)]
    gradients = []
    for drawn, true in (("to_latent", 0), ("from_base", 1)):
        module.zero_grad()
        error = getattr(module.flow, drawn)(rows[true]) - rows[1 - true]
        error.square().mean().backward()
        found = [parameter.grad for parameter in module.parameters()]
        assert all(gradient is not None for gradient in found)
        gradients.append(torch.cat([gradient.ravel() for gradient in found]))
        assert torch.isfinite(gradients[-1]).all()
        assert (gradients[-1] != 0).float().mean() > 0.5
    assert not torch.allclose(*gradients)


def test_discrepancy_is_unbiased_and_finds_a_shift():
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.randn(20_000, 2, generator=generator) for _ in range(2))
    same = mmd_of_rows(one, other)
    assert same.shape == (20_000,)
    assert abs(same.mean()) < 5e-4
    assert mmd_of_rows(one, other + 0.3).mean() > 5e-3
    assert mmd_of_rows(one, 1.3 * other).mean() > 2e-3
    assert_allclose(mmd_of_rows(one[:1], other[:1]), 0)


def test_weights_of_the_discrepancy_are_repeated_rows():
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.randn(40, 2, generator=generator) for _ in range(2))
    weight = torch.cat([torch.zeros(20), torch.ones(20)])
    weighted = mmd_of_rows(one, other, weight)[20:]
    assert_allclose(weighted, mmd_of_rows(one[20:], other[20:]), atol=1e-6)


# Contract.


@pytest.mark.parametrize("n_noise", [0, 1])
def test_seeds_workers_and_rows(n_noise):
    X, y = pairs()
    model = InvertibleUnfolder(n_noise=n_noise, **SMALL).fit(X, y)
    many = pd.concat([y] * 40, ignore_index=True)
    one = model.set_params(n_jobs=1).sample_inverse(many, random_state=0)
    assert_array_equal(one, model.set_params(n_jobs=2).sample_inverse(many, random_state=0))
    assert_allclose(one[:4097], model.sample_inverse(many[:4097], random_state=0), rtol=1e-5)
    again = clone(model).fit(X, y)
    assert_array_equal(again.inverse_transform(y), model.inverse_transform(y))
    fresh = model.sample_inverse(y), model.sample_inverse(y)
    assert np.array_equal(*fresh) == (n_noise == 0)


def test_other_widths_names_and_containers():
    X, y = pairs()
    wide = y.assign(n_tracks=np.arange(len(y)) % 7).add_prefix("reco_")
    for n_noise in (0, 2):
        model = InvertibleUnfolder(n_noise=n_noise, **SMALL).fit(X, wide)
        assert list(model.target_names_in_) == list(wide.columns)
        model.set_output(transform="pandas")
        drawn = model.sample_inverse(wide[5:9], random_state=0)
        assert list(drawn.columns) == ["jet_pt", "jet_eta"]
        assert list(drawn.index) == [5, 6, 7, 8]
        back = InvertibleUnfolder(n_noise=n_noise, **SMALL).fit(wide, X["jet_pt"])
        assert back.sample_inverse(X["jet_pt"][:3]).shape == (3, 3)
        assert model.sample_inverse(wide[:0], n_samples=4).shape == (0, 4, 2)
    clouds = np.random.default_rng(0).normal(size=(60, 4, 3))
    model = InvertibleUnfolder(n_noise=1, **SMALL).fit(clouds, clouds + 0.1)
    assert model.sample_inverse(clouds[:5], n_samples=2).shape == (5, 2, 4, 3)


def test_constant_columns():
    X, y = (side.assign(jet_mass=4.7) for side in pairs())
    drawn = InvertibleUnfolder(n_noise=1, **SMALL).fit(X, y).sample_inverse(y)
    assert_allclose(drawn[:, 2], 4.7, rtol=1e-12)
    assert (np.ptp(drawn[:, :2], axis=0) > 0).all()
    same = X * 0 + 5.0
    assert_allclose(InvertibleUnfolder(**SMALL).fit(same, y).sample_inverse(y), same)
    silent = InvertibleUnfolder(n_noise=1, **SMALL).fit(X, same)
    assert (silent.sample_inverse(same)[:, :2].std(axis=0) > 0).all()


def test_events_of_weight_zero_play_no_part():
    X, y = (side.to_numpy() for side in pairs())
    far = np.full((3, 2), 1e6)
    weight = np.r_[np.ones(len(X)), np.zeros(3)]
    model = InvertibleUnfolder(**SMALL)
    weighted = clone(model).fit(np.r_[X, far], np.r_[y, far], sample_weight=weight)
    assert_array_equal(weighted.inverse_transform(y), model.fit(X, y).inverse_transform(y))
    heavy = clone(model).fit(X, y, sample_weight=np.where(X[:, 0] > 60, 5.0, 1.0))
    assert not np.allclose(heavy.inverse_transform(y), model.inverse_transform(y))


def test_save_load_and_pipeline(tmp_path):
    X, y = pairs()
    model = make_pipeline(
        StandardScaler().set_output(transform="pandas"), InvertibleUnfolder(n_noise=1, **SMALL)
    ).fit(X, y)
    drawn = skjetsim.sample_inverse(model, y, n_samples=4, random_state=1)
    assert drawn.shape == (240, 4, 2)
    assert abs(drawn[..., 0].mean() - X["jet_pt"].mean()) < 10  # in GeV, not scaled
    skjetsim.save(model, tmp_path / "model.skjetsim")
    loaded = skjetsim.load(tmp_path / "model.skjetsim")
    assert_array_equal(skjetsim.sample_inverse(loaded, y, n_samples=4, random_state=1), drawn)


def test_a_killed_fit_goes_on(tmp_path, monkeypatch):
    X, y = pairs()
    settings = SMALL | {"max_epochs": 4, "n_noise": 1}
    whole = InvertibleUnfolder(**settings).fit(X, y)
    from skjetsim._nn.training import _loop

    write, written = _loop.save_checkpoint, []

    def killed_in_the_third(path, state):
        if len(written) == 2:
            raise MemoryError
        written.append(write(path, state))

    model = InvertibleUnfolder(checkpoint=str(tmp_path / "fit"), **settings)
    monkeypatch.setattr(_loop, "save_checkpoint", killed_in_the_third)
    with pytest.raises(MemoryError):
        clone(model).fit(X, y)
    monkeypatch.setattr(_loop, "save_checkpoint", write)
    resumed = model.fit(X, y)
    assert resumed.history_ == whole.history_
    assert_array_equal(resumed.inverse_transform(y), whole.inverse_transform(y))


def test_bad_input():
    X, y = pairs()
    model = InvertibleUnfolder(**SMALL)
    with pytest.raises(NotFittedError):
        model.sample_inverse(y)
    with pytest.raises(ValueError, match="NaN in column 'jet_eta', first bad row 3"):
        model.fit(X, y.assign(jet_eta=np.where(np.arange(240) == 3, np.nan, y["jet_eta"])))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y[:-1])
    with pytest.raises(ValueError, match="indices differ from row 0"):
        model.fit(X, y[::-1])
    with pytest.raises(ValueError, match="requires y to be passed"):
        model.fit(X, None)
    with pytest.raises(ValueError, match="two events of positive weight"):
        model.fit(X, y, sample_weight=(np.arange(240) == 0) * 1.0)
    model.fit(X, y)
    with pytest.raises(ValueError, match="y has column 'jet_eta' at position 0"):
        model.sample_inverse(y[["jet_eta", "jet_pt"]])
    with pytest.raises(ValueError, match="y has 1 columns"):
        model.sample_inverse(y[["jet_pt"]].to_numpy())
    with pytest.raises(ValueError, match="y column 'jet_pt', row 2: 1e\\+90 lies too far"):
        model.sample_inverse(y.assign(jet_pt=np.where(np.arange(240) == 2, 1e90, y["jet_pt"])))
    with pytest.raises(ValueError, match="n_samples must be at least 1"):
        model.sample_inverse(y, n_samples=0)
    with pytest.raises(TypeError, match="random_state"):
        model.sample_inverse(y, random_state="seed")


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("n_noise", -1), ("mmd_weight", -0.5), ("n_bins", 1), ("max_epochs", 0)],
)
def test_parameters_out_of_range(parameter, value):
    with pytest.raises(ValueError, match=parameter):
        InvertibleUnfolder(**SMALL | {parameter: value}).fit(*pairs())
