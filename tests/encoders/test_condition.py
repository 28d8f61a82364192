"""ConditionEncoder: angles, classes and constants of the condition of a network."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim._encoders._condition import ConditionEncoder

NAMES = ["jet_pt", "jet_phi", "mass", "jet_type"]


def table(n_rows=800):
    rng = np.random.default_rng(0)
    return np.column_stack(
        [
            rng.exponential(30, n_rows),
            rng.uniform(-np.pi, np.pi, n_rows),
            np.ones(n_rows),
            rng.choice([21.0, 1.0, 6.0], n_rows),
        ]
    )


def test_angles_on_the_circle_and_no_constants():
    X = table()[:, :3]
    encoder = ConditionEncoder(NAMES[:3]).fit(X)
    encoded = encoder.encode(X)
    assert encoded.shape == (800, 3) == (800, encoder.n_outputs_)
    assert_allclose(encoded[:, 1:], np.column_stack([np.cos(X[:, 1]), np.sin(X[:, 1])]))
    assert_allclose(encoder.encode(X + np.array([0, 2 * np.pi, 0])), encoded, atol=1e-12)
    assert ConditionEncoder(range(3)).fit(X).n_outputs_ == 2


def test_classes_by_one_column_each():
    X = table()
    encoder = ConditionEncoder(NAMES, classes=["jet_type"]).fit(X)
    encoded = encoder.encode(X)
    assert encoder.n_outputs_ == 6
    assert_array_equal(encoded[:, 3:], X[:, 3:] == [1.0, 6.0, 21.0])


def test_classes_as_labels():
    X = table()
    encoder = ConditionEncoder(NAMES, classes=["jet_type"], embed=True).fit(X)
    assert encoder.encode(X).shape == (800, 3) == (800, encoder.n_outputs_)
    labels = encoder.labels(X)
    assert labels.dtype == np.int64
    assert_array_equal(np.array([1.0, 6.0, 21.0])[labels[:, 0]], X[:, 3])


def test_a_class_by_position():
    encoder = ConditionEncoder(range(4), classes=[3]).fit(table())
    assert encoder.n_outputs_ == 5


def test_unknown_classes_are_named():
    X = table()
    encoder = ConditionEncoder(NAMES, classes=["jet_type"]).fit(X)
    encoder.check(X)
    X[7, 3] = 5.0
    with pytest.raises(ValueError, match=r"X column 'jet_type', row 7: 5 is not a class"):
        encoder.check(X)
    with pytest.raises(ValueError, match="classes: there is no column 'type'"):
        ConditionEncoder(NAMES, classes=["type"]).fit(X)


def test_what_lies_too_far():
    encoder = ConditionEncoder(NAMES[:3]).fit(table()[:, :3])
    far = np.array([[30.0, 0.0, 1.0], [1e20, 0.0, 1.0]])
    with pytest.raises(ValueError, match=r"X column 'jet_pt', row 1"):
        encoder.check(far)


def test_one_column_at_least():
    X = np.ones((5, 2))
    encoder = ConditionEncoder(["a", "b"], n_least=1).fit(X)
    assert_array_equal(encoder.encode(X), np.zeros((5, 1)))
    assert ConditionEncoder(["a", "b"]).fit(X).encode(X).shape == (5, 0)


def test_single_precision():
    X = table()[:, :3]
    double = ConditionEncoder(NAMES[:3], scale="standard").fit(X).encode(X)
    single = ConditionEncoder(NAMES[:3], scale="standard", dtype=np.float32).fit(X).encode(X)
    assert single.dtype == np.float32
    assert_allclose(single, double, atol=1e-6)
