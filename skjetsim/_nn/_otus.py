"""Two maps between unpaired levels, and the losses of a sliced-Wasserstein autoencoder."""

from dataclasses import dataclass

import torch
from torch import nn

from skjetsim._nn._bijections import wrap_angle
from skjetsim._nn._flow import Flow
from skjetsim._nn._invertible import mmd_of_rows
from skjetsim._nn._level import Columns
from skjetsim._nn._sliced_wasserstein import (
    random_directions,
    sharpen_directions,
    sliced_wasserstein,
)
from skjetsim._nn._transport_map import TransportMap, gaussian_log_prob
from skjetsim._nn.training._network import Network


@dataclass(frozen=True)
class Losses:
    """How distributions are compared.

    Attributes
    ----------
    latent_loss : {"sliced_wasserstein", "mmd", "kl"}
        Distance of encoded events from theory-level events.
    p : {1, 2}
        Power of the distances along slices.
    n_slices, n_learned_slices : int
        Numbers of random directions, and of directions rotated towards the largest distance.
    marginal_weight : float
        Weight of the mean distance along single columns.
    observable_weight : float
        Weight of the mean distance along single observables.
    anchors : list of (list of int, list of int), callable or None
        Columns of a vector on either level whose direction is kept. Or a callable that takes the
        `Columns` of both levels and gives the cost of each row. None costs the squared steps of
        shared columns.
    thresholds : list of (px, py, threshold) or (pt, None, threshold)
        Lowest transverse momenta at detector level. Columns are given by position.
    """

    latent_loss: str = "sliced_wasserstein"
    p: int = 2
    n_slices: int = 1000
    n_learned_slices: int = 0
    marginal_weight: float = 0.0
    observable_weight: float = 0.0
    anchors: object = None
    thresholds: tuple = ()


@dataclass(frozen=True)
class Stage:
    """Maps that a stage trains, and the weights of its losses."""

    train: str = "both"
    data_weight: float = 1.0
    latent_weight: float = 1.0
    simulated_weight: float = 0.0
    anchor_weight: float = 0.0
    paired_weight: float = 1.0

    @property
    def needs_simulated(self):
        """Whether any loss of the stage needs simulated events, D(X)."""
        return self.train != "encoder" and (self.simulated_weight > 0 or self.anchor_weight > 0)


