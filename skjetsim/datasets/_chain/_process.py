"""What tells one process from another; the rest of the chain is shared."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np

from skjetsim.datasets._chain._jets import Jets
from skjetsim.datasets._chain._particles import Particles, renumbered

# Roles of particles that are not among the process's numbered leptons.
OTHER = -1
PILEUP = -2

# Events dropped one after another, after which a selection counts as impossible.
MAX_DROPPED = 5000


@dataclass(frozen=True)
class GeneratedEvents:
    """Generated events that pass the selection of a process.

    `particles` are the stable ones. `role` says what each of them is: the number of one of the
    process's leptons, `OTHER`, or `PILEUP`. `columns` holds arrays of one row per event, which the
    user gets. Reconstructed jets are matched to `jets`, if the process has any.
    """

    n_events: int
    particles: Particles
    role: np.ndarray
    columns: dict
    jets: Jets | None = None

    @property
    def has_pileup(self):
        """Whether an event has particles of another collision."""
        return bool((self.role == PILEUP).any())


class Process(ABC):
    """A hard process, the selection of its events, and what is reconstructed of them.

    Subclasses are frozen dataclasses. They have a `title`, a file `description` in ``descr``,
    Pythia's `settings` in addition to those of all processes, and the names of the fields that a
    user chooses, `options`.
    """

    title: str
    description: str
    settings: tuple
    options: tuple = ()

    def user_hooks(self, pythia8mc):
        """Pythia's hooks that drop events before more time is spent on them, or None."""
        return None

    @abstractmethod
    def select(self, record):
        """Select events of a :class:`Record` and compute their columns."""

    @abstractmethod
    def reconstruct(self, events, flow, role, card, rng):
        """Arrays of one row per event from the energy-flow objects of a detector pass.

        `role` is the role of the particle that left each object of `flow`. Rows of events that are
        not accepted are zeros.
        """


@dataclass(frozen=True)
class Lepton:
    """A charged lepton of the decay: the prefix of its columns and its PDG numbers.

    Two numbers allow both charges.
    """

    name: str
    pdg_ids: tuple

    @property
    def kind(self):
        """Prefix of the lepton's fields in a detector card."""
        return {11: "electron", 13: "muon"}[abs(self.pdg_ids[0])]


def number_leptons(record, leptons, parent):
    """Role of each stable particle: its number in `leptons`, if `parent` (a PDG number) made it."""
    role = np.full(len(record.stable_index), OTHER)
    pdg_id = record.entries.pdg_id[record.stable_index]
    for number, lepton in enumerate(leptons):
        alike = np.flatnonzero(np.isin(pdg_id, lepton.pdg_ids))
        made_by = np.abs(record.maker(record.stable_index[alike]))
        role[alike[made_by == parent]] = number
    return role


def keep_events(record, role, kept, columns, jets=None):
    """Events in `kept` of a record; `columns` and `jets` have one row for each of them."""
    event = renumbered(record.stable.event, kept)
    inside = event >= 0
    particles = replace(record.stable, event=event).select(inside)
    if jets is not None:
        jets = replace(jets, event=np.arange(len(kept)))
    return GeneratedEvents(len(kept), particles, role[inside], columns, jets)


class VetoCount:
    """Counts events that a hook drops one after another, and raises after too many of them.

    Pythia would go on forever inside one call.
    """

    def __init__(self, title):
        self.title = title
        self.n_dropped = 0

    def __call__(self, drop):
        """Count an event, and return `drop`, whether the hook drops it."""
        self.n_dropped = self.n_dropped + 1 if drop else 0
        if self.n_dropped == MAX_DROPPED:
            raise ValueError(
                f"None of the last {MAX_DROPPED} events could become a {self.title} event that "
                "passes: the settings and the selection exclude each other, or nearly do."
            )
        return drop


def veto_hooks(pythia8mc, *, process_level=None, parton_level=None, shower=None, scale=0.0):
    """Pythia's hooks that drop events before more time is spent on them.

    Parameters
    ----------
    pythia8mc : module

    process_level, parton_level : callable or None, default=None
        ``drop(record)``, whether to drop an event by its hard process or by its partons.

    shower : callable or None, default=None
        ``drop(position, record)``, asked once, when the shower has come down to a pT of `scale`.

    scale : float, default=0.0
        pT in GeV.
    """

    class Veto(pythia8mc.UserHooks):
        def canVetoProcessLevel(self):  # noqa: N802
            return process_level is not None

        def doVetoProcessLevel(self, record):  # noqa: N802
            return process_level(record)

        def canVetoPartonLevel(self):  # noqa: N802
            return parton_level is not None

        def doVetoPartonLevel(self, record):  # noqa: N802
            return parton_level(record)

        def canVetoPT(self):  # noqa: N802
            return shower is not None

        def scaleVetoPT(self):  # noqa: N802
            return scale

        def doVetoPT(self, position, record):  # noqa: N802
            return shower(position, record)

    return Veto()
