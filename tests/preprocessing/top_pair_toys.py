"""Top pairs made by decays on shell."""

import numpy as np
import pandas as pd
import vector

JETS = ("jet1", "jet2", "jet3", "jet4")
PARTONS = ("electron", "neutrino", "leptonic_b", "hadronic_b", "u", "d")


def four_momentum(momentum, mass):
    return np.vstack([momentum, np.sqrt((momentum**2).sum(axis=0) + mass**2)])


def two_body(parent, masses, rng):
    """Decay of `parent`, (4, n), to two particles in directions drawn at random."""
    first, second = masses
    mass = np.sqrt(parent[3] ** 2 - (parent[:3] ** 2).sum(axis=0))
    squares = (mass**2 - (first + second) ** 2) * (mass**2 - (first - second) ** 2)
    cosine, phi = rng.uniform(-1, 1, parent.shape[1]), rng.uniform(-np.pi, np.pi, parent.shape[1])
    sine = np.sqrt(1 - cosine**2)
    p = np.sqrt(squares) / (2 * mass) * np.array([sine * np.cos(phi), sine * np.sin(phi), cosine])
    frame = vector.array(dict(zip(("px", "py", "pz", "E"), parent, strict=True)))
    decayed = (four_momentum(q, m) for q, m in ((p, first), (-p, second)))
    boosted = (
        vector.array(dict(zip(("px", "py", "pz", "E"), q, strict=True))).boost_p4(frame)
        for q in decayed
    )
    return [np.array([q.px, q.py, q.pz, q.E]) for q in boosted]


def top_pairs(n_events=300, seed=0):
    """Six partons of on-shell decays, by name, each of shape (4, n_events)."""
    rng = np.random.default_rng(seed)
    tops = rng.normal(0, [[80.0], [80.0], [200.0]], (2, 3, n_events))
    leptonic, hadronic = (four_momentum(top, 172.5) for top in tops)
    leptonic_b, leptonic_w = two_body(leptonic, (4.8, 80.4), rng)
    hadronic_b, hadronic_w = two_body(hadronic, (4.8, 80.4), rng)
    electron, neutrino = two_body(leptonic_w, (0.000511, 0.0), rng)
    u, d = two_body(hadronic_w, (0.33, 0.33), rng)
    return dict(
        zip(PARTONS, (electron, neutrino, leptonic_b, hadronic_b, u, d), strict=True), rng=rng
    )


def table(pairs, jets=PARTONS[2:]):
    """Detector-level columns: electron, missing momentum, and the four quarks as jets."""
    columns = {f"electron_{c}": pairs["electron"][i] for i, c in enumerate(("px", "py", "pz", "E"))}
    columns |= {"met_px": pairs["neutrino"][0], "met_py": pairs["neutrino"][1]}
    for name, quark in zip(JETS, jets, strict=True):
        columns |= {f"{name}_{c}": pairs[quark][i] for i, c in enumerate(("px", "py", "pz", "E"))}
    return pd.DataFrame(columns)
