"""The objects of a top pair in the order of the partons, without knowing the partons."""

import numpy as np

from skjetsim.preprocessing._base import InverseMixin
from skjetsim.preprocessing._top_pair import TopPairSolver
from skjetsim.utils._event_columns import join_name
from skjetsim.utils._object_order import ObjectOrder
from skjetsim.utils._top_pairs import ASSIGNMENTS, neutrino_pz
from skjetsim.utils._validation import first_duplicate
from skjetsim.utils._with_parameters import with_parameters

# Digit of H_T (GeV) that decides the order of the two jets of a W: it does not depend on physics.
COIN_DIGIT = 1e4


@with_parameters
class TopPairAssignment(InverseMixin, TopPairSolver):
    """Name the objects of a semileptonic top pair after the partons that they come from.

    Jets are sorted by falling pT, and a model that starts from the partons does not know which jet
    belongs to which quark. This transformer decides by masses: the jets get the names of the
    quarks, and the missing momentum that of the neutrino, whose pz follows from the mass of the W.
    Of 12 ways to assign the jets, each with two solutions for pz, the one with the smallest chi2 is
    taken. The chi2 is that of `TopPairFeatures` and [1]_. The partons themselves are not needed, so
    models of unpaired events can use this, too. The inverse sorts the jets by falling pT again.

    Parameters
    ----------
    met : str
        Name of the missing transverse momentum, with columns `met_px` and `met_py`, and possibly a
        `met_pz` of zeros.
    jets : sequence of four str
        Names of the jets, by falling pT.
    partons : sequence of five str
        New names of the missing momentum, the b jet of the leptonic top, the other b jet, and the
        two jets of the W.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names seen in `fit`.

    See Also
    --------
    skjetsim.compose.NearestAssignment : Assigns jets by the directions of the true partons, if
        events are paired.
    TopPairFeatures : Masses of the best assignment.

    Notes
    -----
    The neutrino's pz is a column, the last one if `met` has no pz. The inverse drops it, or sets it
    to zero. `TopPairFeatures` always takes the smaller solution for pz, as published, which makes
    the neutrinos' momentum along the beam too small. The two jets of a W cannot be told apart: a
    digit of H_T decides, which is arbitrary but the same each time. There is no Jacobian, because
    an order is not a smooth function.

    References
    ----------
    .. [1] J. N. Howard, S. Mandt, D. Whiteson and Y. Yang, "Learning to simulate high energy
       particle collisions from unlabeled data", Sci. Rep. 12 (2022) 7567, arXiv:2101.08944.

    Examples
    --------
    >>> from skjetsim.datasets import load_ttbar
    >>> from skjetsim.preprocessing import TopPairAssignment
    >>> X, y = load_ttbar(return_X_y=True)
    >>> y = y.drop(columns="met_E")
    >>> transformer = TopPairAssignment().fit(y)
    >>> named = transformer.transform(y)
    >>> [name for name in named if name.endswith("_px")]
    ['electron_px', 'antineutrino_px', 'antib_px', 'b_px', 'u_px', 'antid_px']
    >>> transformer.inverse_transform(named).equals(y)
    True
    """

    partons: tuple = ("antineutrino", "antib", "b", "u", "antid")

    def _resolve(self, names):
        self._require_names("objects are found")
        self._check_partons()
        self._find_objects(names)
        self._order = ObjectOrder(self.jets, names, type(self).__name__)
        self._met = self._met_columns()
        neutrino, *quarks = self.partons
        out = self._order.renamed(names, quarks)
        for component, i in self._met.items():
            out[i] = join_name(neutrino, component)
        if "pz" not in self._met:
            out.append(join_name(neutrino, "pz"))
        return out

    def _check_partons(self):
        partons = self.partons
        strings = not isinstance(partons, str) and all(isinstance(name, str) for name in partons)
        if not strings or len(partons) != 5 or first_duplicate(partons) is not None:
            raise ValueError(
                "partons must be five different names, of neutrino, leptonic b, hadronic b and the "
                f"two quarks of the W, got {partons!r}."
            )

    def _met_columns(self):
        columns = self._objects[self.met]
        other = sorted(set(columns) - {"px", "py", "pz"})
        if other or not {"px", "py"} <= set(columns):
            have = [join_name(self.met, component) for component in columns]
            raise ValueError(
                f"{type(self).__name__}: {self.met!r} must have the columns px and py, and no "
                f"other but a pz of zeros, since its pz is solved for; it has {have}. Drop energy "
                "and mass, and give it Cartesian columns."
            )
        return columns

    def _check(self, values):
        self._order.check_falling(values, "X")
        if "pz" in self._met:
            position = self._met["pz"]
            self._refuse(
                values[:, position] != 0,
                position,
                "{pz:.6g} GeV, but missing momentum is transverse, and its pz is solved for. Set "
                "it to zero.",
                pz=values[:, position],
            )

    def _forward(self, values):
        lepton, met, jets = self._checked(values)
        solutions = np.array(neutrino_pz(lepton, *met, self.w_mass))
        tried = [self._assign(lepton, met, jets, pz)[1] for pz in solutions]
        index, chi2 = (np.array([one[i] for one in tried]) for i in (0, 1))
        best, rows = chi2.argmin(axis=0), np.arange(len(values))
        orders = np.array(ASSIGNMENTS)[index[best, rows]]  # leptonic b first, as of partons
        ht = sum(np.hypot(jet[0], jet[1]) for jet in jets)
        tails = np.floor(ht * COIN_DIGIT) % 2 == 1
        orders[tails, 2:] = orders[tails, :1:-1]
        out, pz = self._order.in_order(values, orders), solutions[best, rows]
        if "pz" not in self._met:
            return np.column_stack([out, pz])
        out[:, self._met["pz"]] = pz
        return out

    def _inverse(self, values):
        out = self._order.by_pt(values[:, : self.n_features_in_])
        if "pz" in self._met:
            out[:, self._met["pz"]] = 0.0
        return out
