"""scikit-learn's own checks on every transformer; each expected failure has its reason."""

from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

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


def transformer_instances():
    """Every transformer, in settings that tables without names can meet."""
    return [
        AngleEncoder([0]),
        BoundTransformer({0: (-1e3, None)}),
        BoundTransformer({0: (-1e3, 1e3)}, softness=2),
        CartesianToCylindrical(),
        CartesianToCylindrical({"met": [0, 1]}),
        EnergyToMass(),
        InvertibleColumnTransformer([("scale", StandardScaler(), [0])]),
        InvertibleColumnTransformer([("angle", AngleEncoder([0]), [1])]),
        KinematicFeatures(["pt(p0)"]),
        # Together these two pass what the zeros in the checks' positive data let pass.
        LogMassTransformer([0]),
        LogTransformer([0]),
        LogMassTransformer([1]),
        MassShellTransformer({"electron": 0.000511}),
        PairMassTransformer("electron", "positron"),
        PhiRotation("p0"),
        TopPairFeatures(),
        TopPairAssignment(),
        TransverseMassTransformer("muon"),
    ]


TWO_COLUMNS = "the check's data have two columns, and a table without names is read as (px, py, pz)"
ZERO_MASS = "the check's data hold a zero where the mass is, and log(0) is an error"
ZERO_PT = "the check's data hold a row of pT = 0, whose pseudorapidity is infinite"
NO_NAMES = "the check's data have no column names, by which alone energies and objects are found"
OTHER_COLUMN = "the check's negative values stand beside the mass column, where they are allowed"
WORDING = (
    "the check wants scikit-learn's wording; ours names the mass, its column and the first bad row"
)

NARROW_CHECKS = dict.fromkeys(
    [
        "check_estimators_fit_returns_self",
        "check_estimators_overwrite_params",
        "check_fit_check_is_fitted",
        "check_fit_idempotent",
        "check_n_features_in",
        "check_readonly_memmap_input",
    ],
    TWO_COLUMNS,
)
ZERO_IN_FIRST_COLUMN = [
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
]
ZERO_IN_SECOND_COLUMN = [
    "check_dict_unchanged",
    "check_dont_overwrite_parameters",
    "check_estimators_dtypes",
    "check_estimators_nan_inf",
    "check_f_contiguous_array_estimator",
    "check_fit2d_predict1d",
    "check_fit_score_takes_y",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
]
NEED_NAMES = [
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
]


FOUND_BY_NAME = (
    EnergyToMass,
    MassShellTransformer,
    PairMassTransformer,
    TopPairFeatures,
    TopPairAssignment,
    TransverseMassTransformer,
)


def expected_failed_checks(estimator):
    """Checks that cannot pass, with the reason."""
    if isinstance(estimator, FOUND_BY_NAME):
        return dict.fromkeys(NEED_NAMES, NO_NAMES)
    if isinstance(estimator, LogTransformer):
        wording = {"check_positive_only_tag_during_fit": WORDING}
        if estimator.columns == [0]:
            return dict.fromkeys(ZERO_IN_FIRST_COLUMN, ZERO_MASS) | wording
        negative = {"check_fit_non_negative": OTHER_COLUMN}
        return dict.fromkeys(ZERO_IN_SECOND_COLUMN, ZERO_MASS) | wording | negative
    if isinstance(estimator, CartesianToCylindrical) and estimator.objects is None:
        return NARROW_CHECKS | {"check_estimators_dtypes": ZERO_PT}
    if isinstance(estimator, (KinematicFeatures, PhiRotation)):
        return NARROW_CHECKS
    return {}


@parametrize_with_checks(transformer_instances(), expected_failed_checks=expected_failed_checks)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
