"""
A density that samples: flow, latent space, log-likelihood
==========================================================

A normalizing flow learns p(x) as an invertible map from events to independent standard normal
numbers. As a scikit-learn estimator it gives events with ``sample``, log p(x) with
``score_samples``, the latent point of an event with ``transform`` and the event of a latent point
with ``inverse_transform``. Here the true density is known, so that all of them can be checked.
"""

# %%
# Points on an arc
# ----------------
#
# Two columns that no product of two distributions describes: an arc whose width changes along it.

import numpy as np
from scipy.stats import norm

ARC = (-2.2, 2.2)  # rad


def width(angle):
    """Of the arc."""
    return 0.08 + 0.05 * np.cos(angle)


def draw_arc(n_samples, seed):
    """Points on the arc, and log of their true density."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(*ARC, size=n_samples)
    radius = rng.normal(1, width(angle))
    # p(x, y) = p(angle) p(radius given angle) / radius
    log_density = norm.logpdf(radius, 1, width(angle)) - np.log(np.ptp(ARC) * radius)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), log_density


X_train, _ = draw_arc(10_000, seed=0)
X_test, true_log_density = draw_arc(10_000, seed=1)

# %%
# Fit, sample, score
# ------------------

import matplotlib.pyplot as plt

from skjetsim.flows import FlowGenerator

flow = FlowGenerator(hidden_features=(64, 64), max_epochs=15, weight_decay=0.5, random_state=0)
flow.fit(X_train)
generated = flow.sample(10_000, random_state=0)

grid = np.linspace(-1.5, 1.5, 120)
points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
density = np.exp(flow.score_samples(points)).reshape(len(grid), len(grid))

_, axes = plt.subplots(1, 3, sharex=True, sharey=True, figsize=(11, 3.8), layout="constrained")
for ax, title, events in zip(axes, ("truth", "generated"), (X_test, generated), strict=False):
    ax.plot(*events[:5000].T, ",", color="0.3")
    ax.set_title(title)
mesh = axes[2].pcolormesh(grid, grid, density, cmap="viridis")
axes[2].set_title("learnt p(x)")
for ax in axes:
    ax.set(aspect="equal", xlabel="$x_0$", xlim=grid[[0, -1]], ylim=grid[[0, -1]])
axes[0].set_ylabel("$x_1$")
axes[0].figure.colorbar(mesh, ax=axes[2], shrink=0.8)

# %%
# The density is normalised, and ``score`` is its mean logarithm. On average no model can have a
# larger one on new events than the truth; the difference is the Kullback-Leibler divergence.

cell = (grid[1] - grid[0]) ** 2
print(f"integral of the density: {density.sum() * cell:.4f}")
print(f"score: {flow.score(X_test):.4f}, of the truth: {true_log_density.mean():.4f}")

# %%
# Marginal distributions
# ----------------------

from skjetsim.inspection import LatentDisplay, MarginalDisplay

_, axes = plt.subplots(2, 2, figsize=(10, 4.5), height_ratios=(3, 1), layout="constrained")
for feature, (ax, ratio_ax) in enumerate(axes.T):
    display = MarginalDisplay.from_samples(
        X_test[:, feature], generated[:, feature], name=f"$x_{feature}$"
    )
    display.plot(ax, ratio_ax=ratio_ax)

# %%
# Latent space
# ------------
#
# Events of the truth must become independent standard normals. What is left over in the pulls is
# what the flow has not learnt; the marginal distributions hide most of it.

LatentDisplay.from_estimator(flow, X_test).plot()

# %%
# Back and forth
# --------------
#
# The map is exact up to rounding in single precision, and ``sample`` is ``inverse_transform`` of
# normal noise.

latent = flow.transform(X_test)
print(f"{np.abs(flow.inverse_transform(latent) - X_test).max():.1e}")

plt.show()
