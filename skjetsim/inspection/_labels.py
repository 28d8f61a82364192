"""Axis labels: one rule from the name of a column to a symbol and a unit."""

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
    "mass": ("mass", "GeV"),
    "eta": (r"$\eta$", ""),
    "phi": (r"$\phi$", "rad"),
    "ht": ("$H_T$", "GeV"),
    "mt": ("$m_T$", "GeV"),
    "pt": ("$p_T$", "GeV"),
    "px": ("$p_x$", "GeV"),
    "py": ("$p_y$", "GeV"),
    "pz": ("$p_z$", "GeV"),
    "st": ("$S_T$", "GeV"),
    "E": ("$E$", "GeV"),
}


def axis_label(name, *, suffix="", unit=True):
    r"""Label of a column.

    Parameters
    ----------
    name : str or int
        Column name, or its position if it has no name.
    suffix : str
        Put between the quantity and its unit.
    unit : bool
        Whether to write the unit.

    Returns
    -------
    str

    Examples
    --------
    >>> axis_label("jet_pt"), axis_label("muon_eta"), axis_label("met_phi")
    ('jet $p_T$ [GeV]', 'muon $\\eta$', 'met $\\phi$ [rad]')
    >>> axis_label("n_tracks", suffix=": residual"), axis_label(3)
    ('n tracks: residual', 'column 3')
    """
    if not isinstance(name, str):
        return f"column {name}{suffix}"
    for quantity, (symbol, of_quantity) in QUANTITIES.items():
        if name == quantity or name.endswith("_" + quantity):
            owner = name[: -len(quantity)].replace("_", " ")
            label = f"{owner}{symbol}{suffix}"
            return f"{label} [{of_quantity}]" if unit and of_quantity else label
    return name.replace("_", " ") + suffix


def column_labels(names, n_columns):
    """Labels without units, from names or, if there are none, from positions."""
    return [axis_label(name, unit=False) for name in names or range(n_columns)]
