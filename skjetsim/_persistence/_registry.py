"""The classes and functions that a model file may name, apart from public estimators.

None of them reads, writes or runs anything: a file could make a model do whatever they do.
"""

# Classes of our fitted state: {name in files, for ever: where the class is today}.
STATE = {
    "AtomAngles": "skjetsim._encoders._atom_angles.AtomAngles",
    "AtomGrids": "skjetsim._encoders._grids.AtomGrids",
    "AtomLines": "skjetsim._encoders._atom_lines.AtomLines",
    "Atoms": "skjetsim._encoders._atoms.Atoms",
    "CloudEncoder": "skjetsim._encoders._cloud.CloudEncoder",
    "ConditionEncoder": "skjetsim._encoders._condition.ConditionEncoder",
    "FarEvents": "skjetsim._encoders._far_events.FarEvents",
    "Grids": "skjetsim._encoders._grids.Grids",
    "ImageEncoder": "skjetsim._encoders._image.ImageEncoder",
    "Labels": "skjetsim.compose._labels.Labels",
    "MapLayout": "skjetsim._nn._transport_map.MapLayout",
    "ObjectOrder": "skjetsim.utils._object_order.ObjectOrder",
    "OTUSLosses": "skjetsim._nn._otus.Losses",
    "OutlierBackground": "skjetsim._encoders._outlier_background.OutlierBackground",
    "OutlierDensity": "skjetsim._encoders._outlier_density.OutlierDensity",
    "OutlierRate": "skjetsim._encoders._outlier_rate.OutlierRate",
    "Outliers": "skjetsim._encoders._outliers.Outliers",
    "Patterns": "skjetsim.compose._patterns.Patterns",
    "PlaceAndWidth": "skjetsim._encoders._regression.PlaceAndWidth",
    "ResponseEncoder": "skjetsim._encoders._response.ResponseEncoder",
    "SmoothFeatures": "skjetsim._encoders._smooth_features.SmoothFeatures",
    "TableEncoder": "skjetsim._encoders._table.TableEncoder",
}

# Public names that were renamed: {name in older files: name today}.
RENAMED: dict[str, str] = {}


def _names(module, names):
    return frozenset(f"{module}.{name}" for name in names.split())


# Public classes that are not estimators.
OBJECTS = (
    _names("skjetsim.transport", "InvariantMass")
    | _names(
        "sklearn.gaussian_process.kernels",
        """CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Matern
        PairwiseKernel Product RBF RationalQuadratic Sum WhiteKernel""",
    )
    | _names(
        "sklearn.model_selection",
        """GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut LeavePGroupsOut LeavePOut
        PredefinedSplit RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedGroupKFold
        StratifiedKFold StratifiedShuffleSplit TimeSeriesSplit""",
    )
)

# Private classes in the fitted state of scikit-learn's estimators.
PARTS = (
    _names("sklearn.calibration", "_CalibratedClassifier _SigmoidCalibration")
    | _names("sklearn.cluster._bisect_k_means", "_BisectingTree")
    | _names("sklearn.ensemble._hist_gradient_boosting.binning", "_BinMapper")
    | _names("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor")
    | _names("sklearn.gaussian_process._gpc", "_BinaryGaussianProcessClassifierLaplace")
    | _names(
        "sklearn.metrics._scorer", "_CurveScorer _MultimetricScorer _PassthroughScorer _Scorer"
    )
    | _names("sklearn.multiclass", "_ConstantPredictor")
    | _names("sklearn.neural_network._stochastic_optimizers", "AdamOptimizer SGDOptimizer")
    | _names("sklearn.utils._metadata_requests", "MetadataRequest MethodMetadataRequest")
    | _names(
        "sklearn._loss.link",
        "HalfLogitLink IdentityLink Interval LogLink LogitLink MultinomialLogit",
    )
    | _names(
        "sklearn._loss.loss",
        """AbsoluteError ExponentialLoss HalfBinomialLoss HalfGammaLoss HalfMultinomialLoss
        HalfPoissonLoss HalfSquaredError HalfTweedieLoss HalfTweedieLossIdentity HuberLoss
        PinballLoss""",
    )
)

# Functions that compute numbers from arrays and do nothing else. So do all elementwise functions of
# the modules in `UFUNC_MODULES`.
FUNCTIONS = (
    _names("skjetsim.datasets", "camel_log_prob density_2d_log_prob shell_log_prob")
    | _names(
        "skjetsim.metrics",
        """chi2_per_dof classifier_two_sample_auc correlation_difference crps emd_sum energy_score
        ks_distance nearest_neighbour_ratio quantile_mse residual_wasserstein response_difference
        sliced_wasserstein_distance transport_cost wasserstein_distance""",
    )
    | _names("numpy", "max mean median min prod std sum var")
    | _names("sklearn.cluster._kmeans", "_kmeans_single_elkan _kmeans_single_lloyd")
    | _names(
        "sklearn.feature_selection",
        "chi2 f_classif f_regression mutual_info_classif mutual_info_regression r_regression",
    )
    | _names(
        "sklearn.metrics",
        """accuracy_score adjusted_mutual_info_score adjusted_rand_score average_precision_score
        balanced_accuracy_score brier_score_loss completeness_score d2_absolute_error_score
        d2_brier_score d2_log_loss_score explained_variance_score f1_score fowlkes_mallows_score
        homogeneity_score jaccard_score log_loss matthews_corrcoef max_error mean_absolute_error
        mean_absolute_percentage_error mean_gamma_deviance mean_poisson_deviance mean_squared_error
        mean_squared_log_error median_absolute_error mutual_info_score normalized_mutual_info_score
        precision_score r2_score rand_score recall_score roc_auc_score root_mean_squared_error
        root_mean_squared_log_error top_k_accuracy_score v_measure_score""",
    )
)
UFUNC_MODULES = ("numpy", "scipy.special")
