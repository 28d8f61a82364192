"""Azimuthal angles: the interval they lie in, and the columns that hold them."""

import re
from functools import lru_cache

import numpy as np

TWO_PI = 2.0 * np.pi

# Words of a column's name.
ANGLES = {"phi", "azimuth"}
DIFFERENCES = {"d", "del", "delta"}
OBJECTS = {
    *("mu", "muon", "muplus", "muminus", "el", "ele", "electron", "l", "lep", "lepton", "tau"),
    *("j", "jet", "b", "bjet", "fatjet", "met", "miss", "missing", "ptmiss", "etmiss", "photon"),
    *("gamma", "gam", "ph", "w", "h", "higgs", "top", "trk", "track", "nu", "neutrino"),
    *("ll", "lj", "jj", "bb", "ee", "mumu", "mm", "tt", "tk", "part", "particle", "hit"),
}
# What may follow phi. Letters that may be a component (e, m, p, t, x, y, z) are not among them.
QUALIFIERS = OBJECTS | {
    *("rel", "gen", "reco", "rec", "truth", "true", "mc", "sim", "det", "raw", "corr", "corrected"),
    *("meas", "measured", "fit", "fitted", "uncorr", "lead", "leading", "sub", "sublead"),
    *("subleading", "first", "second", "third", "inner", "outer", "sc", "supercluster", "vtx"),
    *("lab", "cm", "cs", "rad", "up", "down", "jer", "jes", "jec", "unclustered", "nosys"),
    *("nominal", "nom", "smeared", "wrapped", "rotated", "particle", "parton", "hadron"),
}
COMPONENTS = {
    *("pt", "px", "py", "pz", "p", "e", "energy", "et", "m", "mass", "mt", "eta", "y", "rapidity"),
    *("theta", "charge", "q", "id", "deta", "dr", "r"),
}
# Functions of an angle, its errors, and numbers of cells, wherever they stand in a name.
NOT_ANGLES = {
    *("cos", "sin", "tan", "cot", "sinh", "cosh", "exp", "log", "ln", "abs", "sq", "squared"),
    *("cov", "sigma", "sig", "err", "error", "unc", "uncertainty", "residual", "pull", "rms"),
    *("std", "variance", "degree", "degrees", "deg"),
}
# These, directly before phi. Elsewhere they may describe an object.
NOT_BEFORE = {
    *("n", "num", "bin", "bins", "idx", "index", "width", "var", "resolution", "res", "scaled"),
    *("scale", "norm", "ratio", "weight", "score", "pt", "px", "py", "pz", "mass"),
}
GREEK = str.maketrans({"φ": "phi", "ϕ": "phi", "Φ": "phi", "Δ": "delta_", "∆": "delta_"})
GLUED = re.compile(f"({'|'.join(sorted(OBJECTS | DIFFERENCES, key=len, reverse=True))})(phi)")
WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")

# Components of one object that are a vector in the transverse plane.
TRANSVERSE_PAIRS = (("px", "py"), ("cos_phi", "sin_phi"))


def wrap_phi(phi):
    """Wrap angles, or differences of angles, into (-pi, pi].

    Parameters
    ----------
    phi : array-like
        Angles in radians, any shape.

    Returns
    -------
    ndarray of float64
        Angles already inside the interval come back unchanged, bit for bit.

    Examples
    --------
    >>> from skjetsim.preprocessing import wrap_phi
    >>> wrap_phi([0.5, 4.0, -3.5]).round(4)
    array([ 0.5   , -2.2832,  2.7832])
    """
    phi = np.asarray(phi, dtype=np.float64)
    turns = np.round(phi / TWO_PI)
    wrapped = np.asarray(phi - TWO_PI * turns)
    # Rounding at the seam; -pi itself belongs to the other end.
    wrapped = np.where(wrapped > np.pi, wrapped - TWO_PI, wrapped)
    return np.where(wrapped <= -np.pi, np.minimum(wrapped + TWO_PI, np.pi), wrapped)


@lru_cache(maxsize=4096)
def is_angle(name):
    """Whether a column is, by its name, an azimuth or a difference of two.

    The component counts, however it is written: `phi`, `muon_phi`, `jetPhi`, `MET.Phi`,
    `Jet_phi[0]`, `phi1`, `phi_rel`, `dPhi_jj` and `muon_met_delta_phi` are angles. An object may be
    called phi: `phi_pt` and `phi_mass` are not angles, and `phi_phi` is. `muon_cos_phi` is not, and
    neither is a scaled `muon_phi_residual`, because its period is not 2 pi.
    """
    words = _words(name) if isinstance(name, str) else []
    if not ANGLES.intersection(words) or NOT_ANGLES.intersection(words):
        return False
    last = max(i for i, word in enumerate(words) if word in ANGLES)
    before, after = words[:last], words[last + 1 :]
    if before[-1:] and before[-1] in DIFFERENCES:  # any two objects may follow
        return not COMPONENTS.intersection(after)
    if NOT_BEFORE.intersection(before[-1:]):
        return False
    return all(word in QUALIFIERS or _is_index(word) for word in after)


def _words(name):
    """Words of a name in lower case: "lep1Phi" and "lep1_phi" are lep, 1, phi."""
    words = []
    for chunk in re.findall(r"[A-Za-z]+|\d+", name.translate(GREEK)):
        glued = GLUED.fullmatch(chunk.lower())
        words += [w for w in glued.groups() if w] if glued else WORD.findall(chunk)
    return [word.lower() for word in words]


def _is_index(word):
    return word.isdigit() and len(word) < 4  # 1020 is the mass of a meson


def is_relative(name):
    """Whether an angle is, by its name, measured from another object, not from the x axis."""
    return not (DIFFERENCES | {"rel"}).isdisjoint(_words(name))


def angle_positions(names):
    """Positions of the columns that are angles by their names; none if there are no names.

    Parameters
    ----------
    names : sequence of str or None

    Returns
    -------
    list of int
    """
    return [] if names is None else [i for i, name in enumerate(names) if is_angle(name)]


def transverse_pairs(parts):
    """Pairs of columns of the vectors of one object; `parts` has its columns by component."""
    return [(parts[x], parts[y]) for x, y in TRANSVERSE_PAIRS if x in parts and y in parts]


def half_pair(parts):
    """Present and missing component of a vector of which one is missing, or None."""
    for pair in TRANSVERSE_PAIRS:
        for there, missing in (pair, pair[::-1]):
            if there in parts and missing not in parts:
                return there, missing
    return None


def rotated(x, y, cos, sin):
    """Components of vectors rotated by the angle with this cosine and sine."""
    return cos * x - sin * y, sin * x + cos * y
