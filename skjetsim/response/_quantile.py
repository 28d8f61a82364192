"""QuantileSimulator: the fast simulation of arXiv:2010.01835, and quantiles joined by a copula."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skjetsim._angles import is_angle
from skjetsim._network_estimator import NetworkEstimator, check_widths
from skjetsim._sampling import CHUNK_ROWS, as_seed_sequence, draw_in_chunks
from skjetsim._validation import (
    check_int,
    check_same_events,
    check_sample_weight,
    refuse_count,
    validate_events,
    validate_target,
)
from skjetsim._weighted import weighted_quantile, weighted_std
from skjetsim.base import SimulatorMixin
from skjetsim.preprocessing import KinematicFeatures

__all__ = ["QuantileSimulator"]


class QuantileSimulator(SimulatorMixin, NetworkEstimator, BaseEstimator):
    def __init__(
        self,
        *,
        n_quantiles=None,
        derived_features=None,
        hidden_features=(100, 100),
        learning_rate=1e-3,
        batch_size=128,
        max_epochs=50,
        weight_decay=0.0,
        schedule="inverse_epoch",
        gradient_clip=None,
        ema_decay=None,
        validation_fraction=0.1,
        patience=None,
        checkpoint=None,
        device="auto",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.n_quantiles = n_quantiles
        self.derived_features = derived_features
        self.hidden_features = hidden_features
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.gradient_clip = gradient_clip
        self.ema_decay = ema_decay
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.checkpoint = checkpoint
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y, sample_weight=None):
        check_same_events(X, y)
        X = validate_events(self, X, reset=True, min_samples=2)
        y = validate_target(self, y, n_samples=len(X), reset=True)
        weight = check_sample_weight(sample_weight, len(X))
        if weight is not None:
            X, y, weight = X[weight > 0], y[weight > 0], weight[weight > 0]
        self._fit_response(X, y, weight)
        return self

    def _fit_response(self, X, y, weight):
        plan = self._training_plan(len(X))
        n_quantiles = self.n_quantiles
        if n_quantiles is not None:
            n_quantiles = check_int(n_quantiles, "n_quantiles", minimum=3)
        # Of the fit: parameters set afterwards belong to the next one, not to a saved network.
        self._architecture = {
            "n_quantiles": n_quantiles,
            "hidden_features": check_widths(self.hidden_features, "hidden_features"),
        }
        if len(X) < 2:
            raise ValueError(
                f"{type(self).__name__} needs two events of positive weight, got n_samples = "
                f"{len(X)}."
            )
        self._learn_inputs(X, weight)
        self.constants_ = y[0].copy()
        self.varying_ = (y != y[0]).any(axis=0)
        self._forget_fit()
        if not self.varying_.any():
            self.net_ = None
            return
        varying = y[:, self.varying_]
        self.target_mean_ = np.average(varying, axis=0, weights=weight)
        self.target_scale_ = weighted_std(varying, weight)
        scaled = self._scale_target(varying)
        if n_quantiles is not None:
            self._learn_marginal(scaled, weight)
        inputs = (scaled, self._inputs(X))
        self._train(plan, as_seed_sequence(self.random_state), inputs, weight)

    def _learn_inputs(self, X, weight):
        """Derived features, and how all columns are scaled for the network."""
        names = getattr(self, "feature_names_in_", None)
        self.features_ = None
        if self.derived_features is not None:
            self.features_ = KinematicFeatures(self.derived_features)
            table = X if names is None else pd.DataFrame(X[:1], columns=names)
            self.features_.set_output(transform="default").fit(table)
            names = self.features_.get_feature_names_out()
        columns = self._with_derived(X)
        names = names if names is not None else [""] * columns.shape[1]
        varying = (columns != columns[0]).any(axis=0)
        periodic = np.array([is_angle(name) for name in names])
        self.angle_columns_ = np.flatnonzero(varying & periodic)
        self.plain_columns_ = np.flatnonzero(varying & ~periodic)
        plain = columns[:, self.plain_columns_]
        self.input_mean_ = np.average(plain, axis=0, weights=weight)
        self.input_scale_ = weighted_std(plain, weight)

    def _with_derived(self, X):
        return X if self.features_ is None else self.features_._forward(X)

    def _inputs(self, X):
        columns = self._with_derived(X)
        angles = columns[:, self.angle_columns_]
        plain = (columns[:, self.plain_columns_] - self.input_mean_) / self.input_scale_
        return np.concatenate([plain, np.cos(angles), np.sin(angles)], axis=1)

    def _scale_target(self, y):
        return (y - self.target_mean_) / self.target_scale_

    def _learn_marginal(self, scaled, weight):
        from scipy.special import ndtr

        from skjetsim._nn import normal_knots

        knots = normal_knots(self._architecture["n_quantiles"]).numpy()
        self.reach_ = float(-ndtri(0.5 / len(scaled)))
        self.marginal_ = np.stack(
            [
                np.concatenate(
                    [[column.min()], weighted_quantile(column, ndtr(knots), weight), [column.max()]]
                )
                for column in scaled.T
            ]
        )

    def _build_module(self, generator):
        import torch

        from skjetsim._nn import build_gaussian_response, build_quantile_response, normal_knots

        n_context = len(self.plain_columns_) + 2 * len(self.angle_columns_)
        hidden = self._architecture["hidden_features"]
        n_quantiles = self._architecture["n_quantiles"]
        if n_quantiles is None:
            return build_gaussian_response(
                int(self.varying_.sum()), n_context, hidden_features=hidden, generator=generator
            )
        return build_quantile_response(
            n_context,
            hidden_features=hidden,
            knots=normal_knots(n_quantiles),
            marginal=torch.from_numpy(self.marginal_),
            reach=self.reach_,
            generator=generator,
        )

    def sample(self, X, *, n_samples=None, random_state=None):
        check_is_fitted(self)
        refuse_count(self, X)
        events = validate_events(self, X, reset=False, min_samples=0)
        repeats = 1 if n_samples is None else check_int(n_samples, "n_samples")
        drawn = self._draw(
            np.repeat(events, repeats, axis=0) if repeats > 1 else events, random_state
        )
        if n_samples is not None:
            return self._as_target(drawn.reshape(len(events), repeats, self.n_targets_))
        return self._as_target(drawn, X)

    def _draw(self, events, random_state):
        import torch

        n_noise = int(self.varying_.sum())

        def draw(generator, chunk):
            if self.net_ is None:
                return np.tile(self.constants_, (CHUNK_ROWS, 1))
            noise = torch.randn(CHUNK_ROWS, n_noise, generator=generator)
            rows = self._module_call("from_base", noise, self._inputs(chunk))
            return self._unscale(rows)

        return draw_in_chunks(
            draw,
            len(events),
            n_columns=len(self.varying_),
            random_state=random_state,
            inputs=events,
            n_jobs=self.n_jobs,
        )

    def _unscale(self, rows):
        rows *= self.target_scale_
        rows += self.target_mean_
        if self.varying_.all():
            return rows
        table = np.tile(self.constants_, (len(rows), 1))
        table[:, self.varying_] = rows
        return table

    def predict(self, X):
        check_is_fitted(self)
        refuse_count(self, X)
        X = validate_events(self, X, reset=False)
        if self.net_ is None:
            return self._as_target(np.tile(self.constants_, (len(X), 1)), X)
        return self._as_target(self._unscale(self._module_call("median", self._inputs(X))), X)

    def score_samples(self, X, y):
        check_is_fitted(self)
        X = validate_events(self, X, reset=False)
        y = validate_target(self, y, n_samples=len(X), reset=False)
        result = np.zeros(len(X))
        wrong = (y[:, ~self.varying_] != self.constants_[~self.varying_]).any(axis=1)
        if self.net_ is not None:
            scaled = self._scale_target(y[:, self.varying_])
            result = self._module_call("log_prob", scaled, self._inputs(X))
            result -= np.log(self.target_scale_).sum()
        result[wrong] = -np.inf
        return result
