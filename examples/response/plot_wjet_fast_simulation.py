"""
Fast simulation of W + jet: the published model, and quantiles joined by a copula
=================================================================================

A detector changes each event at random. An analysis does not need the showers in the calorimeter.
It needs the reconstructed objects given the generated ones, and this can be learnt from pairs of
events [1]_. This example trains the published model and a better one on W + jet events, generated
with Pythia 8 and passed through a parametric detector. It then plots distributions of
the features and of quantities derived from them, the response event by event, its correlations, and
the calibration of its width.

.. [1] C. Chen et al., "Analysis-Specific Fast Simulation at the LHC with Deep Learning",
   Comput. Softw. Big Sci. 5 (2021) 15, arXiv:2010.01835.
"""

# %%
# Events
# ------
#
# A row is an event: muon and jet as (px, py, pz), the jet's mass and the missing transverse
# momentum, in GeV. Row i of both tables is the same event, at generator and at detector level. Two
# thirds are for training. Every event has passed the detector a second time, independently. Even a
# perfect simulation differs from the truth as much as the two passes differ. A few events are not
# accepted in the second pass; those are left out of the test.

from skjetsim.datasets import load_wjet

events = load_wjet()
second = events.repeats[0]
n_train = 2 * len(events.data) // 3

X_train, y_train = events.data[:n_train], events.target[:n_train]
X_test, y_test, again = (
    table[n_train:][second.accepted[n_train:]].reset_index(drop=True)
    for table in (events.data, events.target, second.target)
)
X_test.shape

# %%
# Two models
# ----------
#
# The published model learns a median and a width for each Cartesian component, and draws from a
# normal distribution, independently of the other components.
#
# The other model uses what is known about detectors: momenta as (log pT, eta, phi), the missing
# momentum along and across the jet, because errors of the jet also appear in it, and residuals
# against the generated event in place of the event. In each of these columns it learns 17
# quantiles, and the correlations of a Gaussian copula that joins the columns, all as functions of
# the event.

import skjetsim
from skjetsim.response import QuantileSimulator, make_wjet_pipeline, make_wjet_quantile

copula = QuantileSimulator(
    n_quantiles=17,
    hidden_features=(192, 192),
    batch_size=512,
    schedule="cosine",
    learning_rate=4e-3,
    weight_decay=0.5,
    gradient_clip=5.0,
    max_epochs=20,
    random_state=0,
)
models = {
    "published": make_wjet_quantile(max_epochs=20, random_state=0).fit(X_train, y_train),
    "copula": make_wjet_pipeline(copula, met_reference="jet").fit(X_train, y_train),
}
skjetsim.sample(models["copula"], X_test[:3], random_state=0)

# %%
# Features
# --------
#
# These are the columns that both models simulate. Truth is grey, the model red with its statistical
# error. The grey band of the ratio is the floor: how far two samples of the truth differ. An arrow
# marks a ratio outside its panel.

import matplotlib.pyplot as plt

from skjetsim.inspection import MarginalDisplay


