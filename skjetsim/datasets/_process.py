"""What tells one process from another; the rest of the chain is shared."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lepton:
    """A charged lepton of the decay: the prefix of its columns and its PDG numbers.

    Two numbers stand for either charge.
    """

    name: str
    pdg_ids: tuple


@dataclass(frozen=True)
class Process:
    """A hard process with one jet beside the leptons that `parent` (a PDG number) decays to.

    `settings` are Pythia's, beyond those that all processes share; `description` is a file in
    ``descr``. Events with a lepton at an abs(eta) above `hard_eta_max` in the hard process are
    dropped before they are showered: initial-state radiation hardly ever brings it back.
    """

    title: str
    description: str
    settings: tuple
    parent: int
    leptons: tuple
    hard_eta_max: float

    @property
    def feature_names(self):
        """Columns of both levels: leptons in their order, jet, missing momentum."""
        momenta = [*(lepton.name for lepton in self.leptons), "jet"]
        names = [f"{name}_{component}" for name in momenta for component in ("px", "py", "pz")]
        return (*names, "jet_mass", "met_px", "met_py")
