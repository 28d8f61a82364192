"""Masses of a top pair from a lepton, missing momentum and four jets."""

import numpy as np

from skjetsim.preprocessing._base import EventTransformer
from skjetsim.utils._event_columns import join_name
from skjetsim.utils._four_vectors import energy, mass_of
from skjetsim.utils._parameters import check_real
from skjetsim.utils._top_pairs import (
    N_JETS,
    RESOLUTIONS,
    TOP_MASS,
    W_MASS,
    assign_jets,
    neutrino_pz,
)
from skjetsim.utils._validation import first_duplicate
from skjetsim.utils._with_parameters import with_parameters

_NAMES = (
    *("neutrino_pz", "hadronic_w_mass", "hadronic_top_mass", "leptonic_top_mass"),
    *("assignment_chi2", "top_pair_mass", "jets_mass", "jets_ht", "leading_jet_E"),
)

NO_TRANSVERSE = (
    "the lepton has no momentum across the beam (E is not above abs(pz)), so the momentum of the "
    "neutrino along it cannot be found. Rows of zeros are events that were not accepted; leave "
    "them out."
)


@with_parameters
class TopPairSolver(EventTransformer):
    """Find lepton, missing momentum and four jets of a top pair, and solve it.

    Parameters
    ----------
    lepton : str
        Name of the charged lepton, which has columns such as `electron_px`.
    met : str
        Name of the missing transverse momentum. Only its transverse components are read, so it may
        be a neutrino.
    jets : sequence of four str
        Names of the jets, in any order.
    w_mass : float
        Mass of the W, in GeV.
    top_mass : float
        Mass of the top, in GeV.
    resolutions : tuple of three float
        Resolutions of the masses of hadronic W, leptonic top and hadronic top, in GeV: the chi2 is
        the sum of squared deviations over them.
    """

    lepton: str = "electron"
    met: str = "met"
    jets: tuple = ("jet1", "jet2", "jet3", "jet4")
    w_mass: float = W_MASS
    top_mass: float = TOP_MASS
    resolutions: tuple = RESOLUTIONS

    def _find_objects(self, names):
        self._check_parameters()
        wanted = (self.lepton, self.met, *self.jets)
        if (twice := first_duplicate(wanted)) is not None:
            raise ValueError(f"{type(self).__name__}: lepton, met and jets name {twice!r} twice.")
        self._objects = {obj: self._components(obj) for obj in wanted}
        self._momenta(np.ones((1, len(names))))  # raises if columns are missing

    def _check_parameters(self):
        if isinstance(self.jets, str) or len(self.jets) != N_JETS:
            raise ValueError(f"jets must be the names of four jets, got {self.jets!r}.")
        if len(self.resolutions) != 3:
            raise ValueError(
                "resolutions must be three numbers, of hadronic W, leptonic top and hadronic top, "
                f"got {self.resolutions!r}."
            )
        masses = {"w_mass": self.w_mass, "top_mass": self.top_mass}
        for name, value in [*masses.items(), *(("resolutions", r) for r in self.resolutions)]:
            check_real(value, name, above=0, unit="GeV")

    def _momenta(self, values):
        """Lepton and jets as (px, py, pz, E), and the transverse missing momentum."""
        lepton, met, *jets = (
            self._event_object(obj, parts, values) for obj, parts in self._objects.items()
        )
        lepton, *jets = (np.array([o.px, o.py, o.pz, o.energy]) for o in (lepton, *jets))
        return lepton, np.array([met.px, met.py]), jets

    def _checked(self, values):
        """Momenta of events whose lepton gives the neutrino a solution."""
        lepton, met, jets = self._momenta(values)
        self._refuse(
            lepton[3] <= np.abs(lepton[2]), repr(join_name(self.lepton, "pz")), NO_TRANSVERSE
        )
        return lepton, met, jets

    def _assign(self, lepton, met, jets, pz):
        """Four-momentum of the neutrino with this pz, and what `assign_jets` returns."""
        neutrino = np.array([*met, pz, energy(*met, pz, 0.0)])
        expected = (self.w_mass, self.top_mass, self.top_mass)
        return neutrino, assign_jets(lepton, neutrino, jets, expected, self.resolutions)


@with_parameters
class TopPairFeatures(TopPairSolver):
    """Compute the masses of semileptonic top pairs, whose jets are not known by name.

    The neutrino's momentum along the beam follows from the mass of the W. Of the 12 ways to assign
    the four jets to the quarks, the one with the smallest chi2 is taken [1]_:

    chi2 = ((m_W - 80.4) / 10)^2 + ((m_t,lep - 172.5) / 5)^2 + ((m_t,had - 172.5) / 15)^2.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names seen in `fit`, if X had names.

    See Also
    --------
    KinematicFeatures : Masses of objects that are known by name, such as partons.
    skjetsim.datasets.generate_ttbar : Events to compute them of.

    Notes
    -----
    Columns of the output, all in GeV except the chi2:

    - `neutrino_pz`, the smaller of two solutions, or the real part of the complex ones;
    - `hadronic_w_mass`, `hadronic_top_mass`, `leptonic_top_mass` and `assignment_chi2` of the best
      assignment;
    - `top_pair_mass`, of lepton, neutrino and all jets;
    - `jets_mass`, `jets_ht` and `leading_jet_E`: mass of the four jets, scalar sum of their pT, and
      energy of the one with the largest pT.

    Choosing the best assignment pulls the first three masses towards the expected ones in any
    events, so a peak there does not show that the events are right. The last three columns need no
    assignment and no neutrino.

    Each object may have Cartesian or cylindrical columns, and other columns do not matter. A table
    without names is read as (px, py, pz) triples, "p0", "p1", ..., of massless objects. For masses
    and the columns themselves, take scikit-learn's
    ``FeatureUnion([("columns", "passthrough"), ("masses", TopPairFeatures())])``.

    References
    ----------
    .. [1] J. N. Howard, S. Mandt, D. Whiteson and Y. Yang, "Learning to simulate high energy
       particle collisions from unlabeled data", Sci. Rep. 12 (2022) 7567, arXiv:2101.08944.

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.preprocessing import TopPairFeatures
    >>> momenta = {"electron": (40, 0, 0), "met": (-40.4, 0), "jet1": (70, 0, 60),
    ...            "jet2": (-60, 40, 0), "jet3": (0, -70, 20), "jet4": (0, 30, -50)}
    >>> event = {f"{name}_{component}": [float(value)] for name, momentum in momenta.items()
    ...          for component, value in zip(("px", "py", "pz"), momentum)}
    >>> masses = TopPairFeatures().fit_transform(pd.DataFrame(event))
    >>> masses[["top_pair_mass", "jets_ht"]].round(1)
       top_pair_mass  jets_ht
    0          374.5    242.1
    """

    _reads_triples = True

    def _resolve(self, names):
        self._require_triple()
        self._find_objects(names)
        return list(_NAMES)

    def _forward(self, values):
        lepton, met, jets = self._checked(values)
        pz, _ = neutrino_pz(lepton, *met, self.w_mass)
        neutrino, (_, chi2, masses) = self._assign(lepton, met, jets, pz)
        w, leptonic, hadronic = masses
        all_jets = sum(jets)
        pt = np.array([np.hypot(jet[0], jet[1]) for jet in jets])
        leading = np.take_along_axis(np.array([jet[3] for jet in jets]), pt.argmax(axis=0)[None], 0)
        pair, together = mass_of(lepton + neutrino + all_jets), mass_of(all_jets)
        columns = (pz, w, hadronic, leptonic, chi2, pair, together, pt.sum(axis=0), leading[0])
        return np.column_stack(columns)
