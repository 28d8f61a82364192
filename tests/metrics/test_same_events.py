"""Tables of the same events must not be out of step, and honest tables always pass."""

import numpy as np
import pandas as pd
import pytest
from metrics_toys import LinearSimulator, smear
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import KFold, cross_validate, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skjetsim import log_prob
from skjetsim.compose import ResidualTransformer
from skjetsim.flows import FlowSimulator
from skjetsim.metrics import (
    WassersteinScorer,
    classifier_two_sample_auc,
    crps,
    energy_score,
    get_scorer,
    get_scorer_names,
    metric_floor,
    quantile_coverage,
    residual_wasserstein,
    response_difference,
    response_quantiles,
    sbc_ranks,
    transport_cost,
    wasserstein_distance,
)
from skjetsim.pipeline import make_generative_pipeline
from skjetsim.utils._validation import check_same_events

LINEAR = {"classifier": LogisticRegression(), "random_state": 0}
FLOOR = {"n_repeats": 2, "metric_params": {"by": "jet_pt"}}


@pytest.fixture(scope="module")
def tables(smeared):
    X, y = (table.iloc[:400] for table in smeared)
    return X, y, smear(X, 5)


@pytest.fixture(scope="module")
def flow(smeared):
    X, y = (table.iloc[:400] for table in smeared)
    return FlowSimulator(max_epochs=1, random_state=0).fit(X, y)


def with_draws(metric):
    return lambda X, y, g, w: metric(
        y[["jet_pt"]], pd.DataFrame(np.column_stack([g["jet_pt"]] * 20), index=g.index), **w
    )


# Calls with (X, y, generated, weights).
CALLS = {
    "residual_wasserstein": lambda X, y, g, w: residual_wasserstein(y, g, X=X, by="jet_pt", **w),
    "response_quantiles": lambda X, y, g, w: response_quantiles(y, g, X=X, **w),
    "response_difference": lambda X, y, g, w: response_difference(y, g, X=X, **w),
    "classifier": lambda X, y, g, w: classifier_two_sample_auc(y, g, X=X, **LINEAR, **w),
    "floor": lambda X, y, g, w: metric_floor(residual_wasserstein, y, replica=g, X=X, **FLOOR, **w),
    "transport": lambda X, y, g, w: transport_cost(X, g, **w),
    "crps": with_draws(crps),
    "energy_score": with_draws(energy_score),
    "coverage": with_draws(lambda y, g, **w: quantile_coverage(y, g, [0.5], **w)),
    "transform_target": lambda X, y, g, w: ResidualTransformer().fit(X, y).transform_target(X, g),
}
NO_X = ("crps", "energy_score", "coverage")
NO_WEIGHT = ("transform_target",)


def part(table):
    return table.sample(200, random_state=1)


def shuffled(table):
    return table.sample(frac=1, random_state=2)


@pytest.mark.parametrize("name", CALLS)
def test_metrics_of_the_same_events(name, tables):
    X, y, generated = tables
    weight = pd.Series(np.ones(len(X)), index=X.index)
    call = CALLS[name]
    out_of_step = [(X, y, shuffled(generated), weight)]
    if name not in NO_X:
        out_of_step.append((shuffled(X), y, generated, weight))
        out_of_step.append((part(X), part(y), part(generated.iloc[::-1]), part(weight)))
    if name not in NO_WEIGHT:
        out_of_step.append((X, y, generated, shuffled(weight)))
    if name not in NO_X:
        out_of_step += [(X, y, shuffled(generated), None), (X, shuffled(y), generated, None)]
    if name == "transport":  # has no truth
        out_of_step.pop()
    for tables in out_of_step:
        with pytest.raises(ValueError, match="must be the same event, but their indices differ"):
            call(*tables[:3], {"sample_weight": tables[3]} if name not in NO_WEIGHT else {})
    split = train_test_split(X, y, generated, weight, random_state=0)[1::2]
    split[2] = split[2].reset_index(drop=True)  # drawn events as a new table
    keys = [f"run 1, event {i}" for i in range(400)]
    honest = [
        (X, y, generated, weight),
        (X, y, generated, weight.to_numpy()),
        tuple(map(part, (X, y, generated, weight))),
        split,
        tuple(t.set_axis(keys) for t in (X, y, generated, weight)),
        tuple(pd.concat([t, t]) for t in (X, y, generated, weight)),
    ]
    for tables in honest:
        call(*tables[:3], {"sample_weight": tables[3]} if name not in NO_WEIGHT else {})


