"""
A density that samples: flow, latent space, log-likelihood
==========================================================

A normalizing flow learns p(x) as an invertible map from events to independent standard normal
numbers. As a scikit-learn estimator it gives events with ``sample``, log p(x) with
``score_samples``, the latent point of an event with ``transform`` and the event of a latent point
with ``inverse_transform``. Here the true density is known, so that all of them can be checked.
"""

# %%
# Points on a pinwheel
# --------------------
#
# No product of two distributions describes these two columns. They form five bent arms with a known
# density.

import numpy as np

from skjetsim.datasets import density_2d_log_prob, make_density_2d

X_train = make_density_2d("pinwheel", 10_000, random_state=0)
X_test = make_density_2d("pinwheel", 10_000, random_state=1)
true_log_density = density_2d_log_prob(X_test, "pinwheel")

# %%
# Fit, sample, score
# ------------------
#
# The flow is compared with two densities of scikit-learn, which are used in the same way. The
# bandwidth of the kernel has the best cross-validated likelihood, the number of Gaussians has the
# lowest BIC.

import matplotlib.pyplot as plt
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity

from skjetsim.flows import FlowGenerator

models = {
    "flow": FlowGenerator(hidden_features=(64, 64), max_epochs=20, random_state=0),
    "kernel density": KernelDensity(bandwidth=0.08),
    "mixture": GaussianMixture(25, random_state=0),
}
for model in models.values():
    model.fit(X_train)

grid = np.linspace(-4.5, 4.5, 120)
points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
densities = {"truth": np.exp(density_2d_log_prob(points, "pinwheel"))}
densities |= {name: np.exp(model.score_samples(points)) for name, model in models.items()}

_, axes = plt.subplots(1, 4, sharex=True, sharey=True, figsize=(12, 3.4), layout="constrained")
for ax, (name, density) in zip(axes, densities.items(), strict=True):
    mesh = ax.pcolormesh(
        grid, grid, density.reshape(len(grid), -1), vmin=0, vmax=densities["truth"].max()
    )
    ax.set(aspect="equal", xlabel="$x_0$", title=name)
axes[0].set_ylabel("$x_1$")
axes[0].figure.colorbar(mesh, ax=axes[-1], label="density", shrink=0.8)

# %%
# A density is normalised. On new events, no model can have a larger mean log-density than the
# truth. The difference is the Kullback-Leibler divergence. Here it is computed event by event, so
# that the fluctuations of the test sample cancel.

cell = (grid[1] - grid[0]) ** 2
for name, model in models.items():
    missing = true_log_density - model.score_samples(X_test)
    error = missing.std() / np.sqrt(len(missing))
    integral = densities[name].sum() * cell
    print(f"{name:15s} integral {integral:.3f}, divergence {missing.mean():.3f} +- {error:.3f}")

# %%
# Marginal distributions
# ----------------------

from skjetsim.inspection import LatentDisplay, MarginalDisplay

flow = models["flow"]
generated = flow.sample(10_000, random_state=0)

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
# Events of the truth must become independent standard normal numbers. The pulls show what the flow
# has not learnt. The marginal distributions hide most of it.

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
