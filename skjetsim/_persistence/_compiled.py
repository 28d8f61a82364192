"""Compiled objects inside scikit-learn's estimators: what they are made from, and made again.

Compiled code does not check its indices. A tree from a file is checked before it is used, and a
structure for neighbours is computed anew from its points.
"""

import importlib

import numpy as np

TREE = "sklearn.tree._tree.Tree"
LEAF = -1

DISTANCES = ("Chebyshev", "Euclidean", "Haversine", "Manhattan", "Minkowski", "SEuclidean")
LOSSES = """
    AbsoluteError ExponentialLoss HalfBinomialLoss HalfGammaLoss HalfMultinomialLoss HalfPoissonLoss
    HalfSquaredError HalfTweedieLoss HalfTweedieLossIdentity HuberLoss PinballLoss
"""
STEP_LOSSES = "EpsilonInsensitive Hinge ModifiedHuber SquaredEpsilonInsensitive SquaredHinge"


def take_apart(value):
    """Return the name of a compiled object's class and its parts, or None if it is another object.

    Returns
    -------
    name : str
    parts : list
        Numbers, arrays and other compiled objects.
    """
    cls = type(value)
    name = f"{cls.__module__}.{cls.__name__}"
    if name not in PARTS:
        return None
    take, _ = PARTS[name]
    return name, take(value)


def put_together(name, parts):
    """Make a compiled object again.

    Raises
    ------
    ValueError
        If the parts do not fit together.
    """
    _, make = PARTS[name]
    module, _, attribute = name.rpartition(".")
    return make(getattr(importlib.import_module(module), attribute), *parts)


def _tree_parts(tree):
    _, (n_features, n_classes, n_outputs), state = tree.__reduce__()
    return [n_features, n_classes, n_outputs, state["max_depth"], state["nodes"], state["values"]]


def _make_tree(cls, n_features, n_classes, n_outputs, max_depth, nodes, values):
    inner = nodes["left_child"] != LEAF
    check_nodes(nodes, inner, "left_child", "right_child")
    check_features(nodes["feature"][inner], n_features)
    fits = values.ndim == 3 and values.shape[:2] == (len(nodes), n_outputs)
    if not fits or n_classes.shape != (n_outputs,) or n_classes.max() != values.shape[2]:
        raise ValueError("the values of a tree do not fit its nodes and outputs.")
    tree = cls(n_features, n_classes, n_outputs)
    state = {"max_depth": max_depth, "node_count": len(nodes), "nodes": nodes, "values": values}
    tree.__setstate__(state)
    return tree


def check_nodes(nodes, inner, left, right):
    """Raise ValueError unless the children of inner nodes come after them in the table of nodes.

    A tree whose nodes are their own descendants would never return an answer.
    """
    if not len(nodes):
        raise ValueError("a tree has no nodes.")
    place = np.flatnonzero(inner)
    for side in (left, right):
        child = nodes[side][inner].astype(np.int64)
        if not ((child > place) & (child < len(nodes))).all():
            raise ValueError("a node of a tree has a child that is not in the tree.")


def check_features(features, n_features):
    """Raise ValueError unless the columns that a tree asks for are in the table."""
    if not ((features >= 0) & (features < n_features)).all():
        raise ValueError("a tree asks for a column that is not in the table.")


def check_predictor(predictor):
    """Check a tree of histogram-based gradient boosting."""
    nodes = predictor.nodes
    check_nodes(nodes, nodes["is_leaf"] == 0, "left", "right")
    asked = nodes["bitset_idx"][nodes["is_categorical"] != 0]
    n_sets = min(len(predictor.raw_left_cat_bitsets), len(predictor.binned_left_cat_bitsets))
    if (asked >= n_sets).any():
        raise ValueError("a tree asks for a set of categories that it does not have.")


def check_trees(estimator):
    """Check that the trees of a fitted estimator ask for its columns only."""
    n_features = getattr(estimator, "n_features_in_", None)
    state = vars(estimator)
    if (
        type(estimator).__module__ in ONE_TREE
        and "tree_" in state
        and state["tree_"].n_features != n_features
    ):
        raise ValueError("a tree has another number of columns than its estimator.")
    for predictor in (each for iteration in state.get("_predictors", ()) for each in iteration):
        nodes = predictor.nodes
        check_features(nodes["feature_idx"][nodes["is_leaf"] == 0], n_features)
    if type(estimator).__module__ in RAW_TREES:
        for tree in np.ravel(state.get("estimators_", ())):
            if tree.tree_.n_features > n_features:
                raise ValueError("a tree has more columns than the ensemble.")


# Modules of estimators with one tree, and of ensembles. The latter hand the table to the compiled
# trees without another check.
ONE_TREE = frozenset(["sklearn.tree._classes"])
RAW_TREES = frozenset(f"sklearn.ensemble.{name}" for name in ("_forest", "_gb", "_iforest"))


def _neighbour_parts(index):
    data, _, _, _, leaf_size, *_, metric, weight = index.__getstate__()
    return [data, leaf_size, metric, weight]


def _make_neighbours(cls, data, leaf_size, metric, weight):
    return cls(data, leaf_size=leaf_size, metric=metric, sample_weight=weight)


def _distance_parts(metric):
    return list(metric.__getstate__()[:3])


def _make_distance(cls, power, vector, inverse):
    metric = cls.__new__(cls)
    metric.__setstate__((power, vector, inverse))
    return metric


def _arguments(loss):
    function, arguments = loss.__reduce__()[:2]
    return list(arguments) if function is type(loss) else []


def _make(cls, *arguments):
    return cls(*arguments)


def _spline_parts(spline):
    return [spline.t, spline.c, spline.k, spline.extrapolate, spline.axis]


# Class: what it is taken apart into, and how it is made again.
PARTS = {
    TREE: (_tree_parts, _make_tree),
    "scipy.interpolate._bsplines.BSpline": (_spline_parts, _make),
    **{
        f"sklearn.neighbors.{module}{bits}": (_neighbour_parts, _make_neighbours)
        for module in ("_ball_tree.BallTree", "_kd_tree.KDTree")
        for bits in ("", "32", "64")
    },
    **{
        f"sklearn.metrics._dist_metrics.{metric}Distance{bits}": (_distance_parts, _make_distance)
        for metric in DISTANCES
        for bits in ("", "32", "64")
    },
    **{f"sklearn._loss._loss.Cy{loss}": (_arguments, _make) for loss in LOSSES.split()},
    **{
        f"sklearn.linear_model._sgd_fast.{loss}": (_arguments, _make)
        for loss in STEP_LOSSES.split()
    },
}
