"""Objects and components of the columns of an event table.

Columns are named `object_component` (`muon_px`), or by the component alone: `px` belongs to the
unnamed object "". Tables without names are read as consecutive (px, py, pz) triples of the objects
`p0`, `p1`, ...; energy and mass are recognised by name only.
"""

from skjetsim.utils._angles import is_angle, is_relative
from skjetsim.utils._validation import first_duplicate

COMPONENTS = (
    *("px", "py", "pz", "E", "pt", "eta", "phi", "mass", "pt_ratio", "mt"),
    # Names that end like one of the above: the longest match comes first, below.
    *("log_mass", "log_pt", "log_mt", "log_E", "log_pt_ratio"),
    *("cos_phi", "sin_phi", "delta_eta", "delta_phi", "opposite_mt"),
)
_BY_LENGTH = sorted(COMPONENTS, key=len, reverse=True)


def split_name(name):
    """Split a column name into (object, component); component is None if the name has none.

    >>> split_name("muon_px"), split_name("E"), split_name("jet_log_mass"), split_name("weight")
    (('muon', 'px'), ('', 'E'), ('jet', 'log_mass'), ('weight', None))
    """
    for component in _BY_LENGTH:
        if name == component:
            return "", component
        if name.endswith("_" + component):
            return name[: -len(component) - 1], component
    return name, None


def join_name(obj, component):
    """Return the column name of a component of an object."""
    return f"{obj}_{component}" if obj else component


def event_objects(names):
    """Return {object: {component: column position}} in order of first appearance."""
    objects = {}
    for position, name in enumerate(names):
        obj, component = split_name(name)
        if component is not None:
            objects.setdefault(obj, {})[component] = position
    return objects


def is_difference(obj):
    """Whether an object of `event_objects` is a difference, such as that of `a_b_delta_cos_phi`."""
    return obj.split("_")[-1] == "delta"


def names_by_position(n_columns, *, triples):
    """Column names of a table without names: `x0`, `x1`, ..., or with (px, py, pz) triples.

    >>> names_by_position(5, triples=True)
    ['p0_px', 'p0_py', 'p0_pz', 'x3', 'x4']
    """
    n_triples = n_columns // 3 if triples else 0
    momenta = [f"p{i}_{c}" for i in range(n_triples) for c in ("px", "py", "pz")]
    return momenta + [f"x{i}" for i in range(3 * n_triples, n_columns)]


def label(obj):
    """How an object is called in messages."""
    return repr(obj) if obj else "the unnamed object (columns without a prefix)"


def find_object(objects, obj, estimator):
    """Return the components of an object, or raise naming the objects that there are."""
    if obj not in objects:
        known = ", ".join(map(repr, objects)) or "none"
        raise ValueError(
            f"{estimator}: there is no object {obj!r} among the columns; objects found: {known}. "
            f"Columns are named {join_name(obj, 'px')!r}, {join_name(obj, 'pt')!r} and so on; "
            "without column names the objects are 'p0', 'p1', ... for consecutive (px, py, pz)."
        )
    return objects[obj]


def refuse_other_azimuths(names, estimator):
    """Raise ValueError if an azimuth belongs to no object, and would not be rotated with it."""
    for name in names:
        if split_name(name)[1] is None and is_angle(name) and not is_relative(name):
            raise ValueError(
                f"{estimator}: column {name!r} is an azimuth by its name, but belongs to no "
                "object, so that it would not be rotated. Rename it to 'object_phi', such as "
                "'jet_phi', or take it out."
            )


def refuse_duplicates(names, estimator):
    """Raise ValueError if an output column would have the name of another."""
    twice = first_duplicate(names)
    if twice is not None:
        raise ValueError(
            f"{estimator}: the output would have two columns {twice!r}; drop or rename the one "
            "that X has."
        )
