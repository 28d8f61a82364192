"""
Simulate and unfold without pairs
=================================

There are two samples, generated and measured, and nobody knows which event is which. Two maps are
trained until the distributions match: one simulates the detector, the other one unfolds it. The
model has never seen the width of the response. The width follows from the peak of the Z, since each
electron is drawn from itself alone.
"""

# %%
# The measured events are shuffled: no row belongs to its row of X any more.

import numpy as np
import pandas as pd

from skjetsim.datasets import load_zee
from skjetsim.inspection import MarginalDisplay, TransportPlanDisplay
from skjetsim.preprocessing import KinematicFeatures
from skjetsim.transport import make_zee_unpaired

X, y = load_zee(return_X_y=True)
X_train, X_test, y_test = X[:15_000], X[15_000:], y[15_000:]
y_train = y[:15_000].sample(frac=1, random_state=0).reset_index(drop=True)

# %%
# Ten epochs for this page; 120 are the default.

model = make_zee_unpaired(max_epochs=10, random_state=0).fit(X_train, y_train)

# %%
# The mass of the pair at detector level, and at theory level.

mass = KinematicFeatures(["mass(electron, positron)"], passthrough=False)
for truth, drawn, name in (
    (y_test, model.transform(X_test), "simulated mass [GeV]"),
    (X_test, model.inverse_transform(y_test), "unfolded mass [GeV]"),
):
    drawn = pd.DataFrame(drawn, columns=truth.columns)
    pair = (np.ravel(mass.fit_transform(events)) for events in (truth, drawn))
    MarginalDisplay.from_samples(*pair, name=name, bins=40, range=(60, 120)).plot()

# %%
# Where the model moves electrons, next to where they really went: here the pairs are known.

pt = KinematicFeatures(["pt(electron)"], passthrough=False)
TransportPlanDisplay.from_estimator(
    model,
    X_test,
    y_test,
    feature="electron_pt",
    transformer=pt,
    random_state=1,
    bins=np.linspace(10, 80, 36),
).plot()