@pytest.mark.parametrize("name", ["score", "score_samples", "log_prob", "pipeline"])
def test_densities(name, flow, tables):
    X, y, _ = tables
    calls = {
        "score": flow.score,
        "score_samples": flow.score_samples,
        "log_prob": lambda X, y: log_prob(flow, X, y),
        "pipeline": make_generative_pipeline(flow).score,
    }
    with pytest.raises(ValueError, match="indices differ from row 0"):
        calls[name](X, shuffled(y))
    calls[name](part(X), part(y))
    if name in ("score", "pipeline"):
        weight = pd.Series(np.ones(len(X)), index=X.index)
        with pytest.raises(ValueError, match="sample_weight must be the same event"):
            calls[name](X, y, sample_weight=shuffled(weight))


def test_score_without_a_density(tables):
    X, y, _ = tables
    model = LinearSimulator().fit(X, y)
    with pytest.raises(ValueError, match="indices differ from row 0"):
        model.score(X, shuffled(y))
    model.score(part(X), part(y))


@pytest.mark.parametrize("name", get_scorer_names())
def test_scorers(name, tables):
    X, y, _ = tables
    model = LinearSimulator().fit(X, y)
    scorer = get_scorer(name)
    if name == "neg_abs_auc_minus_half":
        scorer.set_params(classifier=LogisticRegression())
    with pytest.raises(ValueError, match="indices differ from row 0"):
        scorer(model, X, shuffled(y))
    weight = pd.Series(np.ones(len(X)), index=X.index)
    with pytest.raises(ValueError, match="sample_weight must be the same event"):
        scorer(model, X, y, sample_weight=shuffled(weight))
    with pytest.raises(ValueError, match="sample_weight must be the same event"):
        scorer(GaussianMixture().fit(X), X, sample_weight=shuffled(weight))
    for folds in (KFold(2), KFold(2, shuffle=True, random_state=0)):
        cross_validate(LinearSimulator(), X, y, cv=folds, scoring=scorer, error_score="raise")


def test_scoring_behind_a_scaler(tables):
    X, y, _ = tables
    model = make_pipeline(StandardScaler(), LinearSimulator()).fit(X, y)
    WassersteinScorer()(model, part(X), part(y))


def test_weights_of_unpaired_samples(tables):
    X, y, generated = tables
    weight = pd.Series(np.ones(len(X)), index=X.index)
    with pytest.raises(ValueError, match="Row i of truth and sample_weight"):
        wasserstein_distance(y, generated, sample_weight=shuffled(weight))
    with pytest.raises(ValueError, match="Row i of generated and generated_weight"):
        wasserstein_distance(y, generated, generated_weight=shuffled(weight))
    # Samples themselves need not be of the same events.
    wasserstein_distance(y, shuffled(generated), sample_weight=weight)
    classifier_two_sample_auc(y, shuffled(generated), **LINEAR)
    with pytest.raises(ValueError, match="Row i of truth and groups"):
        classifier_two_sample_auc(y, generated, groups=shuffled(weight), **LINEAR)
    with pytest.raises(ValueError, match="Row i of X and by"):
        residual_wasserstein(y, generated, X=X, by=shuffled(X["jet_pt"]))
    with pytest.raises(ValueError, match="Row i of X and posterior_draws"):
        sbc_ranks(X[["jet_pt"]], shuffled(X))


def test_new_index_of_drawn_tables():
    rows = pd.DataFrame({"pt": np.arange(4.0)})
    for drawn in (True, False):
        check_same_events(rows, rows.set_axis(list("abcd")).set_axis(range(4)), drawn=drawn)
    other = rows.set_axis([7, 3, 5, 2])
    for one, two in ((rows, other), (other, rows)):
        check_same_events(one, two, drawn=True)
        with pytest.raises(ValueError, match="differ from row 0"):
            check_same_events(one, two)
    for one, two in ((rows, rows.iloc[::-1]), (rows.iloc[::-1], rows), (other, other.iloc[::-1])):
        with pytest.raises(ValueError, match="differ from row 0"):
            check_same_events(one, two, drawn=True)
    keyed = rows.set_axis(pd.MultiIndex.from_product([["a", "b"], [0, 1]]))
    check_same_events(keyed, rows, drawn=True)
    with pytest.raises(ValueError, match="differ from row 0"):
        check_same_events(keyed, keyed.iloc[::-1], drawn=True)
