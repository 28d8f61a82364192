"""What all Displays promise: lazy imports, global state untouched, labels with units."""

import sys

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from skjetsim.inspection import (
    CalibrationDisplay,
    CorrelationDisplay,
    CoverageDisplay,
    LatentDisplay,
    MarginalDisplay,
    PosteriorDisplay,
    ResponseDisplay,
    TransportPlanDisplay,
)
from skjetsim.inspection._labels import axis_label

RNG = np.random.default_rng(0)
TABLE, OTHER = RNG.normal(size=(2, 200, 3))
PAIR = {"X": OTHER, "feature": 0}
# A Display, and how many axes it takes.
DISPLAYS = [
    (MarginalDisplay.from_samples(TABLE[:, 0], OTHER[:, 0]), 2),
    (ResponseDisplay.from_samples(TABLE, OTHER + TABLE, **PAIR), 2),
    (ResponseDisplay.from_samples(TABLE, OTHER, **PAIR, kind="gen_vs_reco"), 2),
    (ResponseDisplay.from_samples(TABLE, OTHER, **PAIR, kind="pred_vs_reco"), 1),
    (CorrelationDisplay.from_samples(TABLE, OTHER), 3),
    (CoverageDisplay.from_samples(TABLE, RNG.normal(size=(200, 19, 3))), 2),
    (LatentDisplay.from_samples(TABLE), 3),
    (CalibrationDisplay.from_samples(TABLE, RNG.normal(size=(200, 19, 3))), 2),
    (TransportPlanDisplay.from_samples(TABLE[:, 0], OTHER[:, 0]), 1),
    (TransportPlanDisplay.from_samples(TABLE[:, 0], OTHER[:, 0], TABLE[:, 0]), 2),
    (PosteriorDisplay.from_samples(TABLE[:1], RNG.normal(size=(1, 50, 3)), prior=OTHER), 3),
]
every_display = pytest.mark.parametrize(
    ("display", "n_axes"), DISPLAYS, ids=[type(display).__name__ for display, _ in DISPLAYS]
)


def plot_on(display, axes):
    if isinstance(display, MarginalDisplay):
        return display.plot(axes[0], ratio_ax=axes[1])
    return display.plot(axes)


@every_display
def test_global_settings_stay(display, n_axes):
    with plt.rc_context({"xtick.direction": "inout", "legend.fontsize": 7.0}):
        before = dict(matplotlib.rcParams)
        display.plot()
        display.figure_.canvas.draw()
        assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == [display.figure_.number]


@every_display
def test_the_current_figure_stays_current(display, n_axes):
    _, axes = plt.subplots(1, n_axes, squeeze=False)
    current = plt.figure()
    plot_on(display, axes.ravel())
    assert plt.gcf() is current


@every_display
def test_figures_that_pyplot_does_not_know_stay_unknown(display, n_axes):
    mine, mine_ax = plt.subplots()
    axes = np.ravel(Figure().subplots(1, n_axes))
    plot_on(display, axes)
    assert plt.get_fignums() == [mine.number]
    assert plt.gca() is mine_ax
    assert display.figure_ is axes[0].figure
    display.figure_.draw_without_rendering()


@every_display
@pytest.mark.parametrize("missing", ["matplotlib.pyplot", "mplhep"])
def test_missing_libraries_are_named(display, n_axes, missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=rf"{missing}.*pip install .*mplhep"):
        display.plot()


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("jet_pt", "jet $p_T$ [GeV]"),
        ("pz", "$p_z$ [GeV]"),
        ("electron_E", "electron $E$ [GeV]"),
        ("jet_mass", "jet mass [GeV]"),
        ("muon_jet_met_st", "muon jet met $S_T$ [GeV]"),
        ("muon_met_mt", "muon met $m_T$ [GeV]"),
        ("ht", "$H_T$ [GeV]"),
        ("muon_eta", r"muon $\eta$"),
        ("met_phi", r"met $\phi$ [rad]"),
        ("muon_jet_delta_phi", r"muon jet $\Delta\phi$ [rad]"),
        ("jet_cos_phi", r"jet $\cos\phi$"),
        ("jet_log_pt", "jet log $p_T$"),
        ("n_tracks", "n tracks"),
        ("best", "best"),
        (2, "column 2"),
    ],
)
def test_labels_have_units(name, label):
    assert axis_label(name) == label


def test_labels_without_units():
    assert axis_label("jet_pt", unit=False) == "jet $p_T$"
    assert axis_label("jet_pt", suffix=", simulated") == "jet $p_T$, simulated [GeV]"
