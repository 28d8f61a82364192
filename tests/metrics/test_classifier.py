import numpy as np
import pandas as pd
import pytest
from metrics_toys import smear
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from skjetsim.metrics import classifier_two_sample_auc
from skjetsim.metrics._classifier import _weights
from skjetsim.metrics._event_split import split_by_event
from skjetsim.preprocessing import KinematicFeatures
from skjetsim.utils._comparison import check_pair

# As the default trees, but quick on the few events of a test.
TREES = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=8, early_stopping=False)


class PartnerFinder(KNeighborsClassifier):
    """Finds an event's other version among the training events, and says the opposite label."""

    def predict_proba(self, X):
        neighbour = NearestNeighbors(n_neighbors=1).fit(self._fit_X).kneighbors(X)[1][:, 0]
        label = self._y[neighbour]
        return np.column_stack([label, 1 - label])


def test_truth_against_truth_is_one_half(smeared):
    X, y = smeared
    auc, aucs = classifier_two_sample_auc(
        y, smear(X, 3), X=X, random_state=0, classifier="network", return_all=True
    )
    assert auc == pytest.approx(0.5, abs=0.05)
    assert aucs == {"network": auc}
    trees = classifier_two_sample_auc(y, smear(X, 3), X=X, random_state=0, classifier=TREES)
    assert trees == pytest.approx(0.5, abs=0.05)


def test_both_versions_of_an_event_are_on_one_side_of_the_split():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 3))
    y, generated = (X + 0.001 * rng.normal(size=X.shape) for _ in range(2))
    options = {"classifier": PartnerFinder(), "random_state": 0}
    for theory in (X, None):
        auc = classifier_two_sample_auc(y, generated, X=theory, **options)
        assert auc == pytest.approx(0.5, abs=0.06)
    # Rows permuted, so that the split no longer knows which belong together: it leaks.
    leaking = classifier_two_sample_auc(y, rng.permutation(generated), **options)
    assert leaking > 0.7


def test_groups_stay_together():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(500, 3)), 2, axis=0)
    y, generated = (X + 0.001 * rng.normal(size=X.shape) for _ in range(2))
    generated = generated.reshape(500, 2, 3)[:, ::-1].reshape(1000, 3)
    event = np.repeat(np.arange(500), 2)
    options = {"classifier": PartnerFinder(), "random_state": 0}
    auc = classifier_two_sample_auc(y, generated, groups=event, **options)
    assert auc == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize("classifier", [TREES, "network"])
def test_joint_test_sees_what_marginals_do_not(smeared, classifier):
    X, y = smeared
    shuffled = y.sample(frac=1, random_state=0).reset_index(drop=True)
    options = {"classifier": classifier, "random_state": 0}
    assert classifier_two_sample_auc(y, shuffled, **options) < 0.56
    assert classifier_two_sample_auc(y, shuffled, X=X, **options) > 0.8
    assert classifier_two_sample_auc(y, X, X=X, **options) > 0.95


def test_default_is_the_greater_of_trees_and_network():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(400, 1)), rng.normal(0.5, size=(400, 1))
    best, aucs = classifier_two_sample_auc(a, b, random_state=0, return_all=True)
    assert set(aucs) == {"trees", "network"}
    assert best == max(aucs.values())
    assert best > 0.58


def test_derived_features_reach_the_classifier():
    rng = np.random.default_rng(0)
    a = pd.DataFrame(rng.normal(size=(1000, 2)), columns=["one", "two"])
    b = a.copy()
    b["two"] = np.where(rng.random(1000) < 0.5, b["one"], b["two"]) * rng.choice([-1, 1], 1000)
    options = {"classifier": LogisticRegression(), "random_state": 0}
    plain = classifier_two_sample_auc(a, b, **options)

    def gap(y):
        return np.abs(y[["one"]].abs().to_numpy() - y[["two"]].abs().to_numpy())

    with_gap = classifier_two_sample_auc(a, b, features=gap, **options)
    assert with_gap > max(plain, 0.5) + 0.05
    seen = classifier_two_sample_auc(a, b, X=a, features=lambda X, y: gap(y), **options)
    assert seen > max(plain, 0.5) + 0.05


def test_features_may_be_a_transformer():
    rng = np.random.default_rng(0)
    columns = ["jet_px", "jet_py", "met_px", "met_py"]
    a, b = (pd.DataFrame(rng.normal(size=(200, 4)), columns=columns) for _ in range(2))
    transformer = KinematicFeatures(["pt(jet)", "delta_phi(jet, met)"], passthrough=False)
    options = {"classifier": LogisticRegression(), "random_state": 0}
    for X in (None, a):
        auc = classifier_two_sample_auc(a, b, X=X, features=transformer, **options)
        by_hand = classifier_two_sample_auc(
            a, b, X=X, features=lambda *tables: transformer.fit_transform(tables[-1]), **options
        )
        assert auc == by_hand != classifier_two_sample_auc(a, b, X=X, **options)
    fresh = KinematicFeatures(["pt(jet)"], passthrough=False)
    classifier_two_sample_auc(a, b, features=fresh, **options)
    assert not hasattr(fresh, "n_features_in_")


def test_weights_undo_a_reweighting():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3000, 1)), rng.normal(1.0, size=(2500, 1))
    ratio = np.exp(0.5 - b[:, 0])
    options = {"random_state": 0, "classifier": "network"}
    assert classifier_two_sample_auc(a, b, **options) > 0.7
    weighted = classifier_two_sample_auc(a, b, generated_weight=ratio, **options)
    assert weighted == pytest.approx(0.5, abs=0.06)
    with pytest.raises(ValueError, match="does not take sample_weight"):
        classifier_two_sample_auc(
            a, b, generated_weight=ratio, classifier=KNeighborsClassifier(), random_state=0
        )


