"""Drell-Yan at leading order: matrix element, parton densities and phase-space points."""

from dataclasses import dataclass

import numpy as np

PICOBARN = 0.3893793721e9  # (hbar c)^2 in pb GeV^2
N_COLORS = 3
MUON = 13
# Flavours with the same couplings, by the number of the first one.
QUARKS = {1: (1, 3, 5), 2: (2, 4)}


@dataclass(frozen=True)
class GammaZ:
    """f fbar -> gamma*/Z -> mu- mu+, with the electroweak parameters of a Pythia.

    Helicity amplitudes are sums of photon and Z, e_f e_mu + chi(s) g_f g_mu. The couplings are
    g = v -+ a in units in which a = 2 T3, and chi has a running width [1]_.

    Parameters
    ----------
    boson : {"both", "photon", "z"}
        What is exchanged; "both" has their interference.

    mass, width : float
        Mass and width of the Z, in GeV.

    sin2_theta : float
        Squared sine of the weak mixing angle that normalises the Z exchange.

    muon_mass : float
        Mass of the muon, in GeV.

    couplings : dict
        Charge, vector and axial coupling of each fermion, by its PDG number.

    References
    ----------
    .. [1] R. K. Ellis, W. J. Stirling and B. R. Webber, "QCD and Collider Physics", Cambridge
       University Press (1996), sections 8.1 and 9.1.
    """

    boson: str
    mass: float
    width: float
    sin2_theta: float
    muon_mass: float
    couplings: dict

    @classmethod
    def of(cls, pythia, boson):
        """Read the parameters of an initialised Pythia."""
        weak, particles = pythia.coupSM, pythia.particleData
        mass, width, muon_mass = particles.m0(23), particles.mWidth(23), particles.m0(MUON)
        fermions = (*QUARKS, MUON)
        couplings = {code: (weak.ef(code), weak.vf(code), weak.af(code)) for code in fermions}
        return cls(boson, mass, width, weak.sin2thetaW(), muon_mass, couplings)

    def __call__(self, s, cosine, quark, alpha):
        """Cross-section per cos(theta) in pb, theta between the quark and the negative muon.

        Parameters
        ----------
        s : ndarray of shape (n,)
            Squared energy of the pair, in GeV^2.

        cosine : ndarray of shape (n,)
            Cosine of the angle in the rest frame of the pair.

        quark : int
            PDG number of the quark.

        alpha : ndarray of shape (n,)
            Electromagnetic coupling at the scale of the process.

        Returns
        -------
        ndarray of shape (n,)
        """
        squared_velocity = 1 - 4 * self.muon_mass**2 / s
        vector, axial, odd = self._terms(s, quark)
        angular = (
            vector * (2 - squared_velocity * (1 - cosine**2))
            + axial * squared_velocity * (1 + cosine**2)
            + odd * 2 * np.sqrt(squared_velocity) * cosine
        )
        flux = np.pi * alpha**2 / (2 * N_COLORS * s)
        return PICOBARN * flux * np.sqrt(squared_velocity) * angular

    def _terms(self, s, quark):
        """Sums over helicities: even with vector or axial muons, and odd in the cosine."""
        (e_q, v_q, a_q), (e_mu, v_mu, a_mu) = self.couplings[quark], self.couplings[MUON]
        photon = float(self.boson != "z")
        chi = np.zeros_like(s, dtype=complex)
        if self.boson != "photon":
            norm = 16 * self.sin2_theta * (1 - self.sin2_theta)
            chi = s / (s - self.mass**2 + 1j * s * self.width / self.mass) / norm
        interference, resonance = 2 * photon * chi.real, np.abs(chi) ** 2
        vector = photon * (e_q * e_mu) ** 2 + e_q * v_q * e_mu * v_mu * interference
        vector = vector + (v_q**2 + a_q**2) * v_mu**2 * resonance
        axial = (v_q**2 + a_q**2) * a_mu**2 * resonance
        odd = e_q * a_q * e_mu * a_mu * interference
        odd = odd + 4 * v_q * a_q * v_mu * a_mu * resonance
        return vector, axial, odd


