"""Top pairs that decay to an electron and four quarks, as partons and as jets."""

from dataclasses import dataclass

import numpy as np

from skjetsim.datasets._bundled import load_pair
from skjetsim.datasets._chain._events import generate_tables
from skjetsim.datasets._chain._generator import generator
from skjetsim.datasets._chain._particles import component_names, delta_r, direction, hardest_momenta
from skjetsim.datasets._chain._process import (
    Lepton,
    Process,
    in_acceptance,
    keep_events,
    number_leptons,
)
from skjetsim.datasets._chain._reconstruction import find_jets, find_leptons, missing_momentum
from skjetsim.utils._parameters import check_real

# PDG numbers: W- -> e- and antineutrino, W+ -> u and anti-d.
PARTONS = {"electron": 11, "antineutrino": -12, "b": 5, "antib": -5, "u": 2, "antid": -1}
QUARKS = slice(2, 6)
N_JETS = 4

ELECTRON = Lepton("electron", (11,))
ELECTRON_MASS = 0.000510999


@dataclass(frozen=True)
class TopPair(Process):
    """Top pairs of one semileptonic final state.

    If `jet_pt_min` is above zero, events with four jets above it and no fifth one are accepted.
    Otherwise the leading four of any number are taken.
    """

    jet_pt_min: float

    title = "top pair"
    description = "ttbar.rst"
    options = ("jet_pt_min",)
    settings = (
        "Top:gg2ttbar = on",
        "Top:qqbar2ttbar = on",
        "6:onMode = off",
        "6:onIfMatch = 5 24",
        "24:onMode = off",
        "24:onPosIfMatch = 2 -1",
        "24:onNegIfMatch = 11 -12",
    )
    feature_names = component_names(PARTONS)
    target_names = component_names(["electron", "met", *(f"jet{i + 1}" for i in range(N_JETS))])

    def select(self, record):
        """Apply the loose selection and collect the partons.

        Only the electron is selected. Cuts on quarks would remove as large a part of the accepted
        events as of all events, since a jet of initial-state radiation replaces a lost one.
        """
        partons, complete = _partons(record)
        electron = partons[:, list(PARTONS).index("electron")]
        kept = np.flatnonzero(complete & in_acceptance(electron))
        data = partons.reshape(record.n_events, -1)[kept]
        role = number_leptons(record, (ELECTRON,), parent=24)
        return keep_events(record, kept, {"data": data}, role=role)

    def reconstruct(self, events, flow, role, card, rng):
        """Find electron, missing momentum and jets.

        Returns ``target``; ``n_jets``: the number of jets if an electron is reconstructed;
        ``accepted``: whether there are an electron and the right number of jets; and ``matched``:
        whether each quark is also near a jet of its own.
        """
        n_events = events.n_events
        electron, found = find_leptons(flow, role, (ELECTRON,), n_events, card, rng)
        jets = find_jets(flow.select(role < 0), electron, n_events, card, events.has_pileup)
        jets = jets.select((jets.pt > self.jet_pt_min) & found[jets.event])
        n_jets = np.bincount(jets.event, minlength=n_events)
        accepted = n_jets == N_JETS if self.jet_pt_min > 0 else n_jets >= N_JETS

        target = np.zeros((n_events, 2 + N_JETS, 4))
        target[:, 0, :3] = electron[:, 0]
        target[:, 0, 3] = np.sqrt((electron**2).sum(axis=(1, 2)) + ELECTRON_MASS**2)
        target[:, 1, :2] = missing_momentum(flow, n_events)
        target[:, 1, 3] = np.hypot(target[:, 1, 0], target[:, 1, 1])
        target[:, 2:] = hardest_momenta(jets, n_events, N_JETS)
        target[~accepted] = 0
        quarks = events.columns["data"].reshape(n_events, -1, 4)[:, QUARKS]
        index = nearest_jets(quarks, target[:, 2:], card.match_delta_r)
        # Four quarks with a jet each and no jet twice.
        matched = accepted & (np.sort(index, axis=1) == np.arange(N_JETS)).all(axis=1)
        target = target.reshape(n_events, -1)
        return {"target": target, "accepted": accepted, "matched": matched, "n_jets": n_jets}


