"""
Any law at theory level
=======================

The latent space of a variational autoencoder is a Gaussian because its loss needs a density. Sliced
distances only need samples. The theory level may be a ring or a set of islands, nobody has to write
down its density, and the encoder takes measured points back to it.
"""

# %%
# There are two theories, and one detector that shrinks and smears. Measured and generated points
# come from different events.

import matplotlib.pyplot as plt
import numpy as np

from skjetsim.metrics import sliced_wasserstein_distance
from skjetsim.transport import OTUSSimulator


def ring(n_points, rng):
    """Points about a circle."""
    angle = rng.uniform(-np.pi, np.pi, n_points)
    radius = rng.normal(1.0, 0.03, n_points)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def islands(n_points, rng):
    """Points about the corners of a hexagon."""
    angle = rng.integers(6, size=n_points) * np.pi / 3
    return np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(0, 0.05, (n_points, 2))


def detector(points, rng):
    """Shrinks, and smears by more than the ring is wide."""
    return 0.8 * points + rng.normal(0, 0.15, points.shape)


# %%
# The model is trained without pairs. The last 5,000 points of each level are for comparison. The
# scale is that of standard deviations, since a ring would become a square if each column were
# mapped to a normal.

N_TRAIN, N_TEST = 10_000, 5_000
rng = np.random.default_rng(0)
figure, rows = plt.subplots(2, 4, figsize=(12, 6), sharex=True, sharey=True)
for axes, prior in zip(rows, (ring, islands), strict=True):
    X = prior(N_TRAIN + N_TEST, rng)
    y = detector(prior(N_TRAIN + N_TEST, rng), rng)
    model = OTUSSimulator(
        residual=True, scale="standard", max_epochs=60, learning_rate=1e-2, random_state=0
    )
    model.fit(X[:N_TRAIN], y[:N_TRAIN])
    panels = {
        "X": X[N_TRAIN:],
        "E(y)": model.inverse_transform(y[N_TRAIN:]),
        "y": y[N_TRAIN:],
        "D(X)": model.transform(X[N_TRAIN:]),
    }
    for ax, (name, points) in zip(axes, panels.items(), strict=True):
        ax.hist2d(*points.T, bins=80, range=[(-1.5, 1.5)] * 2, cmap="magma")
        ax.set(aspect="equal", title=name)
    for truth, drawn, again in (
        ("X", "E(y)", prior(N_TEST, rng)),
        ("y", "D(X)", detector(prior(N_TEST, rng), rng)),
    ):
        distance, floor = (
            sliced_wasserstein_distance(panels[truth], points, scale="std", random_state=0)
            for points in (panels[drawn], again)
        )
        print(f"{prior.__name__}: {drawn} {distance:.4f} standard deviations, floor {floor:.4f}")
figure.tight_layout()
plt.show()