def panels(features, title):
    """Features with the axes of their distribution and ratio, three in a row of one figure."""
    n_rows = -(-len(features) // 3)
    figure, axes = plt.subplots(
        2 * n_rows,
        3,
        figsize=(13, 3.9 * n_rows),
        height_ratios=(3, 1) * n_rows,
        layout="constrained",
    )
    figure.suptitle(title)
    for spare in axes.T.reshape(3, n_rows, 2).swapaxes(0, 1).reshape(-1, 2)[len(features) :].flat:
        spare.set_axis_off()
    return zip(features, axes[::2].flat, axes[1::2].flat, strict=False)


for name, model in models.items():
    for feature, ax, ratio_ax in panels(list(X_test), name):
        display = MarginalDisplay.from_estimator(
            model, X_test, y_test, feature=feature, bins=40, random_state=1
        )
        display.plot(ax, ratio_ax=ratio_ax, log=True)

# %%
# These plots hardly distinguish the models from each other, or from the truth. The distributions
# are as wide as the spectrum of the W, and the errors of a detector are small against it. Even the
# generator level, plotted as detector level, would look almost as good. To pass this test is
# necessary, but says little.
#
# Derived quantities
# ------------------
#
# An analysis cuts on quantities of several columns: transverse momenta and pseudorapidities, the
# transverse mass of muon and missing momentum, the scalar sum ST. ``transformer`` computes them
# from true and from simulated events in the same way.

from skjetsim.preprocessing import KinematicFeatures

derived = KinematicFeatures("wjet", passthrough=False).fit(y_test)
shown = ["muon_pt", "jet_pt", "met_pt", "jet_mass", "muon_met_mt", "muon_jet_met_st"]

for name, model in models.items():
    for feature, ax, ratio_ax in panels(shown, name):
        display = MarginalDisplay.from_estimator(
            model,
            X_test,
            y_test,
            feature=feature,
            transformer=derived,
            bins=40,
            random_state=1,
        )
        display.plot(ax, ratio_ax=ratio_ax, log=True)

# %%
# Response
# --------
#
# The residual, detector minus generator level of each event, is what a simulation has to learn. It
# does not contain the spectrum, so here the models differ.

from skjetsim.inspection import ResponseDisplay

shown = [
    *("muon_pt", "muon_eta", "muon_phi"),
    *("jet_pt", "jet_eta", "jet_phi"),
    *("jet_mass", "met_pt", "muon_met_mt"),
]

for name, model in models.items():
    for feature, ax, ratio_ax in panels(shown, name):
        display = ResponseDisplay.from_estimator(
            model,
            X_test,
            y_test,
            feature=feature,
            transformer=derived,
            bins=40,
            random_state=1,
        )
        display.plot((ax, ratio_ax), ratio_range=(0.4, 1.6))

# %%
# The published model fails because of its coordinates and its normal distributions:
#
# - Directions are far too wide. For the muon nearly all events lie in the outermost bins, which
#   also hold everything beyond them. A tracker measures the direction of a muon far better than its
#   momentum, but three independent errors of px, py and pz cannot be large along the momentum and
#   tiny across it. Jets show the same, less drastically.
# - Each column is symmetric about its median, but the response of the jet mass is not symmetric.
# - One width per event makes no tails: the response of both momenta is too narrow.
#
# With quantiles in better coordinates the bins scatter like the floor. Only the farthest tails are
# worse, because they have few events to learn from.
#
# Event by event
# --------------
#
# A model that simulates the wrong event also has the right distributions. A plot in two dimensions
# reveals it, since the diagonal is empty. Here generator level is plotted against detector level,
# for the truth and for the simulation. The published response is too narrow, and its correlation
# coefficient r is too large. The detector only keeps jets above a threshold. The copula model has
# learnt that edge, but not quite sharply.

for name, model in models.items():
    display = ResponseDisplay.from_estimator(
        model,
        X_test,
        y_test,
        feature="jet_pt",
        transformer=derived,
        kind="gen_vs_reco",
        range=(0, 120),
        random_state=1,
    )
    display.plot().axes_[1].set_title(name)

# %%
# The next plots show detector level against simulated detector level of the same event, for the
# transverse mass. On the right is the second pass of the same event through the detector. Its r is
# an upper bound, and a simulation stays below it: both passes see the same soft particles, which
# pull the missing momentum of both in the same direction, but the nine generated columns do not
# contain them. A larger r than that of the other model is therefore not a merit by itself. If the
# response is too narrow, or its errors do not add up like those of jet and missing momentum, r is
# too large.

for name, model in models.items():
    display = ResponseDisplay.from_estimator(
        model,
        X_test,
        y_test,
        feature="muon_met_mt",
        transformer=derived,
        kind="pred_vs_reco",
        second_pass=again,
        range=(0, 120),
        random_state=1,
    )
    display.plot().axes_[0].set_title(name)

# %%
# Correlations
# ------------
#
# If the detector adds momentum to a jet, it takes the same from the missing momentum, which
# balances everything that is seen. So their residuals are anti-correlated, component by component.
# If components are drawn independently, given the event, their residuals are not correlated. The
# copula adds the correlations.

from skjetsim.inspection import CorrelationDisplay

columns = ["muon_px", "muon_py", "jet_px", "jet_py", "met_px", "met_py"]
response = (y_test - X_test)[columns]

for name, model in models.items():
    simulated = X_test.copy()
    simulated[:] = skjetsim.sample(model, X_test, random_state=1)
    display = CorrelationDisplay.from_samples(response, (simulated - X_test)[columns])
    display.plot().axes_[1].set_title(name)

# %%
# Calibration
# -----------
#
# Is the width right for each event, or only on average? With many draws per event, a fraction q of
# the events should have their truth below the q-quantile of their own draws. If draws are too wide,
# the curve is steep in the middle. If they are too narrow, it is steep at both ends. If there is a
# bias, it lies on one side of the diagonal.

from skjetsim.inspection import CoverageDisplay

_, axes = plt.subplots(
    2, 2, sharex=True, height_ratios=(2, 1), figsize=(11, 6), layout="constrained"
)
for (name, model), column in zip(models.items(), axes.T, strict=True):
    display = CoverageDisplay.from_estimator(
        model,
        X_test[:3000],
        y_test[:3000],
        n_samples=50,
        transformer=derived,
        random_state=1,
    )
    display.plot(column).axes_[0].set_title(name)

# %%
# The left side again shows directions that are too wide and momenta that are too narrow. On the
# right the curves stay within a few widths of the floor. Note the different scale.

plt.show()
