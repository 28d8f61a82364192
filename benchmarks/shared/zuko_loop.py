"""The peer: a loop written with zuko alone, in the same coordinates and for the same time.

Residuals, or the columns themselves, and conditions are standardised. Angles enter as (cos, sin).
The model is a neural spline flow with couplings, trained by Adam in a loop until the time is up.
"""

import time

import numpy as np
import pandas as pd
import torch
import zuko
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skjetsim.compose import ResidualTransformer
from skjetsim.preprocessing import CartesianToCylindrical, LogTransformer, PhiRotation

BATCH = 1024


def coordinates():
    """(log pT, eta, phi) of muon and jet and the log mass, phi from the muon."""
    return make_pipeline(
        CartesianToCylindrical(["muon", "jet"]),
        LogTransformer(["muon_pt", "jet_pt", "jet_mass"]),
        PhiRotation("muon"),
    )


class ZukoLoop:
    """Conditional neural spline flow on standardised residuals.

    Parameters
    ----------
    seconds : float
        Time of training.
    raw : bool, default=False
        Learn the columns themselves instead of residuals.
    """

    def __init__(self, seconds, *, raw=False):
        self.seconds, self.raw = seconds, raw
        # Only the coordinates are taken from the package, so that both learn the same thing.
        make = FunctionTransformer if raw else coordinates
        self.coordinates_x, self.coordinates_y = make(), make()

    def _context(self, X):
        X = self.coordinates_x.transform(X)
        angles = X.filter(like="phi").to_numpy()
        rest = self.scale_x.transform(X.drop(columns=X.filter(like="phi").columns).to_numpy())
        columns = np.concatenate([rest, np.cos(angles), np.sin(angles)], axis=1)
        return torch.as_tensor(columns, dtype=torch.float32)

    def fit(self, X, y):
        """Train until the time is up."""
        gen = self.coordinates_x.fit_transform(X)
        reco = self.coordinates_y.fit_transform(y)
        self.columns = reco.columns
        plain = gen.drop(columns=gen.filter(like="phi").columns)
        self.scale_x = StandardScaler().fit(plain.to_numpy())
        target = reco.to_numpy()
        if not self.raw:
            self.residual = ResidualTransformer().fit(gen, reco)
            target = self.residual.transform_target(gen, reco)
        self.scale_y = StandardScaler().fit(target)
        target = torch.as_tensor(self.scale_y.transform(target), dtype=torch.float32)
        context = self._context(X)
        torch.manual_seed(0)
        self.flow = zuko.flows.NSF(
            target.shape[1],
            context.shape[1],
            transforms=3,
            bins=12,
            passes=2,
            hidden_features=(128, 128),
        )
        optimizer = torch.optim.Adam(self.flow.parameters(), lr=1e-3)
        stop, self.epochs = time.perf_counter() + self.seconds, 0
        while time.perf_counter() < stop:
            for rows in torch.randperm(len(target)).split(BATCH):
                optimizer.zero_grad()
                (-self.flow(context[rows]).log_prob(target[rows]).mean()).backward()
                torch.nn.utils.clip_grad_norm_(self.flow.parameters(), 5.0)
                optimizer.step()
            self.epochs += 1
        return self

    @torch.inference_mode()
    def sample(self, X):
        """Draw one event for each row."""
        parts = [self.flow(context).sample() for context in self._context(X).split(4096)]
        drawn = self.scale_y.inverse_transform(torch.cat(parts).double().numpy())
        gen = self.coordinates_x.transform(X)
        if not self.raw:
            drawn = self.residual.inverse_transform_target(gen, drawn)
        drawn = pd.DataFrame(drawn, columns=self.columns)
        return self.coordinates_y.inverse_transform(drawn)
