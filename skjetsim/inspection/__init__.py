"""Plots of how well a model does, in the manner of scikit-learn's Displays, and whole reports."""

from skjetsim.inspection._calibration import CalibrationDisplay
from skjetsim.inspection._closure import closure_report
from skjetsim.inspection._correlation import CorrelationDisplay
from skjetsim.inspection._coverage import CoverageDisplay
from skjetsim.inspection._latent import LatentDisplay
from skjetsim.inspection._loss_curve import LossCurveDisplay
from skjetsim.inspection._marginal import MarginalDisplay
from skjetsim.inspection._posterior import PosteriorDisplay
from skjetsim.inspection._report import model_report
from skjetsim.inspection._response import ResponseDisplay
from skjetsim.inspection._transport_plan import TransportPlanDisplay

__all__ = [
    "CalibrationDisplay",
    "CorrelationDisplay",
    "CoverageDisplay",
    "LatentDisplay",
    "LossCurveDisplay",
    "MarginalDisplay",
    "PosteriorDisplay",
    "ResponseDisplay",
    "TransportPlanDisplay",
    "closure_report",
    "model_report",
]
