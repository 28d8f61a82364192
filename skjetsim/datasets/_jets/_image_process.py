"""Processes with a trimmed jet of a W or of QCD, and its image."""

from dataclasses import dataclass

import numpy as np

from skjetsim.datasets._chain._jets import cluster
from skjetsim.datasets._chain._particles import at_events, delta_r, direction
from skjetsim.datasets._chain._process import Process, keep_events, veto_hooks
from skjetsim.datasets._chain._reconstruction import jet_energy_scale
from skjetsim.datasets._jets._kinds import HADRONIC_W, INVISIBLE_Z, KINDS, parton_jets
from skjetsim.datasets._jets._pixels import pixelate
from skjetsim.datasets._jets._process import hardest, matched_jets
from skjetsim.datasets._jets._substructure import tau21, trim

RADIUS = 1.0
PT_RANGE = (250.0, 300.0)
MASS_RANGE = (65.0, 95.0)
ETA_MAX = 2.0

PIXEL_OPTIONS = ("n_pixels", "half_width", "centre", "rotate", "flip")
IMAGE_COLUMNS = ["pt", "eta", "phi", "mass", "tau21", "outside_pt"]

SETTINGS = {
    # The published mass is not known; at this one, a W across the beam has 287 GeV.
    "w": (
        "NewGaugeBoson:ffbar2Wprime = on",
        "34:m0 = 600.",
        "Wprime:coup2WZ = 1.",
        "34:onMode = off",
        "34:onIfAll = 23 24",
        *INVISIBLE_Z,
        *HADRONIC_W,
    ),
    "qcd": ("HardQCD:all = on", "PhaseSpace:pTHatMin = 130."),
}

# Limits for an event whose shower has come down to this pT in GeV. A jet of QCD must then have a pT
# in the range, and a mass that does not come from soft radiation, which trimming removes.
_VETO_SCALE = 10.0
_VETO_PT = (235.0, 340.0)
_VETO_MASS = (35.0, 140.0)


@dataclass(frozen=True)
class JetImageProcess(Process):
    """Trimmed jets of one kind as images, at both levels."""

    kind: str
    n_pixels: int
    half_width: float
    centre: bool
    rotate: bool
    flip: bool
    normalise: bool = False

    description = "jet_images.rst"
    options = ("kind", *PIXEL_OPTIONS, "normalise")

    @property
    def title(self):
        """What is generated."""
        return {"w": "W jet image", "qcd": "QCD jet image"}[self.kind]

    @property
    def settings(self):
        """Pythia's settings."""
        return ("Beams:eCM = 14000.", *SETTINGS[self.kind])

    def user_hooks(self):
        """Drop dijets that will be out of range; a W hardly ever is."""
        if self.kind != "qcd":
            return None
        (pt_min, pt_max), (mass_min, mass_max) = _VETO_PT, _VETO_MASS

        def is_out_of_range(position, record):
            jets = parton_jets([particle for particle in record if particle.isFinal()], RADIUS)
            good = (pt_min < jet.pt() < pt_max and mass_min < jet.m() < mass_max for jet in jets)
            return not any(good)

        return veto_hooks(self.title, shower=is_out_of_range, scale=_VETO_SCALE)

    def select(self, record):
        """Find the leading jet, or the jet of the W, and trim it."""
        n_events, particles = record.n_events, record.stable.select(record.visible)
        jets, owner = cluster(particles, n_events, RADIUS)
        good = np.ones(len(jets.event), dtype=bool)
        if self.kind == "w":
            w_boson, _ = KINDS["w"].momenta(record)
            good = delta_r(jets.eta, jets.phi, *direction(w_boson[jets.event])) < RADIUS
        chosen = hardest(jets, good, n_events)
        event = np.flatnonzero((chosen >= 0) & (jets.pt[chosen] > PT_RANGE[0]))
        trimmed = trim(particles, owner, jets, chosen[event])
        jet = trimmed.jets
        kept = (jet.pt > PT_RANGE[0]) & (jet.pt < PT_RANGE[1]) & (np.abs(jet.eta) < ETA_MAX)
        kept &= (jet.mass > MASS_RANGE[0]) & (jet.mass < MASS_RANGE[1])
        images, table = self._image(trimmed, np.ones(len(event)))
        columns = {"data": images[kept], "jets": table[kept]}
        return keep_events(record, event[kept], columns, jet.select(kept))

    def reconstruct(self, events, flow, role, card, rng):
        """Find and trim the jet near the generated one.

        Returns ``target``: its image; ``jets``; and ``accepted``.
        """
        n_events = events.n_events
        jets, owner = cluster(flow, n_events, RADIUS)
        chosen = matched_jets(jets, events, card)
        event = np.flatnonzero(chosen >= 0)
        trimmed = trim(flow, owner, jets, chosen[event])
        jet = trimmed.jets
        factor = jet_energy_scale(jet.pt, jet.eta, card)
        images, table = self._image(trimmed, factor)
        table[:, _IN_GEV] *= factor[:, None]
        hard = table[:, 0] > card.jet_pt_min
        found = {"target": images, "jets": table, "accepted": np.ones(len(event), dtype=bool)}
        return {name: at_events(rows[hard], event[hard], n_events) for name, rows in found.items()}

    def _image(self, trimmed, factor):
        """Images, in GeV times a `factor` for each or normalised, and the columns of `jets`."""
        particles, jets = trimmed.particles, trimmed.jets
        own = np.column_stack([jets.eta, jets.phi])[:, None]
        axes = np.concatenate([own, trimmed.axes], axis=1)
        steps = {name: getattr(self, name) for name in PIXEL_OPTIONS}
        points = particles.eta, particles.phi, particles.pt, particles.event
        images, outside = pixelate(*points, axes, **steps)
        images *= factor[:, None, None]
        if self.normalise:
            norm = np.sqrt(np.square(images).sum(axis=(1, 2), keepdims=True))
            images /= np.where(norm > 0, norm, 1.0)
        ratio = tau21(particles, jets)
        return images, np.column_stack([jets.pt, jets.eta, jets.phi, jets.mass, ratio, outside])


_IN_GEV = [IMAGE_COLUMNS.index(name) for name in ("pt", "mass", "outside_pt")]
