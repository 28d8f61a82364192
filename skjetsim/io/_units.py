"""Units of columns: as a table states them, or as the user gives them."""

import re
from fnmatch import fnmatchcase

from skjetsim.io._files import did_you_mean

GEN, RECO, WEIGHT = "gen_", "reco_", "sample_weight"

ENERGY_UNITS = ("eV", "keV", "MeV", "GeV", "TeV")
ENERGIES = {"px", "py", "pz", "pt", "et", "E", "energy", "mass", "met", "ht"}
OTHERS = {"phi": "rad", "theta": "rad", "eta": "", "rapidity": ""}


def resolve_units(names, stated, given):
    """Unit of each column of a file: as given, else as the table states.

    Nothing is guessed: a name does not tell MeV from GeV.

    Parameters
    ----------
    names : list of str
        Columns of the file, with `gen_` and `reco_`.
    stated : dict of str to str
        Units that the table states, by name in the file.
    given : str, dict of str to str, or None
        Unit that the user gives for all energies, or units by name or pattern, with or without the
        level.

    Returns
    -------
    dict of str to str
        Columns whose unit is not known are left out.
    """
    if isinstance(given, str):
        given, stated = _of_energies(names, given, stated), {}
    else:
        _check_given(given, names)
    units = {}
    for name in names:
        unit = _given_unit(name, given or {})
        unit = stated.get(name) if unit is None else unit
        if unit is not None:
            units[name] = unit
    return units


def _given_unit(name, given):
    """Unit by the name itself, else by the first pattern that matches."""
    names = (name, _base_name(name))
    exact = next((given[one] for one in names if one in given), None)
    if exact is not None:
        return exact
    return next(
        (unit for key, unit in given.items() if any(fnmatchcase(one, key) for one in names)), None
    )


def _of_energies(names, energy, stated):
    """Units by the package's conventions, with this unit of energies."""
    if energy not in ENERGY_UNITS:
        raise ValueError(
            f"units={energy!r} must be one of {list(ENERGY_UNITS)}, the unit of all energies, "
            "momenta and masses. A dict gives units by name, such as {'weight': 'pb'}."
        )
    units = {}
    for name in names:
        word = _last_word(name)
        unit = energy if word in ENERGIES else stated.get(name, OTHERS.get(word))
        if unit is not None:
            units[name] = unit
    return units


def _last_word(name):
    """Last word of a name, numbers aside: pt for `jet_pt_0`. Logarithms have none."""
    words = [word for word in re.split(r"[_.]", name) if not word.isdigit()]
    return None if not words or "log" in words else words[-1]


def _base_name(name):
    return re.sub(f"^({GEN}|{RECO})", "", name)


def _check_given(given, names):
    if given is None:
        return
    if not isinstance(given, dict):
        raise TypeError(
            f"units must be a str or a dict of column name to unit, got {type(given).__name__}."
        )
    possible = {*names, *map(_base_name, names)}
    for name, unit in given.items():
        if not isinstance(unit, str):
            raise TypeError(f"The unit of {name!r} must be a str, such as 'GeV', got {unit!r}.")
        if not any(one == name or fnmatchcase(one, str(name)) for one in possible):
            hint = did_you_mean(str(name), possible) or "."
            raise ValueError(f"units: there is no column {name!r}{hint}")
