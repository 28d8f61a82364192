"""Categories that are text, booleans or categorical columns, and come back as such."""

import numpy as np
import pandas as pd
import pytest
from efficiency_toys import Smear
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skjetsim import load, save
from skjetsim.compose import CategorySimulator, ClassifierSimulator
from skjetsim.flows import FlowSimulator

FLAVOURS = ["light", "c", "b"]


def jets(n_events=1500, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"jet_pt": rng.uniform(20, 200, n_events)})
    flavour = rng.choice(FLAVOURS, n_events, p=[0.6, 0.1, 0.3])
    scale = pd.Series(flavour).map({"light": 1.0, "c": 0.95, "b": 0.8})
    y = pd.DataFrame(
        {
            "jet_pt": (X["jet_pt"] * scale * rng.normal(1, 0.05, n_events)).astype(np.float32),
            "jet_flavour": flavour,
            "jet_b_tag": rng.random(n_events) < np.where(flavour == "b", 0.7, 0.1),
            "jet_charge": rng.choice([-1, 1], n_events),
        }
    )
    return X, y


CATEGORIES = ["jet_flavour", "jet_b_tag", "jet_charge"]
ORDERED = pd.CategoricalDtype([*FLAVOURS, "gluon"], ordered=True)
FLOW = FlowSimulator(max_epochs=1, n_transforms=2, hidden_features=(16,), random_state=0)
LINEAR = make_pipeline(StandardScaler(), LogisticRegression())
as_category = pytest.mark.parametrize("dtype", [object, "string", "category", ORDERED])


@as_category
def test_types_come_back(dtype):
    X, y = jets()
    y["jet_flavour"] = y["jet_flavour"].astype(dtype)
    model = CategorySimulator(FLOW, CATEGORIES, classifier=LINEAR, random_state=0)
    for drawn in (
        model.set_output(transform="pandas").fit(X, y).sample(X, random_state=1),
        model.predict(X),
    ):
        assert (drawn.dtypes == y.dtypes).all()
        assert set(drawn["jet_flavour"]) <= set(FLAVOURS)
        assert_array_equal(drawn.index, X.index)
    drawn = model.sample(X, random_state=1)
    share, true = (table["jet_flavour"].value_counts(normalize=True) for table in (drawn, y))
    assert_allclose([share[f] for f in FLAVOURS], [true[f] for f in FLAVOURS], atol=0.06)
    tagged = drawn.groupby("jet_flavour", observed=True)["jet_b_tag"].mean()
    assert tagged["b"] > 0.5 > 0.3 > tagged["light"]


@as_category
def test_labels_are_the_same_model_as_numbers(dtype):
    X, y = jets()
    order = FLAVOURS if dtype is ORDERED else sorted(FLAVOURS)
    numbers = y.assign(jet_flavour=y["jet_flavour"].map(order.index).astype(float))
    y["jet_flavour"] = y["jet_flavour"].astype(dtype)
    plain = CategorySimulator(FLOW, CATEGORIES, classifier=LINEAR, random_state=0).fit(X, numbers)
    model = CategorySimulator(FLOW, CATEGORIES, classifier=LINEAR, random_state=0).fit(X, y)
    assert_array_equal(model.categories_, plain.categories_)
    assert_allclose(model.score_samples(X, y), plain.score_samples(X, numbers))
    assert model.score(X, y) == pytest.approx(plain.score(X, numbers))
    drawn, expected = model.sample(X, random_state=3), plain.sample(X, random_state=3)
    assert drawn.dtype == object
    assert_array_equal([order.index(label) for label in drawn[:, 1]], expected[:, 1])
    assert_array_equal(drawn[:, [0, 2, 3]].astype(float), expected[:, [0, 2, 3]])
    several = model.sample(X[:4], n_samples=3, random_state=3)
    assert several.shape == (4, 3, 4)
    assert set(several[..., 1].ravel()) <= set(FLAVOURS)


