"""The checks for each kind of estimator, and those of scikit-learn that the kind cannot pass."""

from sklearn.utils.validation import has_fit_parameter

from skjetsim.base import is_generator, is_simulator, is_unfolder
from skjetsim.utils._contract import (
    _any_table,
    _conditional,
    _density,
    _draws,
    _fits,
    _input,
    _names,
    _scores,
    _weights,
)

MINI_BATCHES = "mini-batches and the split for validation count rows, not weights"
NOISE = "transform simulates: what a row becomes depends on its position in the noise"
SINGLE = "networks compute in single precision: a row alone is rounded otherwise"
PAIRS = "score_samples takes X and y"
PARTS = "members share out rows, whatever their weights"
REFIT_STEPS = "a Pipeline fits its steps in place, as scikit-learn's own does"
BY_WEIGHT = "unpaired: rows are drawn by weight"
NOTHING_TO_MOVE = "unpaired: a level that never varies tells nothing about the other"

# Checks of scikit-learn without events: the only ones for estimators that need certain columns.
WITHOUT_EVENTS = {
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
}


def is_conditional_transformer(estimator):
    """Whether an estimator transforms y given X."""
    return hasattr(estimator, "transform_target")


def _params(estimator):
    return {key.split("__")[-1] for key in estimator.get_params()}


def _is_unpaired(estimator):
    return not getattr(estimator, "paired_", True)


def reasons(estimator):
    """Checks that an estimator of its kind is expected to fail, with the reason."""
    if is_conditional_transformer(estimator):
        return {}
    failing = {}
    params = _params(estimator)
    if hasattr(estimator, "steps"):
        failing["check_dont_overwrite_parameters"] = REFIT_STEPS
        failing["check_estimators_overwrite_params"] = REFIT_STEPS
    elif not is_unfolder(estimator) and "batch_size" in params:
        by_rows = PARTS if "n_estimators" in params else MINI_BATCHES
        failing["check_sample_weight_equivalence_on_dense_data"] = by_rows
    if is_simulator(estimator) or (is_unfolder(estimator) and hasattr(estimator, "score_samples")):
        reason = NOISE if is_simulator(estimator) else PAIRS
        failing["check_methods_sample_order_invariance"] = reason
        failing["check_methods_subset_invariance"] = reason
    if is_generator(estimator) and "batch_size" in params:
        failing["check_methods_subset_invariance"] = SINGLE
    if "n_estimators" in params:
        failing["check_weights_equal_duplicates"] = PARTS
    if _is_unpaired(estimator):
        failing["check_weights_equal_duplicates"] = BY_WEIGHT
        failing["check_nothing_varies"] = NOTHING_TO_MOVE
        failing["check_condition_that_says_nothing"] = NOTHING_TO_MOVE
    return failing


def contract_checks(estimator, any_table):
    """Checks of this package for an estimator of its kind.

    Parameters
    ----------
    estimator : estimator
    any_table : bool
        Whether it takes tables of any columns.

    Returns
    -------
    list of functions
    """
    if is_conditional_transformer(estimator):
        return checks_of(_conditional)
    checks = checks_of(_draws) + checks_of(_fits) + checks_of(_scores) + checks_of(_density)
    if not hasattr(estimator, "steps"):  # in a Pipeline, its first step meets what is wrong
        checks += checks_of(_names) + checks_of(_input)
        if has_fit_parameter(estimator, "sample_weight"):
            checks += checks_of(_weights)
        if any_table:
            checks += checks_of(_any_table)
    not_for = _not_for(estimator)
    return [check for check in checks if check.__name__ not in not_for]


def checks_of(module):
    """Checks that a module defines, in its order."""
    return [function for name, function in vars(module).items() if name.startswith("check_")]


def _not_for(estimator):
    """Names of checks that have no meaning for an estimator of this kind."""
    names = set()
    if not is_simulator(estimator):
        names |= {"check_a_number_is_not_an_event", "check_condition_that_says_nothing"}
        names.add("check_one_dimensional_y")
    if is_unfolder(estimator):
        names.add("check_shapes_of_draws")
    if not is_generator(estimator):
        names.add("check_latent_points_come_back")
    if is_generator(estimator):
        names |= {"check_default_names", "check_empty_tables", "check_shapes_of_unfolded_events"}
        names |= {"check_lengths", "check_missing_y", "check_true_pairs_score_higher"}
    if _is_unpaired(estimator):
        names |= {"check_lengths", "check_true_pairs_score_higher"}
    return names
