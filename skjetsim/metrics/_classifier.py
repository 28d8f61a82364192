"""Classifier two-sample test: how well generated events can be told from true ones."""

import numpy as np
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from skjetsim._classifiers._training import boosted_trees, log_odds
from skjetsim.base._inside import fit_weighted
from skjetsim.metrics._event_split import split_by_event
from skjetsim.metrics._network_classifier import network_scores
from skjetsim.utils._circle import angle_columns
from skjetsim.utils._comparison import (
    check_pair,
    check_table,
    check_theory,
    rng_from,
    shared_differences,
)
from skjetsim.utils._tables import as_table
from skjetsim.utils._threads import fit_threads
from skjetsim.utils._validation import check_option, check_same_events


def classifier_two_sample_auc(
    truth,
    generated,
    *,
    sample_weight=None,
    generated_weight=None,
    X=None,
    features=None,
    classifier="both",
    test_size=0.4,
    groups=None,
    random_state=None,
    return_all=False,
):
    """Area under the ROC curve of a classifier that tells generated events from true ones.

    Parameters
    ----------
    truth : array-like of shape (n_truth, n_features)
    generated : array-like of shape (n_generated, n_features)
        If both are equally long, row i of both is taken for the same event, and rows that one
        sample repeats for one event, too.
    sample_weight, generated_weight : array-like, optional
        Weights of truth and of generated. Negative weights are an error. With X, generated_weight
        defaults to sample_weight, since both sides are the same events.
    X : array-like of shape (n, n_columns), optional
        Theory-level events. The joint samples (X, truth) and (X, generated) are then compared.
        Columns that truth shares with X enter as residuals, too, with phi wrapped. They are
        matched by name, or by position if there are no names and the widths agree.
    features : callable or transformer, optional
        Derives further columns, as `features(y)` or, with X, `features(X, y)`, from tables with
        the caller's names: pT, eta, delta R, masses of pairs and triples. A classifier of raw
        momenta alone does not notice a resonance three times too wide. A transformer, such as
        `KinematicFeatures("wjet", passthrough=False)`, is cloned, fitted to truth and applied to
        y on both sides.
    classifier : {"both", "trees", "network"} or classifier, default="both"
        Gradient-boosted trees, a small neural network (two hidden layers of 128 on
        quantile-normalised columns, with cosine and sine of angles), both, or any scikit-learn
        classifier.
    test_size : float, default=0.4
        Share of the events that the area is measured on.
    groups : array-like of shape (n,), optional
        Rows of one group, such as several detector passes of one theory-level event, stay on one
        side of the split. Both samples must be equally long. By default rows are grouped that are
        equal in one sample and do not occur in the other, as in `np.repeat(y, k, axis=0)` next to
        k draws for each event.
    random_state : None, int, Generator or RandomState
    return_all : bool, default=False
        Also return the area of each classifier.

    Returns
    -------
    auc : float
        The greatest over the classifiers. At 0.5 the samples are indistinguishable, and at 1 they
        are told apart perfectly. It is the area as measured on unseen events, also if it is a
        little below 0.5 by statistics. Its error is about 1 / sqrt(6 n) for n test events per
        side.
    aucs : dict of str to float
        Only with `return_all`.

    Raises
    ------
    ValueError
        On NaN, infinity, different columns, X of another length, too few events, or negative
        weights.

    Notes
    -----
    Both versions of an event are always on the same side of the split into training, validation
    and test events. With a split by rows a classifier could recognise the event, which gives less
    than 0.5 for a perfect model [1]_ [2]_. State the number of events with the area.

    An area far below 0.5 says that rows of generated are copies of rows of truth in another order:
    see `nearest_neighbour_ratio`.

    References
    ----------
    .. [1] D. Lopez-Paz, M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017,
       arXiv:1610.06545.
    .. [2] C. Krause, D. Shih, "CaloFlow", Phys. Rev. D 107 (2023) 113003, arXiv:2106.05285.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skjetsim.metrics import classifier_two_sample_auc
    >>> rng = np.random.default_rng(0)
    >>> truth, generated = rng.normal(size=(2, 1000, 2))
    >>> auc = classifier_two_sample_auc(
    ...     truth, generated + [1.0, 0.0], classifier=LogisticRegression(), random_state=0
    ... )
    >>> 0.7 < auc < 0.8
    True
    """
    if isinstance(classifier, str):
        check_option(classifier, "classifier", ("both", "trees", "network"))
    if not 0.0 < test_size < 1.0:
        raise ValueError(f"test_size must be between 0 and 1, got {test_size!r}.")
    if X is not None and generated_weight is None:
        generated_weight = sample_weight
    pair = check_pair(truth, generated, sample_weight, generated_weight, min_samples=20)
    check_same_events(truth, groups, names=("truth", "groups"), drawn=True)
    rng = rng_from(random_state)
    theory = (None, None) if X is None else check_theory(X, pair, truth, generated)
    one, two = _joint_tables(pair, *theory, features)
    table = np.concatenate([one, two])
    label = np.repeat([0.0, 1.0], [len(one), len(two)])
    weight = _weights(pair)
    samples = [pair.truth, pair.generated]
    if X is not None:
        samples = [np.concatenate([theory[0], y], axis=1) for y in samples]
    train, validation, test = split_by_event(samples, groups, test_size, rng, given_x=X is not None)
    parts = [(table[rows], label[rows], weight[rows]) for rows in (train, validation, test)]
    for _, part_label, part_weight in parts:
        if not all(part_weight[part_label == each].sum() > 0 for each in (0, 1)):
            raise ValueError("too few events, or groups, to split into training and test samples.")
    angles = pair.circular
    if X is not None:
        angles = np.concatenate([angle_columns(theory[1], theory[0].shape[1]), angles])
    weighted = pair.weight is not None or pair.generated_weight is not None
    aucs = {
        name: float(roc_auc_score(parts[2][1], score, sample_weight=parts[2][2]))
        for name, score in _scores(classifier, parts, angles, rng, weighted)
    }
    best = max(aucs.values())
    return (best, aucs) if return_all else best