def test_a_classifier_alone_takes_text_in_any_form():
    X, y = jets()
    forms = [
        y["jet_flavour"],
        y[["jet_flavour"]],
        y["jet_flavour"].to_numpy(),
        y["jet_flavour"].to_numpy().astype("U5"),
        y["jet_flavour"].tolist(),
        y[["jet_flavour"]].to_numpy(),
    ]
    for form in forms:
        model = ClassifierSimulator(random_state=0).fit(X, form)
        drawn = model.sample(X, random_state=1)
        assert drawn.shape == np.shape(form)
        assert set(np.ravel(drawn)) == set(FLAVOURS)
        assert np.isfinite(model.score_samples(X, form)).all()
        assert set(np.ravel(model.predict(X))) <= set(FLAVOURS)
        assert model.transform(X).shape == np.shape(form)


def test_a_label_that_never_occurs_has_no_probability():
    X, y = jets()
    model = ClassifierSimulator(random_state=0).fit(X, y["jet_flavour"])
    other = y["jet_flavour"].where(y.index != 7, "gluon")
    assert_array_equal(np.isneginf(model.score_samples(X, other)), y.index == 7)


def test_scores_without_a_density():
    X, y = jets()
    model = CategorySimulator(Smear(random_state=0), CATEGORIES, random_state=0).fit(X, y)
    assert np.isfinite(model.score(X, y))


def test_model_files_keep_labels(tmp_path):
    X, y = jets()
    model = CategorySimulator(FLOW, CATEGORIES, classifier=LINEAR, random_state=0).fit(X, y)
    save(model, tmp_path / "model")
    again = load(tmp_path / "model").set_output(transform="pandas")
    drawn = again.sample(X, random_state=1)
    assert (drawn.dtypes == y.dtypes).all()
    assert_array_equal(drawn["jet_flavour"], model.sample(X, random_state=1)[:, 1])


def test_a_new_fit_forgets_labels():
    X, y = jets()
    model = CategorySimulator(FLOW, ["jet_b_tag"], classifier=LINEAR, random_state=0)
    with pytest.raises(ValueError, match=r"'jet_flavour' has dtype .* text, not a number"):
        model.fit(X, y)
    model.set_params(columns=CATEGORIES).fit(X, y)
    assert model.labels_.columns == [1]
    assert_array_equal(model.labels_.labels[0], ["b", "c", "light"])
    model.set_params(columns=["jet_b_tag"]).fit(X, y.drop(columns="jet_flavour"))
    assert not hasattr(model, "labels_")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "'jet_flavour' has no category in row 3"),
        (7, "'jet_flavour' holds text and other values"),
    ],
)
def test_what_is_not_a_label(value, message):
    X, y = jets(300)
    y["jet_flavour"] = y["jet_flavour"].astype(object)
    y.loc[3, "jet_flavour"] = value
    with pytest.raises(ValueError, match=message):
        CategorySimulator(FLOW, CATEGORIES, classifier=LINEAR, random_state=0).fit(X, y)


def test_names_that_both_sides_have():
    X, y = jets(600)
    X["jet_b_tag"], X["measured_jet_b_tag"] = 1.0 * y["jet_b_tag"], 0.5
    model = CategorySimulator(FLOW, ["jet_b_tag"], classifier=LINEAR, random_state=0)
    model.fit(X, y.drop(columns="jet_flavour"))
    names = ["jet_pt", "jet_b_tag", "measured_jet_b_tag", "measured_measured_jet_b_tag"]
    assert list(model.simulator_.feature_names_in_) == names
    assert model.sample(X, random_state=0).shape == (600, 3)


def test_polars():
    polars = pytest.importorskip("polars")
    X, y = (polars.from_pandas(table) for table in jets(600))
    model = CategorySimulator(FLOW, CATEGORIES, classifier=LINEAR, random_state=0).set_output(
        transform="polars"
    )
    drawn = model.fit(X, y).sample(X, random_state=0)
    assert drawn.schema == y.schema
