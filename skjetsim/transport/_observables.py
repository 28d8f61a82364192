"""Quantities of several objects, which transport maps see and whose distributions they compare.

Each is called with events as a mapping of column names to tensors, and gives a tensor with one row
per event, through which gradients flow. Any callable that does so can take its place.
"""

from skjetsim.utils._event_columns import event_objects, find_object, join_name
from skjetsim.utils._event_objects import EventObject
from skjetsim.utils._four_vectors import array_namespace, mass_of, pseudorapidity

LEAST_PT = 1e-3  # GeV, of a logarithm
LEAST_SQUARE = 1e-6  # GeV^2, of a mass
# Components that an object is read from.
READ = ("px", "py", "pz", "E", "pt", "eta", "phi", "mass", "log_pt", "log_mass", "log_E")


class OfObjects:
    """An observable of objects by name."""

    def __init__(self, *objects):
        if not objects or not all(isinstance(name, str) for name in objects):
            raise TypeError(
                f"{type(self).__name__} takes names of objects, such as "
                f"{type(self).__name__}('electron', 'positron'), got {objects!r}."
            )
        self.objects = objects

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(map(repr, self.objects))})"

    def __eq__(self, other):
        return type(self) is type(other) and self.objects == other.objects

    def __hash__(self):
        return hash((type(self), self.objects))


class FourMomentum(OfObjects):
    """Four-momentum (px, py, pz, E) of the sum of objects, in GeV.

    Parameters
    ----------
    *objects : str
        Names of objects, whose columns are Cartesian or cylindrical: `muon_px`, ... or `muon_pt`
        (`muon_log_pt`), `muon_eta`, `muon_phi`. The energy follows from `muon_mass`
        (`muon_log_mass`) if there is one, else it is `muon_E`; an object that has neither is
        massless. One without direction along the beam is transverse.

    Examples
    --------
    >>> import torch
    >>> from skjetsim.transport import FourMomentum
    >>> event = {"muon_pt": torch.tensor([50.0]), "muon_eta": torch.tensor([0.0]),
    ...          "muon_phi": torch.tensor([0.0])}
    >>> FourMomentum("muon")(event).tolist()
    [[50.0, 0.0, 0.0, 50.0]]
    """

    def __call__(self, events):
        """Columns px, py, pz and E, shape (n_rows, 4)."""
        return momentum_of(events, self.objects, type(self).__name__).T


class InvariantMass(OfObjects):
    """Invariant mass of objects, in GeV.

    Parameters
    ----------
    *objects : str
        Names of objects, as for `FourMomentum`.

    Examples
    --------
    >>> import torch
    >>> from skjetsim.transport import InvariantMass
    >>> event = {"electron_pt": torch.tensor([45.0]), "electron_eta": torch.tensor([0.0]),
    ...          "electron_phi": torch.tensor([0.0]), "positron_pt": torch.tensor([45.0]),
    ...          "positron_eta": torch.tensor([0.0]), "positron_phi": torch.tensor([3.14159265])}
    >>> InvariantMass("electron", "positron")(event).tolist()
    [90.0]
    """

    def __call__(self, events):
        """Mass of each event, shape (n_rows,)."""
        momentum = momentum_of(events, self.objects, type(self).__name__)
        return mass_of(momentum, least_square=LEAST_SQUARE)


class ScalarSum(OfObjects):
    """Scalar sum of the transverse momenta of objects, H_T, in GeV.

    Parameters
    ----------
    *objects : str
        Names of objects, as for `FourMomentum`.

    Examples
    --------
    >>> import torch
    >>> from skjetsim.transport import ScalarSum
    >>> ScalarSum("jet1", "jet2")({"jet1_pt": torch.tensor([50.0]),
    ...                            "jet2_pt": torch.tensor([30.0])}).tolist()
    [80.0]
    """

    def __call__(self, events):
        """H_T of each event, shape (n_rows,)."""
        return sum(read_object(events, name, type(self).__name__).pt for name in self.objects)


class OrderedMomenta(OfObjects):
    """Objects by falling pT: log pT, eta, mass if it has a column, then px, py, pz, E, in GeV.

    What objects are called then does not matter: jets that models move one by one are compared as
    the hardest, the second one, and so on.

    Parameters
    ----------
    *objects : str
        Names of objects, as for `FourMomentum`.

    Examples
    --------
    >>> import torch
    >>> from skjetsim.transport import OrderedMomenta
    >>> event = {f"{name}_{component}": torch.tensor([value]) for name, component, value in [
    ...     ("b", "pt", 30.0), ("b", "eta", 1.0), ("b", "phi", 0.0),
    ...     ("u", "pt", 50.0), ("u", "eta", 0.0), ("u", "phi", 1.0)]}
    >>> OrderedMomenta("b", "u")(event)[:, :2].exp().round().tolist()
    [[50.0, 30.0]]
    """

    def __call__(self, events):
        """Each quantity of all objects, then that of the next; shape (n_rows, n_quantities)."""
        import torch

        found = [read_object(events, name, type(self).__name__) for name in self.objects]
        parts = ("px", "py", "pz", "energy")
        px, py, pz, e = (torch.stack([getattr(o, p) for o in found], dim=1) for p in parts)
        pt = torch.hypot(px, py).clamp_min(LEAST_PT)
        order = pt.detach().argsort(dim=1, descending=True)
        quantities = [pt.log(), pseudorapidity(pt, pz)]
        masses = [one.find("mass") for one in found]
        if all(mass is not None for mass in masses):
            quantities.append(torch.stack(masses, dim=1))
        quantities += [px, py, pz, e]
        return torch.cat([quantity.gather(1, order) for quantity in quantities], dim=1)


def read_object(events, name, owner):
    """The object of this name; one without direction along the beam is transverse."""
    columns = {c: events[key] for c in READ if (key := join_name(name, c)) in events}
    if not columns:
        find_object(event_objects(list(events)), name, owner)  # raises, naming those there are
    if not {"pz", "eta"} & set(columns):
        first = next(iter(columns.values()))
        columns["pz"] = array_namespace(first).zeros_like(first)
    return EventObject(name, columns, owner)


def momentum_of(events, objects, owner):
    """Four-momentum (px, py, pz, E) of the sum of objects, shape (4, n_rows)."""
    found = [read_object(events, name, owner) for name in objects]
    xp = array_namespace(found[0].pt)
    return sum(xp.stack([one.px, one.py, one.pz, one.energy]) for one in found)