def test_same_seed_same_area(smeared):
    X, y = smeared
    one, two, other = (
        classifier_two_sample_auc(y, smear(X, 3), classifier="network", random_state=seed)
        for seed in (0, 0, 1)
    )
    assert one == two != other


def test_bad_input(smeared):
    X, y = smeared
    with pytest.raises(ValueError, match="X has 5 events"):
        classifier_two_sample_auc(y, y, X=X.iloc[:5])
    with pytest.raises(ValueError, match="classifier must be one of"):
        classifier_two_sample_auc(y, y, classifier="forest")
    with pytest.raises(ValueError, match="test_size must be between 0 and 1"):
        classifier_two_sample_auc(y, y, test_size=2)
    with pytest.raises(ValueError, match="groups needs equally long samples"):
        classifier_two_sample_auc(y, y.iloc[:-1], groups=np.arange(len(y)))
    with pytest.raises(ValueError, match="too few events, or groups"):
        classifier_two_sample_auc(y, y, groups=np.zeros(len(y)))
    with pytest.raises(ValueError, match="minimum of 20 is required"):
        classifier_two_sample_auc(y.iloc[:3], y.iloc[:3])
    with pytest.raises(ValueError, match="features returned 3 rows"):
        classifier_two_sample_auc(y, y, features=lambda y: y[:3])
    with pytest.raises(ValueError, match="features of truth contains NaN"):
        classifier_two_sample_auc(y, y, features=lambda y: y * np.nan)
    with pytest.raises(ValueError, match="negative in row 0"):
        classifier_two_sample_auc(y, y, sample_weight=-np.ones(len(y)))


def repeated(n_copies, seed=0):
    """An exact density, drawn as often as each event of the truth is repeated."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(2000 // n_copies, 3))
    truth = np.repeat(X + 0.3 * rng.normal(size=X.shape), n_copies, axis=0)
    X = np.repeat(X, n_copies, axis=0)
    return X, truth, X + 0.3 * rng.normal(size=X.shape)


@pytest.mark.parametrize("n_copies", [2, 10, 50])
@pytest.mark.parametrize("given", [True, False])
def test_repeated_rows_are_on_one_side_of_the_split(n_copies, given):
    options = {"classifier": TREES, "random_state": 0}
    areas = []
    for seed in range(4):
        X, truth, generated = repeated(n_copies, seed)
        X = X if given else None
        areas.append(classifier_two_sample_auc(truth, generated, X=X, **options))
        swapped = classifier_two_sample_auc(generated, truth, X=X, **options)
        assert swapped == pytest.approx(0.5, abs=0.12)
    n_groups = 4 * 2000 // n_copies
    assert np.mean(areas) == pytest.approx(0.5, abs=max(0.03, 2.0 / np.sqrt(6 * 0.4 * n_groups)))
    # Samples of unequal length have no pairs, but repeated rows.
    area = classifier_two_sample_auc(truth, generated[:1500], **options)
    assert area == pytest.approx(0.5, abs=0.15)


def test_repeated_rows_of_both_samples():
    rng = np.random.default_rng(0)
    samples = [rng.normal(size=(1000, 2))[rng.integers(0, 1000, 1000)] for _ in range(2)]
    options = {"classifier": TREES, "random_state": 0}
    assert classifier_two_sample_auc(*samples, **options) == pytest.approx(0.5, abs=0.06)
    # With X, both versions of an event must stay together, which is not possible here.
    with pytest.warns(UserWarning, match="Name the events by groups="):
        classifier_two_sample_auc(*samples, X=np.zeros((1000, 1)), **options)


def test_values_of_both_samples_are_no_copies():
    rng = np.random.default_rng(0)
    truth, same = rng.poisson(2, size=(2, 2000, 2))
    other = rng.poisson(3, size=(2000, 2))
    options = {"classifier": TREES, "random_state": 0}
    assert classifier_two_sample_auc(truth, same, **options) == pytest.approx(0.5, abs=0.04)
    assert classifier_two_sample_auc(truth, other, **options) > 0.6
    # An atom that one sample lacks is seen on both sides.
    values = rng.normal(size=(2, 2000, 1))
    values[0, :600] = 0.0
    assert classifier_two_sample_auc(*values, **options) > 0.58
    # Rows without copies are split as ever.
    samples = rng.normal(size=(2, 500, 2))
    rows = split_by_event(samples, None, 0.4, np.random.default_rng(1), given_x=False)
    position = np.tile(np.random.default_rng(1).permutation(500), 2)
    assert_array_equal(rows[2], np.flatnonzero(position < 200))


def test_each_sample_is_normalised(smeared):
    """Units of weights change nothing: the samples count equally."""
    X, y = smeared
    generated = smear(X, 3)
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.5, 2.0, size=(2, len(y)))
    areas = {}
    for scale in (1.0, 1000.0):
        for name in (TREES, "network"):
            areas[scale, str(name)] = classifier_two_sample_auc(
                y,
                generated.add([0.1, 0.0]),
                sample_weight=weights[0],
                generated_weight=scale * weights[1],
                classifier=name,
                random_state=0,
            )
    for name in (TREES, "network"):
        assert areas[1.0, str(name)] == pytest.approx(areas[1000.0, str(name)], abs=1e-6)
    pair = check_pair(y, generated, weights[0], 1000 * weights[1])
    assert_allclose(_weights(pair).reshape(2, -1).mean(axis=1), 1.0)
    assert_array_equal(_weights(check_pair(y, generated)), np.ones(2 * len(y)))