def _partons(record):
    """Four-momenta of the six partons, and whether an event has each of them once."""
    entries = record.entries
    momenta = np.zeros((record.n_events, len(PARTONS), 4))
    complete = np.ones(record.n_events, dtype=bool)
    for number, pdg_id in enumerate(PARTONS.values()):
        index = record.outgoing[entries.pdg_id[record.outgoing] == pdg_id]
        event = entries.event[index]
        of_top = abs(pdg_id) == 5
        own = entries.select(index).momenta if of_top else _before_recoil(entries, index)
        momenta[event, number] = own
        complete &= np.bincount(event, minlength=record.n_events) == 1
    return momenta, complete


def _before_recoil(entries, index):
    """Four-momenta of decay products of a W, without its recoil against what its top radiated.

    In Pythia the b radiates, and the W recoils, before the W decays. So the decay products of the W
    and the b before it radiates do not add up to the top.
    """
    last = entries.mother[index]
    first = entries.first_copy(last)
    return _boost(*(entries.select(i).momenta for i in (index, last, first)))


def _boost(momentum, now, then):
    """Apply the boost that takes `now` to `then`, of equal mass, as Pythia moves decay products."""
    half = (then[:, :3] - now[:, :3]) / (then[:, 3:] + now[:, 3:])
    beta = 2 * half / (1 + (half**2).sum(axis=1, keepdims=True))
    gamma = 1 / np.sqrt(1 - (beta**2).sum(axis=1, keepdims=True))
    along = (beta * momentum[:, :3]).sum(axis=1, keepdims=True)
    energy = momentum[:, 3:]
    moved = momentum[:, :3] + beta * gamma * (gamma / (1 + gamma) * along + energy)
    return np.hstack([moved, gamma * (energy + along)])


def nearest_jets(quarks, jets, distance):
    """Match jets to quarks.

    Parameters
    ----------
    quarks, jets : ndarray of shape (n_events, n_objects, 4)
        Four-momenta (px, py, pz, E) in GeV.

    distance : float
        Largest distance in (eta, phi).

    Returns
    -------
    index : ndarray of int of shape (n_events, n_quarks)
        Number of the jet nearest to each quark, or -1 if it is too far.
    """
    (q_eta, q_phi), (eta, phi) = direction(quarks), direction(jets)
    distances = delta_r(q_eta[:, :, None], q_phi[:, :, None], eta[:, None], phi[:, None])
    return np.where(distances.min(axis=2) < distance, distances.argmin(axis=2), -1)


@generator()
def generate_ttbar(request, *, jet_pt_min=20.0):
    """Generate semileptonic top pairs and pass them through a parametric detector.

    The chain is that of :func:`generate_wjet`. It goes from the six partons of one final state,
    t tbar -> b W+ bbar W- with W+ -> u dbar and W- -> e- nubar, to electron, missing momentum and
    four jets. These are the top pairs of [1]_, with 24 columns at either level. A row is an event
    whose electron has pT > 10 GeV and abs(eta) < 2.5 before it radiates. Fewer than a quarter of
    the rows are accepted.

    Parameters
    ----------
    n_samples : int
        Number of rows: generated events that pass the loose selection. The detector need not
        accept them.

    jet_pt_min : float or None, default=20.0
        Threshold in GeV. An accepted event has four jets above it and no fifth one. With None or 0
        there is no threshold: the leading four of all jets above the `jet_pt_min` of the detector
        are taken. Then there is no edge, and no event is rejected for a fifth jet.

    %(shared)s

    Returns
    -------
    events : :class:`~sklearn.utils.Bunch`
        data : DataFrame of shape (n_samples, 24)
            Parton level, in GeV: `px`, `py`, `pz` and `E` of `electron`, `antineutrino`, `b`,
            `antib`, `u` and `antid`. The hadronic top is b + u + antid, the leptonic one
            antib + electron + antineutrino.
        target : DataFrame of shape (n_samples, 24)
            Detector level, in GeV: the same components of `electron`, `met` and `jet1` to `jet4`,
            by falling pT. `met_pz` is zero, and `met_E` is the missing transverse momentum. Rows of
            events that are not accepted are zeros.
        accepted : ndarray of bool of shape (n_samples,)
            Whether the electron (pT > 5 GeV, abs(eta) < 2.4) and the right number of jets were
            reconstructed.
        matched : ndarray of bool of shape (n_samples,)
            Whether the event is accepted and each of the four quarks is within `match_delta_r` of
            a jet of its own.
        n_jets : ndarray of int of shape (n_samples,)
            Number of jets above the threshold, zero if the electron was not reconstructed.
        repeats : tuple of :class:`~sklearn.utils.Bunch`
            `target`, `accepted`, `matched` and `n_jets` of each of the ``n_detector - 1`` other
            passes.
        %(feature_names)s
        %(DESCR)s

    Raises
    ------
    %(ImportError)s
    ValueError
        If Pythia does not take a setting or cannot start, if no event passes, or if `jet_pt_min`
        is negative or below the threshold of the detector.
    %(OSError)s

    See Also
    --------
    generate_wjet : Notes on the detector.
    skjetsim.preprocessing.TopPairFeatures : The masses of tops and W of either level.
    DetectorCard : The numbers of the detector.

    Notes
    -----
    Partons are those of the decays, after initial-state radiation and before they radiate. In
    Pythia up and anti-down have a mass of 0.33 GeV, and bottom has 4.8 GeV. Jets are counted at all
    abs(eta) that the calorimeters cover, but not within 0.5 of the electron, which need not be
    isolated. With a threshold, the generated events of accepted ones are a selected sample, too:
    train and test on ``events.data[events.accepted]``.

    Needs the packages of the extra `pythia`.

    References
    ----------
    .. [1] J. N. Howard, S. Mandt, D. Whiteson and Y. Yang, "Learning to simulate high energy
       particle collisions from unlabeled data", Sci. Rep. 12 (2022) 7567, arXiv:2101.08944.

    Examples
    --------
    >>> from skjetsim.datasets import generate_ttbar
    >>> events = generate_ttbar(100, random_state=0)  # doctest: +SKIP
    >>> events.data.shape, events.target.shape  # doctest: +SKIP
    ((100, 24), (100, 24))
    >>> y = events.target[events.accepted]  # doctest: +SKIP
    """
    process = TopPair(_threshold(jet_pt_min, request.detector))
    return generate_tables(process, request)


