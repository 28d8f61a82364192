"""
From Pythia to a file to a fitted pipeline
==========================================

Collisions are generated with Pythia 8, pass a parametric detector and are written to a ROOT file,
which any tool of the field reads. From the file, a pipeline learns what the detector did:
four-momenta of the electrons of a Z at parton level in, reconstructed four-momenta out.
"""

# %%
# Generate
# --------
#
# One call runs the whole chain: hard process, parton showers, multiparton interactions,
# hadronisation, detector, reconstruction. A row is an event. `data` has its partons, and `target`
# has the reconstructed objects. The same seed gives the same events on any number of workers.

from skjetsim.datasets import generate_zee

events = generate_zee(2_500, random_state=0)
events.data.head(3)

# %%
# Events that the detector does not accept are rows of zeros in `target`. An efficiency describes
# them. The response is learnt from the others.

X, y = (table[events.accepted].reset_index(drop=True) for table in (events.data, events.target))
f"{len(X)} of {len(events.data)} events are accepted"

# %%
# Keep
# ----
#
# With two tables, columns become ``gen_<name>`` and ``reco_<name>`` in the file, which also has
# their units. If the file cannot be written completely, it is not written at all, and an older file
# of that name stays as it was.

import tempfile
from pathlib import Path

from skjetsim.io import iter_events, read_events, write_events

folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "zee.root"
write_events(path, X, y, units="GeV", description="Z -> ee, 13 TeV")

table = read_events(path, columns=["gen_electron_px", "reco_electron_px", "reco_electron_E"])
table.attrs["units"]

# %%
# A file larger than the memory can be read in chunks.

[chunk.shape for chunk in iter_events(path, chunk_size=1_000)]

# %%
# Fit
# ---
#
# The model need not learn what is known. Electrons are light, so their energy follows from their
# momentum: ``MassShellTransformer`` drops the energy and restores it. A detector measures
# transverse momentum and direction, each with a resolution of its own: ``CartesianToCylindrical``.
# The resolution of the former is relative to its size: ``LogTransformer``. A detector changes an
# event little: ``ResidualTransformer``.

from sklearn.pipeline import make_pipeline

import skjetsim
from skjetsim.compose import ResidualTransformer, TransformedSimulator
from skjetsim.flows import FlowSimulator
from skjetsim.preprocessing import CartesianToCylindrical, LogTransformer, MassShellTransformer

X, y = read_events(path, return_X_y=True)
n_train = 2 * len(X) // 3
electrons = ["electron", "positron"]


def coordinates():
    """Four-momenta as (log pT, eta, phi)."""
    return [
        MassShellTransformer(dict.fromkeys(electrons, 5.11e-4)),
        CartesianToCylindrical(electrons),
        LogTransformer([f"{name}_pt" for name in electrons]),
    ]


model = make_pipeline(
    *coordinates(),
    TransformedSimulator(
        FlowSimulator(max_epochs=40, batch_size=128, random_state=0),
        [*coordinates(), ResidualTransformer()],
    ),
)
model.set_output(transform="pandas")
model.fit(X[:n_train], y[:n_train])

# %%
# Look
# ----
#
# The response of the electron's pT has a tail to low values, from electrons that radiated a photon
# outside their cluster. It causes the tail below the peak of the Z in the mass of the pair.

import matplotlib.pyplot as plt

from skjetsim.inspection import MarginalDisplay, ResponseDisplay
from skjetsim.preprocessing import KinematicFeatures

X_test, y_test = X[n_train:], y[n_train:]
derived = KinematicFeatures(
    ["pt(electron)", "mass(electron, positron)", "pt(electron, positron)"], passthrough=False
).fit(y)

figure, axes = plt.subplots(
    2, 3, figsize=(13, 4.2), height_ratios=(3, 1), sharex="col", layout="constrained"
)
ResponseDisplay.from_estimator(
    model, X_test, y_test, feature="electron_pt", transformer=derived, bins=25, random_state=1
).plot(axes[:, 0])
for feature, column in zip(derived.get_feature_names_out()[1:], axes.T[1:], strict=True):
    MarginalDisplay.from_estimator(
        model, X_test, y_test, feature=feature, transformer=derived, bins=25, random_state=1
    ).plot(column[0], ratio_ax=column[1])

# %%
# The fitted pipeline can be saved too. After it is loaded, it draws the same events.

skjetsim.save(model, Path(folder.name) / "zee.skjetsim")
again = skjetsim.load(Path(folder.name) / "zee.skjetsim")
drawn = skjetsim.sample(again, X_test, random_state=2)
assert (drawn == skjetsim.sample(model, X_test, random_state=2)).all(axis=None)
folder.cleanup()

plt.show()
