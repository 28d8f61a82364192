"""scikit-learn's own checks on every transformer, but for those whose data it cannot read."""

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from skjetsim.preprocessing import (
    AngleEncoder,
    BoundTransformer,
    CartesianToCylindrical,
    EnergyToMass,
    InvertibleColumnTransformer,
    KinematicFeatures,
    LogMassTransformer,
    LogTransformer,
    MassShellTransformer,
    PairMassTransformer,
    PhiRotation,
    TopPairAssignment,
    TopPairFeatures,
    TransverseMassTransformer,
)

# Two columns, while a table without names is read as (px, py, pz).
NARROW = {
    "check_estimators_fit_returns_self",
    "check_estimators_overwrite_params",
    "check_fit_check_is_fitted",
    "check_fit_idempotent",
    "check_n_features_in",
    "check_readonly_memmap_input",
}
# A zero in that column, and log(0) is an error.
ZERO_IN_FIRST_COLUMN = {
    "check_dtype_object",
    "check_estimators_dtypes",
    "check_estimators_fit_returns_self",
    "check_estimators_overwrite_params",
    "check_fit2d_1feature",
    "check_fit_check_is_fitted",
    "check_fit_idempotent",
    "check_n_features_in",
    "check_n_features_in_after_fitting",
    "check_readonly_memmap_input",
    "check_transformer_data_not_an_array",
    "check_transformer_general",
    "check_transformer_preserve_dtypes",
}
ZERO_IN_SECOND_COLUMN = {
    "check_dict_unchanged",
    "check_dont_overwrite_parameters",
    "check_estimators_dtypes",
    "check_estimators_nan_inf",
    "check_f_contiguous_array_estimator",
    "check_fit2d_predict1d",
    "check_fit_score_takes_y",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
}
# No column names, by which alone energies and objects are found.
NO_NAMES = {
    "check_dict_unchanged",
    "check_dont_overwrite_parameters",
    "check_dtype_object",
    "check_estimators_dtypes",
    "check_estimators_fit_returns_self",
    "check_estimators_nan_inf",
    "check_estimators_overwrite_params",
    "check_estimators_pickle",
    "check_f_contiguous_array_estimator",
    "check_fit2d_1sample",
    "check_fit2d_predict1d",
    "check_fit_check_is_fitted",
    "check_fit_idempotent",
    "check_fit_score_takes_y",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_n_features_in",
    "check_n_features_in_after_fitting",
    "check_pipeline_consistency",
    "check_positive_only_tag_during_fit",
    "check_readonly_memmap_input",
    "check_transformer_data_not_an_array",
    "check_transformer_general",
    "check_transformer_preserve_dtypes",
}
# scikit-learn's wording; ours names the column and the first bad row.
WORDING = {"check_positive_only_tag_during_fit"}
# Negative values, which are next to the column of the logarithm.
NEGATIVE = {"check_fit_non_negative"}

# Each transformer, in settings that tables without names can meet, and the checks whose data it
# cannot read. The two logarithms together pass all checks but one.
TRANSFORMERS = [
    (AngleEncoder([0]), set()),
    (BoundTransformer({0: (-1e3, 1e3)}, softness=2), set()),
    (CartesianToCylindrical({"met": [0, 1]}), set()),
    (InvertibleColumnTransformer([("angle", AngleEncoder([0]), [1])]), set()),
    (KinematicFeatures(["pt(p0)"]), NARROW),
    (PhiRotation("p0"), NARROW),
    (LogTransformer([0]), ZERO_IN_FIRST_COLUMN | WORDING),
    (LogMassTransformer([1]), ZERO_IN_SECOND_COLUMN | WORDING | NEGATIVE),
    (EnergyToMass(), NO_NAMES),
    (MassShellTransformer({"electron": 0.000511}), NO_NAMES),
    (PairMassTransformer("electron", "positron"), NO_NAMES),
    (TopPairFeatures(), NO_NAMES),
    (TopPairAssignment(), NO_NAMES),
    (TransverseMassTransformer("muon"), NO_NAMES),
]


def checks():
    for transformer, unreadable in TRANSFORMERS:
        for estimator, check in estimator_checks_generator(transformer):
            name = check.func.__name__
            if name not in unreadable:
                yield pytest.param(estimator, check, id=f"{type(transformer).__name__}-{name}")


@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_scikit_learn_checks(estimator, check):
    check(estimator)
