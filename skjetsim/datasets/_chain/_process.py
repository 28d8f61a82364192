"""What tells one process from another; the rest of the chain is shared."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np

from skjetsim.datasets._chain._jets import Jets
from skjetsim.datasets._chain._particles import Particles, direction, renumbered

# Roles of particles that are not among the process's numbered leptons.
OTHER = -1
PILEUP = -2

# The loose selection of leptons at generator level.
LEPTON_PT_MIN = 10.0
LEPTON_ETA_MAX = 2.5

# If so many events are dropped one after another, a selection counts as impossible.
MAX_DROPPED = 5000


@dataclass(frozen=True)
class GeneratedEvents:
    """Generated events that pass the selection of a process.

    `particles` are the stable ones. `role` says what each of them is: the number of one of the
    process's leptons, `OTHER` or `PILEUP`. `columns` holds the arrays that the user gets, with one
    row per event. If the process has `jets`, reconstructed jets are matched to them.
    """

    n_events: int
    particles: Particles
    role: np.ndarray
    columns: dict
    jets: Jets | None = None

    @property
    def has_pileup(self):
        """Whether any event has particles of another collision."""
        return bool((self.role == PILEUP).any())


class Process(ABC):
    """A hard process, the selection of its events, and what is reconstructed of them.

    Subclasses are frozen dataclasses. They have a `title`, a `description`, which is a file in
    ``descr``, and Pythia's `settings` in addition to those of all processes. `options` are the
    names of the fields that a user chooses.
    """

    title: str
    description: str
    settings: tuple
    options: tuple = ()

    def user_hooks(self):
        """Pythia's hooks that drop events before more time is spent on them, or None."""
        return None

    @abstractmethod
    def select(self, record):
        """Select events of a :class:`Record` and compute their columns."""

    @abstractmethod
    def reconstruct(self, events, flow, role, card, rng):
        """Arrays with one row per event, from the energy-flow objects of a detector pass.

        `role` is the role of the particle that left each object of `flow`. If an event is not
        accepted, its row is zeros.
        """


@dataclass(frozen=True)
class Lepton:
    """A charged lepton of the decay: the prefix of its columns, and its PDG numbers.

    With two numbers, both charges are allowed.
    """

    name: str
    pdg_ids: tuple

    @property
    def kind(self):
        """Prefix of the lepton's fields in a detector card."""
        return {11: "electron", 13: "muon"}[abs(self.pdg_ids[0])]


def number_leptons(record, leptons=(), parent=None):
    """Role of each stable particle: its number in `leptons` if `parent`, a PDG number, made it."""
    role = np.full(len(record.stable_index), OTHER)
    pdg_id = record.entries.pdg_id[record.stable_index]
    for number, lepton in enumerate(leptons):
        alike = np.flatnonzero(np.isin(pdg_id, lepton.pdg_ids))
        made_by = np.abs(record.maker(record.stable_index[alike]))
        role[alike[made_by == parent]] = number
    return role


def in_acceptance(momenta):
    """Whether leptons pass the loose selection; the last axis begins with px, py and pz."""
    hard = np.hypot(momenta[..., 0], momenta[..., 1]) > LEPTON_PT_MIN
    return hard & (np.abs(direction(momenta)[0]) < LEPTON_ETA_MAX)


def keep_events(record, kept, columns, jets=None, role=None):
    """Events of a record, by their numbers; `columns` and `jets` have one row for each of them."""
    role = number_leptons(record) if role is None else role
    event = renumbered(record.stable.event, kept)
    inside = event >= 0
    particles = replace(record.stable, event=event).select(inside)
    if jets is not None:
        jets = replace(jets, event=np.arange(len(kept)))
    return GeneratedEvents(len(kept), particles, role[inside], columns, jets)


def veto_hooks(title, *, process_level=None, parton_level=None, shower=None, scale=0.0):
    """Pythia's hooks that drop events before more time is spent on them.

    They count the events that are dropped one after another, and raise an error after too many.
    Pythia would go on forever inside one call.

    Parameters
    ----------
    title : str
        Title of the process.

    process_level, parton_level : callable or None, default=None
        ``drop(record)``, whether to drop an event by its hard process or by its partons.

    shower : callable or None, default=None
        ``drop(position, record)``. It is asked once, when the shower has come down to a pT of
        `scale`.

    scale : float, default=0.0
        pT in GeV.
    """
    import pythia8mc

    levels = {"ProcessLevel": process_level, "PT": shower, "PartonLevel": parton_level}
    levels = {level: drop for level, drop in levels.items() if drop is not None}
    n_dropped = 0

    def counted(level):
        def veto(_, *arguments):
            nonlocal n_dropped
            dropped = levels[level](*arguments)
            # An event passes if it is not dropped at the last level.
            n_dropped = 0 if level == list(levels)[-1] and not dropped else n_dropped + dropped
            if n_dropped == MAX_DROPPED:
                raise ValueError(
                    f"None of the last {MAX_DROPPED} events could become a {title} event that "
                    "passes: the settings and the selection exclude each other, or nearly do."
                )
            return dropped

        return veto

    methods = {"scaleVetoPT": lambda _: scale}
    for level in levels:
        methods |= {f"canVeto{level}": lambda _: True, f"doVeto{level}": counted(level)}
    return type("Veto", (pythia8mc.UserHooks,), methods)()
