"""Axis labels: the symbol and the unit of a column, by its name and by what tables state."""

import pandas as pd

from skjetsim.io._units import ENERGY_UNITS

ENERGY = "GeV"  # the package's convention, for tables that state no unit

# Longest first, so that `delta_phi` is not read as the phi of an object `delta`.
QUANTITIES = {
    "delta_eta": (r"$\Delta\eta$", ""),
    "delta_phi": (r"$\Delta\phi$", "rad"),
    "log_pt_ratio": ("log ratio of $p_T$", ""),
    "log_mass": ("log mass", ""),
    "pt_ratio": ("ratio of $p_T$", ""),
    "rapidity": ("$y$", ""),
    "cos_phi": (r"$\cos\phi$", ""),
    "delta_r": (r"$\Delta R$", ""),
    "log_pt": ("log $p_T$", ""),
    "sin_phi": (r"$\sin\phi$", ""),
    "log_E": ("log $E$", ""),
    "mass": ("mass", ENERGY),
    "eta": (r"$\eta$", ""),
    "phi": (r"$\phi$", "rad"),
    "ht": ("$H_T$", ENERGY),
    "mt": ("$m_T$", ENERGY),
    "pt": ("$p_T$", ENERGY),
    "px": ("$p_x$", ENERGY),
    "py": ("$p_y$", ENERGY),
    "pz": ("$p_z$", ENERGY),
    "st": ("$S_T$", ENERGY),
    "E": ("$E$", ENERGY),
}


def units_of(*tables):
    """Units that tables state in `attrs`, by column; of equal names the last table decides.

    Parameters
    ----------
    *tables : object
        Only tables of pandas state units, as `read_events` makes them.

    Returns
    -------
    dict of str to str
    """
    units = {}
    for table in tables:
        if isinstance(table, (pd.DataFrame, pd.Series)):
            stated = table.attrs.get("units")
            units |= stated if isinstance(stated, dict) else {}
    return {name: unit for name, unit in units.items() if isinstance(unit, str)}


def axis_label(name, *, suffix="", unit=True, units=None):
    r"""Label of a column.

    Parameters
    ----------
    name : str or int
        Column name, or its position if it has no name.
    suffix : str
        Put between the quantity and its unit.
    unit : bool
        Whether to write the unit.
    units : dict of str to str, optional
        Units that tables state (`units_of`). Energies among the other columns have the energy unit
        that is stated, no unit if several are, and GeV if none is.

    Returns
    -------
    str

    Examples
    --------
    >>> axis_label("jet_pt"), axis_label("muon_eta"), axis_label("met_phi")
    ('jet $p_T$ [GeV]', 'muon $\\eta$', 'met $\\phi$ [rad]')
    >>> axis_label("n_tracks", suffix=": residual"), axis_label(3)
    ('n tracks: residual', 'column 3')
    >>> axis_label("jet_pt", units={"jet_px": "MeV", "jet_py": "MeV"})
    'jet $p_T$ [MeV]'
    """
    if not isinstance(name, str):
        return f"column {name}{suffix}"
    text, of_quantity = name.replace("_", " "), ""
    for quantity, (symbol, its_unit) in QUANTITIES.items():
        if name == quantity or name.endswith("_" + quantity):
            owner = name[: -len(quantity)].replace("_", " ")
            text, of_quantity = f"{owner}{symbol}", its_unit
            break
    found = _unit(name, of_quantity, units or {}) if unit else ""
    return f"{text}{suffix} [{found}]" if found else f"{text}{suffix}"


def _unit(name, of_quantity, units):
    if name in units:
        return units[name]
    energies = sorted(set(units.values()) & set(ENERGY_UNITS))
    if of_quantity != ENERGY or not energies:
        return of_quantity
    return energies[0] if len(energies) == 1 else ""


def column_labels(names, n_columns):
    """Labels without units, from names or, if there are none, from positions."""
    return [axis_label(name, unit=False) for name in names or range(n_columns)]
