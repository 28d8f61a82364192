"""
The error of a simulation: ten models on events of their own
============================================================

A simulation that was learnt from a finite sample has an error, and its own draws do not
show it, however many they are. Ten models, each trained on a tenth of the events, do show it: their
spread is a systematic error, as in [1]_. This example trains such an ensemble and draws histograms
with their error bands. It separates the error of the model from the resolution of the detector, and
shows how much is gained by drawing several detector-level events for each generated event.

.. [1] C. Chen et al., "Analysis-Specific Fast Simulation at the LHC with Deep Learning",
   Comput. Softw. Big Sci. 5 (2021) 15, arXiv:2010.01835.
"""

# %%
# Ten models
# ----------
#
# The ensemble takes any simulator and is itself a simulator. It trains copies on disjoint parts of
# the events, and ``sample`` draws each event from a random copy.

from skjetsim.compose import EnsembleSimulator
from skjetsim.datasets import load_wjet
from skjetsim.response import QuantileSimulator, make_wjet_pipeline

X, y = load_wjet(return_X_y=True)
n_train = 2 * len(X) // 3
X_train, y_train = X[:n_train], y[:n_train]
X_test, y_test = X[n_train:], y[n_train:]

member = make_wjet_pipeline(
    QuantileSimulator(
        n_quantiles=17,
        hidden_features=(128, 128),
        schedule="cosine",
        learning_rate=4e-3,
        weight_decay=0.5,
        gradient_clip=5.0,
        max_epochs=20,
    ),
    met_reference="jet",
)
ensemble = EnsembleSimulator(member, n_estimators=10, random_state=0).fit(X_train, y_train)
[len(rows) for rows in ensemble.estimators_samples_]

# %%
# Bands
# -----
#
# A Display draws events from every member of an ensemble. The line is their mean. The band is the
# statistical error, from the number of generated events, and the spread of the members, added in
# quadrature. The spread is the error of *one* member: the mean of ten is better than the band says.

import matplotlib.pyplot as plt

from skjetsim.inspection import MarginalDisplay, ResponseDisplay
from skjetsim.preprocessing import KinematicFeatures

derived = KinematicFeatures("wjet", passthrough=False).fit(y_test)
settings = {"transformer": derived, "bins": 30, "random_state": 1}

_, axes = plt.subplots(4, 2, figsize=(10, 8.5), height_ratios=(3, 1, 3, 1), layout="constrained")
for feature, column in zip(("jet_mass", "muon_met_mt"), axes.T, strict=True):
    of_feature = {"feature": feature, **settings}
    display = MarginalDisplay.from_estimator(ensemble, X_test, y_test, **of_feature)
    display.plot(column[0], ratio_ax=column[1], log=True)
    display = ResponseDisplay.from_estimator(ensemble, X_test, y_test, **of_feature)
    display.plot(column[2:], ratio_range=(0.5, 1.5))

# %%
# The distributions are above, the responses below, where the members differ most. The spread is the
# greater part of all bands. It includes the noise of a member's draws, one draw per event. The
# truth lies within band and floor about as often as it should. In the tails of the responses the
# errors show how little a model learns from two thousand events. The spread does not include errors
# that all members share.
#
# Error of the model, resolution of the detector
# ----------------------------------------------
#
# ``predict`` is the mean of the members' medians, and ``predict_std`` is their standard deviation.
# The latter says how well the centre of the response is known, event by event. It is much smaller
# than the resolution, which is the spread of the draws of one event. It grows if there are few
# events to learn from.

import numpy as np

edges = np.array([2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30])  # GeV
in_bin = np.digitize(X_test["jet_mass"], edges)
jet_mass = list(X).index("jet_mass")

error = ensemble.predict_std(X_test)[:, jet_mass]
draws = ensemble.sample(X_test, n_samples=20, random_state=1)[..., jet_mass]
by_kind = {"resolution: one event, many draws": draws.std(axis=1), "error of one model": error}

_, (ax, count_ax) = plt.subplots(
    2, 1, sharex=True, figsize=(6, 5), height_ratios=(3, 1), layout="constrained"
)
for label, values in by_kind.items():
    means = [values[in_bin == number].mean() for number in range(1, len(edges))]
    ax.stairs(means, edges, label=label, linewidth=1.5, baseline=None)
ax.set(yscale="log", ylim=(0.1, 30), ylabel="jet mass [GeV]")
ax.legend()
trained_on = np.histogram(X_train["jet_mass"], edges)[0] / ensemble.n_estimators
count_ax.stairs(trained_on, edges, color="0.4", fill=True)
count_ax.set(xlabel="generated jet mass [GeV]", ylabel="events a\nmember saw")

# %%
# Several draws of each event
# ---------------------------
#
# A learnt detector takes so much less time than the generation of an event that each event can pass
# it several times. Five draws per event increase the statistics of the detector's effects five
# times, but do not increase the statistics of the generated events. All histograms here therefore
# count all draws of one event as one event.
#
# How much smaller do the errors become? In the tails of the response they become nearly as small as
# with five times the events, which is the dotted line. In the spectrum they become less small,
# since the five draws of an event fall into the same bin or the next. The wider a bin is compared
# with the resolution, the less they help. They help least in the last bin, which holds everything
# beyond it. If draws were counted as events, both errors would seem to be at the dotted line.

n_samples = 5
px, py = list(X).index("jet_px"), list(X).index("jet_py")
generated_pt = np.hypot(X_test["jet_px"], X_test["jet_py"]).to_numpy()
true_pt = np.hypot(y_test["jet_px"], y_test["jet_py"]).to_numpy()
drawn = ensemble.sample(X_test, n_samples=n_samples, random_state=1)
drawn_pt = np.hypot(drawn[..., px], drawn[..., py])

quantities = {
    "jet $p_T$ [GeV]": (true_pt, drawn_pt, (5, 100)),
    "jet $p_T$: detector $-$ generator [GeV]": (
        true_pt - generated_pt,
        drawn_pt - generated_pt[:, None],
        (-15, 15),
    ),
}
_, axes = plt.subplots(1, 2, sharey=True, figsize=(10, 3.8), layout="constrained")
for ax, (label, (truth, draws, reach)) in zip(axes, quantities.items(), strict=True):
    errors = [
        MarginalDisplay.from_samples(truth, some, bins=10, range=reach).generated_error
        for some in (draws[:, :1], draws)
    ]
    edges = np.linspace(*reach, 11)
    ax.stairs(errors[1] / errors[0], edges, linewidth=1.5, baseline=None)
    ax.axhline(1, color="0.6", linewidth=0.8)
    ax.axhline(n_samples**-0.5, color="0.6", linestyle=":")
    ax.set(xlabel=label, ylim=(0, 1.2))
axes[0].set_ylabel(f"error of {n_samples} draws / of one")

# %%
# Here is one of the ten models with a tenth of the test events. With five draws per event, its
# histogram is smooth, its statistical error is small, and its errors are easy to see: more draws
# do not make a model better.

few = slice(len(X_test) // 10)
_, axes = plt.subplots(2, 2, figsize=(10, 4.5), height_ratios=(3, 1), layout="constrained")
for draws, column in zip((1, n_samples), axes.T, strict=True):
    display = ResponseDisplay.from_estimator(
        ensemble.estimators_[0],
        X_test[few],
        y_test[few],
        feature="jet_mass",
        n_samples=draws,
        transformer=derived,
        bins=20,
        random_state=1,
    )
    display.plot(column, ratio_range=(0.5, 1.5))
    column[0].set_title(f"{draws} draw{'s' * (draws > 1)} per event")

plt.show()
