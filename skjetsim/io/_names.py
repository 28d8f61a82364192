"""Names of what a file holds: which of them are meant by names and patterns."""

from collections import Counter
from fnmatch import fnmatchcase
from glob import has_magic

from skjetsim.io._files import did_you_mean


class Names:
    """Names of the columns of a file.

    A branch of a TTree may lie inside another, and then has a full name such as `Jets/Jets.pt`.
    It is called by its short name, `Jets.pt`, if no other branch has it.

    Parameters
    ----------
    path : str
        Named in errors.
    full : list of str
        Full names, in the order of the file.
    short : list of str, optional
        Short names; by default the full ones.

    Attributes
    ----------
    shown : list of str
        What each column is called.
    position : dict of str to int
        Where the column of a name stands. Full names and short ones are there if they mean one
        column only.
    """

    def __init__(self, path, full, short=None):
        self.path = path
        self._full = full
        self._short = full if short is None else short
        self._double = {name for name, count in Counter(full).items() if count > 1}
        once = {name for name, count in Counter(self._short).items() if count == 1}
        of_full = {name: at for at, name in enumerate(full) if name not in self._double}
        of_short = {name: at for at, name in enumerate(self._short) if name in once}
        self.position = of_short | of_full
        self.shown = [
            one if one in once and self.position.get(one) == at else other
            for at, (one, other) in enumerate(zip(self._short, full, strict=True))
        ]

    def choose(self, columns):
        """Return the names of columns to read.

        Parameters
        ----------
        columns : list of str or None
            Names, and patterns such as `Jet_*`. A name that is there is no pattern. None is all.

        Returns
        -------
        list of str
            Names as they were given, or as they are shown if a pattern brings them.

        Raises
        ------
        ValueError
            If a name is not there, or means several columns.
        """
        if not self._full:
            raise ValueError(f"{self.path} has no columns: there is nothing to read.")
        if columns is None:
            self._check_once(self.shown)
            return list(self.shown)
        chosen = {}  # a dict keeps the order
        for name in columns:
            chosen |= dict.fromkeys(self._meant(name))
        return list(chosen)

    def matching(self, pattern):
        """Positions of the columns that have this name, or match this pattern."""
        if pattern in self.position:
            return [self.position[pattern]]
        both = enumerate(zip(self._short, self._full, strict=True))
        return [
            at
            for at, (short, full) in both
            if fnmatchcase(short, pattern) or fnmatchcase(full, pattern)
        ]

    def _meant(self, name):
        self._check_once([name])
        if name in self.position:
            return [name]
        same = [full for short, full in zip(self._short, self._full, strict=True) if short == name]
        if same:
            raise ValueError(
                f"{self.path} has several columns named {name!r}: use one of the full names {same}."
            )
        found = [self.shown[at] for at in self.matching(name)] if has_magic(name) else []
        if not found:
            raise ValueError(f"{self.path} has {self._none_named(name)}")
        self._check_once(found)
        return found

    def _check_once(self, names):
        twice = [name for name in names if name in self._double]
        if twice:
            raise ValueError(
                f"{self.path} has several columns named {twice[0]!r}: rename all but one, or name "
                "other columns in columns=."
            )

    def _none_named(self, name):
        """Return the end of the message about a name that is not there."""
        if has_magic(name):
            return f"no column that matches {name!r}{self._hint(name)}"
        inside = [full for full in self._full if full.startswith(f"{name}/")]
        if inside:
            return (
                f"no column {name!r}, but columns inside of it: {inside[:3]} and the like. "
                f"columns=['{name}/*'] reads all of them."
            )
        return f"no column {name!r}{did_you_mean(name, [*self.position]) or self._hint(name)}"

    def _hint(self, name):
        shown = self.shown if len(self.shown) <= 20 else [*self.shown[:20], "..."]
        return f": it has {shown}."