def _weights(pair):
    """Weights of both samples, each normalised to mean one."""
    parts = []
    for table, weight in ((pair.truth, pair.weight), (pair.generated, pair.generated_weight)):
        parts.append(np.ones(len(table)) if weight is None else weight * len(table) / weight.sum())
    return np.concatenate(parts)


def _joint_tables(pair, theory, theory_names, features):
    """Columns the classifier sees: X, y, residuals and derived features, for both samples."""
    if hasattr(features, "fit_transform"):
        features = _as_function(features, pair)
    tables = []
    for y, what in ((pair.truth, "truth"), (pair.generated, "generated")):
        parts = [y]
        if theory is not None:
            residuals, _ = shared_differences(theory, y, theory_names, pair.names)
            parts = [theory, y, residuals]
        if features is not None:
            arguments = [as_table(y, pair.names)]
            if theory is not None:
                arguments.insert(0, as_table(theory, theory_names))
            derived, _ = check_table(features(*arguments), what=f"features of {what}")
            if len(derived) != len(y):
                raise ValueError(f"features returned {len(derived)} rows for {len(y)} events.")
            parts.append(derived)
        tables.append(np.concatenate(parts, axis=1))
    return tables


def _as_function(transformer, pair):
    """Fit a transformer to truth, and return a function that applies it to y, with or without X."""
    fitted = clone(transformer).fit(as_table(pair.truth, pair.names))
    return lambda *tables: fitted.transform(tables[-1])


def _scores(classifier, parts, angles, rng, weighted):
    """Yield (name, score of the test events) of each classifier.

    `angles` says which of the first columns are angles. Trees cut them on both sides of the seam,
    but a network, which is smooth, is given cosine and sine as well.
    """
    train, validation, (test, _, _) = parts
    models = {}
    if not isinstance(classifier, str):
        models[type(classifier).__name__] = clone(classifier)
    elif classifier != "network":
        models["trees"] = boosted_trees("test", int(rng.integers(2**31)))
    # Classifiers of scikit-learn are fitted on the validation events, too.
    X, label, weight = (np.concatenate(both) for both in zip(train, validation, strict=True))
    for name, model in models.items():
        with fit_threads(len(X)):
            fitted = fit_weighted(model, X, label, weight=weight if weighted else None)
            odds = log_odds(fitted, test)
        yield name, odds
    if classifier in ("both", "network"):
        train, validation = (
            (_with_directions(X, angles), *rest) for X, *rest in (train, validation)
        )
        yield "network", network_scores(train, validation, _with_directions(test, angles), rng)


def _with_directions(table, angles):
    """Table with cosine and sine of its angles as further columns."""
    phi = table[:, np.flatnonzero(angles)]
    return np.concatenate([table, np.cos(phi), np.sin(phi)], axis=1)