def phase_space(unit, energy, mass_min, mass_max):
    """Points flat in log(s), in the rapidity of the pair, in cos(theta) and in phi.

    Parameters
    ----------
    unit : ndarray of shape (n, 4)
        Points of the unit hypercube.

    energy : float
        Energy of the collisions, in GeV.

    mass_min, mass_max : float
        Smallest and largest mass of the pair, in GeV.

    Returns
    -------
    point : tuple of ndarray of shape (n,)
        s in GeV^2, rapidity, cosine and phi.

    volume : ndarray of shape (n,)
        Volume in log(s), rapidity and cosine: one over the density of points.
    """
    low, high = 2 * np.log(mass_min), 2 * np.log(mass_max)
    log_s = low + (high - low) * unit[:, 0]
    # A parton carries at most the whole proton.
    reach = np.log(energy) - log_s / 2
    rapidity, cosine = reach * (2 * unit[:, 1] - 1), 2 * unit[:, 2] - 1
    point = np.exp(log_s), rapidity, cosine, 2 * np.pi * unit[:, 3]
    return point, (high - low) * 2 * reach * 2


def weights(pythia, boson, point, energy):
    """Differential cross-section in log(s), rapidity and cosine at phase-space points, in pb.

    Parton densities, couplings and scales are those of an initialised `pythia`.
    """
    s, rapidity, cosine, _ = point
    parm = pythia.settings.parm
    scale = parm("SigmaProcess:factorMultFac") * s
    x = np.sqrt(s) / energy * np.exp([rapidity, -rapidity])
    first, second = (_parton_densities(pythia, beam, scale) for beam in x)
    running = pythia.coupSM.alphaEM
    alpha = np.array([running(q2) for q2 in (parm("SigmaProcess:renormMultFac") * s).tolist()])
    element = GammaZ.of(pythia, boson)
    total = np.zeros_like(s)
    for quark, alike in QUARKS.items():
        ahead = sum(first[code] * second[-code] for code in alike)
        behind = sum(first[-code] * second[code] for code in alike)
        total += ahead * element(s, cosine, quark, alpha)
        total += behind * element(s, -cosine, quark, alpha)
    return total


def _parton_densities(pythia, x, scale):
    """Momentum densities x f(x) of quarks and antiquarks in a proton, by PDG number."""
    density = pythia.getPDFPtr(2212).xf
    codes = [sign * code for alike in QUARKS.values() for code in alike for sign in (1, -1)]
    # Pythia keeps the last point: all flavours of a point cost little more than the first.
    points = zip(x.tolist(), scale.tolist(), strict=True)
    values = np.array([[density(code, *where) for code in codes] for where in points])
    return dict(zip(codes, values.T, strict=True))


def muons(point, muon_mass):
    """Four-vectors (px, py, pz, E) of muon and antimuon in the laboratory, in GeV.

    Parameters
    ----------
    point : tuple of ndarray of shape (n,)
        As :func:`phase_space` gives them.

    muon_mass : float
        Mass of the muon, in GeV.

    Returns
    -------
    ndarray of shape (n, 8)
    """
    s, rapidity, cosine, phi = point
    energy = np.sqrt(s) / 2
    momentum = np.sqrt(s / 4 - muon_mass**2)
    along, across = momentum * cosine, momentum * np.sqrt(1 - cosine**2)
    cosh, sinh = np.cosh(rapidity), np.sinh(rapidity)
    sides = []
    for sign in (1, -1):
        px, py = sign * across * np.cos(phi), sign * across * np.sin(phi)
        sides += [px, py, sign * along * cosh + energy * sinh, energy * cosh + sign * along * sinh]
    return np.column_stack(sides)