def _threshold(jet_pt_min, card):
    """Threshold on the pT of jets. None is 0: only the detector has a threshold."""
    if jet_pt_min is None:
        return 0.0
    threshold = check_real(jet_pt_min, "jet_pt_min", minimum=0, unit="GeV")
    if 0 < threshold < card.jet_pt_min:
        raise ValueError(
            f"jet_pt_min={jet_pt_min!r} GeV is below the {card.jet_pt_min:g} GeV at which jets of "
            "the detector begin; pass a detector with a lower jet_pt_min, or None for no threshold."
        )
    return threshold


def load_ttbar(*, selection="accepted", return_X_y=False):
    """Load bundled top pairs, as partons and as reconstructed.

    They are made by :func:`generate_ttbar` with its defaults. Its page describes the columns.

    ========================   ==========
    Generated events               30,000
    Features, targets              24, 24
    Units                             GeV
    ========================   ==========

    Parameters
    ----------
    selection : {"accepted", "all"}, default="accepted"
        "accepted" gives the events with an electron and exactly four jets. "all" gives every
        generated event, and a 25th target column `accepted`, which is 1 or 0. The other targets of
        a rejected event are 0.

    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    events : :class:`~sklearn.utils.Bunch`
        data : DataFrame of shape (n_samples, 24)
            Parton level, in GeV.
        target : DataFrame of shape (n_samples, 24) or (n_samples, 25)
            Detector level, in GeV.
        accepted, matched : ndarray of bool of shape (n_samples,)
            Whether the event is accepted, and whether each quark has a jet of its own.
        n_jets : ndarray of int of shape (n_samples,)
            Number of jets above the threshold.
        feature_names, target_names : list of str
            Names of the columns.
        repeats : tuple of one Bunch of `target`, `accepted`, `matched` and `n_jets`
            A second, independent detector pass of the same events. Its difference from the first
            is the floor of every comparison of a simulation with the truth. Rows that this pass
            rejects are 0.
        DESCR : str
            Description of the data.

    (data, target) : tuple of DataFrame
        If `return_X_y` is True.

    See Also
    --------
    generate_ttbar : Generate more, or with another detector.

    Examples
    --------
    >>> from skjetsim.datasets import load_ttbar
    >>> from skjetsim.preprocessing import TopPairFeatures
    >>> events = load_ttbar()
    >>> masses = TopPairFeatures().fit_transform(events.target)
    >>> peak = masses["hadronic_top_mass"][events.matched].median()
    >>> bool(abs(peak - 172.5) < 2)
    True
    """
    return load_pair(TopPair, "ttbar.parquet", selection=selection, return_X_y=return_X_y)