class OTUS(Network):
    """Encoder (detector to theory level) and decoder (back), trained on unpaired events.

    Parameters
    ----------
    theory, measured : Level
    encoder, decoder : dict
        Arguments of `TransportMap` after the first.
    losses : Losses
    shared : list of (int, int, float, bool)
        Columns of theory and measured level with the same name, their unit, and whether they are
        angles. They determine the cost of moving an event.
    prior : dict, optional
        Settings of `Flow` for the free theory columns, and their `center` and `scale`. It is needed
        if `latent_loss` is "kl".
    """

    def __init__(self, theory, measured, encoder, decoder, losses, shared, prior=None):
        super().__init__()
        center, scale, flow = [], [], None
        if prior is not None:
            settings = dict(prior)
            center, scale = settings.pop("center"), settings.pop("scale")
            flow = Flow(len(center), 0, **settings)
        self.theory, self.measured = theory, measured
        self.encoder = TransportMap(measured.features, **encoder)
        self.decoder = TransportMap(theory.features, **decoder)
        self.terms, self.stage = losses, Stage()
        for name, position in (("theory", 0), ("measured", 1)):
            columns = torch.tensor([pair[position] for pair in shared], dtype=torch.long)
            self.register_buffer(f"{name}_shared", columns, persistent=False)
        unit = torch.tensor([pair[2] for pair in shared], dtype=torch.float32)
        angle = torch.tensor([pair[3] for pair in shared], dtype=torch.bool)
        self.register_buffer("shared_unit", unit, persistent=False)
        self.register_buffer("shared_angle", angle, persistent=False)
        self.prior = flow
        self.register_buffer("prior_center", torch.tensor(center), persistent=False)
        self.register_buffer("prior_scale", torch.tensor(scale), persistent=False)
        n_learned = losses.n_learned_slices
        for name, level in (("theory", theory), ("measured", measured)):
            directions = torch.randn(n_learned, level.n_features)
            directions = nn.functional.normalize(directions, dim=1)
            self.register_buffer(f"{name}_directions", directions)

    # Drawing.

    def simulate(self, theory, noise):
        """Detector-level events for theory-level events."""
        return self.decoder(theory, noise)

    def unfold(self, measured, noise):
        """Theory-level events for detector-level events."""
        return self.encoder(measured, noise)

    # Training.

    def groups(self):
        """Parameters of the maps that the stage trains."""
        train = self.stage.train
        maps = [getattr(self, name) for name in ("encoder", "decoder") if train in ("both", name)]
        return {"loss": [{"params": [p for part in maps for p in part.parameters()]}]}

    def losses(self, step, batch, generator):
        """Losses of the stage for theory and measured events, and for pairs if there are any."""
        theory, measured, *pairs = batch.inputs
        stage, losses, anchors = self.stage, {}, 0.0
        if stage.train != "decoder":
            noise = self._noise(self.encoder, len(measured), generator, measured.device)
            encoded, log_width = self.encoder.with_log_width(measured, noise)
            if stage.latent_weight > 0:
                latent = self._latent_loss(theory, encoded, noise, log_width, generator)
                losses["latent_loss"] = stage.latent_weight * latent
            anchors = anchors + self._anchor_loss(encoded, measured)
        if stage.train == "both" and stage.data_weight > 0:
            data = self._data_loss(measured, encoded, generator)
            losses["data_loss"] = stage.data_weight * data
        if stage.needs_simulated:
            drawn = self._draw(self.decoder, theory, generator)
            anchors = anchors + self._anchor_loss(theory, drawn)
            if stage.simulated_weight > 0:
                distance = self._distance("measured", drawn, measured, generator)
                losses["simulated_loss"] = stage.simulated_weight * distance
        if stage.anchor_weight > 0:
            losses["anchor_loss"] = stage.anchor_weight * anchors
        if pairs and stage.paired_weight > 0:
            losses["paired_loss"] = stage.paired_weight * self._paired_loss(*pairs, generator)
        return losses

    def check_epoch(self, entries):
        """Raise if no reconstructed event passed the thresholds."""
        if entries.get("passing_rate") == 0.0:
            raise ValueError(
                f"no reconstructed event passes the thresholds in epoch {entries['epoch']}: "
                "passing rate 0. Thresholds are in the units of y: lower them, or train a first "
                "stage with data_weight=0."
            )

    @staticmethod
    def _noise(transport, n_rows, generator, device):
        return torch.randn(n_rows, transport.n_noise, generator=generator).to(device)

    def _draw(self, transport, events, generator):
        return transport(events, self._noise(transport, len(events), generator, events.device))

    def _latent_loss(self, theory, encoded, noise, log_width, generator):
        if self.terms.latent_loss == "kl":
            return self._divergence(encoded, noise, log_width)
        if self.terms.latent_loss == "mmd":
            features = self.theory.features(encoded), self.theory.features(theory)
            return mmd_of_rows(*features, None).mean()
        return self._distance("theory", encoded, theory, generator)

    def _divergence(self, encoded, noise, log_width):
        """KL divergence of the encoder's Gaussian from the prior, up to a constant of the units."""
        columns = (encoded[:, self.encoder.layout.free] - self.prior_center) / self.prior_scale
        return (gaussian_log_prob(noise, log_width) - self.prior.log_prob(columns)).mean()

    def _distance(self, name, drawn, true, generator):
        """Distance of features along random directions, learnt directions and axes."""
        level, losses = getattr(self, name), self.terms
        drawn, true = level.features(drawn), level.features(true).detach()
        device, n_features = drawn.device, level.n_features
        learned = self._learned_directions(name, drawn, true)
        n_random = losses.n_slices + len(learned)
        directions = [random_directions(losses.n_slices, n_features, generator, device), learned]
        weights = [drawn.new_full((n_random,), 1 / max(n_random, 1))]
        axes = torch.eye(n_features, device=device)
        for weight, columns in (
            (losses.marginal_weight, slice(level.n_columns)),
            (losses.observable_weight, slice(level.n_columns, None)),
        ):
            chosen = axes[columns]
            if weight > 0 and len(chosen):
                directions.append(chosen)
                weights.append(drawn.new_full((len(chosen),), weight / len(chosen)))
        return sliced_wasserstein(
            drawn, true, torch.cat(directions), p=losses.p, weights=torch.cat(weights)
        )

    def _learned_directions(self, name, drawn, true):
        directions = getattr(self, f"{name}_directions")
        if self.training and len(directions):
            directions.copy_(sharpen_directions(directions, drawn, true, p=self.terms.p))
        return directions

    def _data_loss(self, measured, encoded, generator):
        """Squared error of D(E(y)) for events that pass the thresholds, over the passing rate."""
        again = self._draw(self.decoder, encoded, generator)
        free = self.decoder.layout.free
        gap = again[:, free] - measured[:, free]
        gap = torch.where(self.decoder.angle, wrap_angle(gap), gap)
        error = (gap / self.decoder.step).square().mean(dim=1)
        if not self.terms.thresholds:
            return error.mean()
        passed = self._passes(again.detach())
        rate = passed.mean()
        self.log("passing_rate", passed)
        return (error * passed).sum() / passed.sum().clamp_min(1) / rate.clamp_min(1e-12)

    def _passes(self, measured):
        """1 for events with all transverse momenta above their thresholds, 0 for others."""
        passed = torch.ones(len(measured), dtype=torch.bool, device=measured.device)
        for first, second, threshold in self.terms.thresholds:
            pt = measured[:, first]
            if second is not None:
                pt = torch.hypot(pt, measured[:, second])
            passed &= pt > threshold
        return passed.float()

    def _anchor_loss(self, theory, measured):
        if self.stage.anchor_weight == 0:
            return 0.0
        anchors = self.terms.anchors
        if callable(anchors):
            sides = Columns(theory, self.theory.names), Columns(measured, self.measured.names)
            return anchors(*sides).mean()
        if anchors is None:
            return self._steps(theory, measured).square().mean()
        cosines = [
            nn.functional.cosine_similarity(theory[:, ours], measured[:, theirs], dim=1)
            for ours, theirs in anchors
        ]
        return sum((1 - cosine).mean() for cosine in cosines)

    def _steps(self, theory, measured):
        """Steps from theory to measured events in shared columns, in the unit of each column."""
        way = measured[:, self.measured_shared] - theory[:, self.theory_shared]
        return torch.where(self.shared_angle, wrap_angle(way), way) / self.shared_unit

    def _paired_loss(self, theory, measured, generator):
        loss = 0.0
        if self.stage.train != "encoder":
            loss = loss + self._energy_score(self.decoder, theory, measured, generator)
        if self.stage.train != "decoder":
            loss = loss + self._energy_score(self.encoder, measured, theory, generator)
        return loss

    def _energy_score(self, transport, given, true, generator):
        """Energy score of two draws per pair. The conditional distribution has the lowest."""
        draws = [self._draw(transport, given, generator) for _ in range(2)]
        level = self.measured if transport is self.decoder else self.theory
        free, step = transport.layout.free, transport.step

        def gap(a, b):
            way = a[:, free] - b[:, free]
            way = torch.where(transport.angle, wrap_angle(way), way) / step
            seen = level.features(a)[:, level.n_columns :] - level.features(b)[:, level.n_columns :]
            return torch.cat([way, seen], dim=1)

        def cost(way):  # of the whole event, and of each column for the noise of that column
            return (way.square().sum(dim=1) + 1e-12).sqrt() + way.abs().sum(dim=1)

        accuracy = 0.5 * (cost(gap(draws[0], true)) + cost(gap(draws[1], true)))
        return (accuracy - 0.5 * cost(gap(*draws))).mean()
