"""ROOT files: TTree and RNTuple are read in pieces."""

import os
import struct

import numpy as np

from skjetsim.io._columns import FIXED, LIST, SCALAR, padded
from skjetsim.io._files import METADATA, DamageError, complete, decode_metadata, did_you_mean
from skjetsim.io._names import Names
from skjetsim.utils._install import install_command
from skjetsim.utils._tables import rechunk

TREE_CLASSES = ("TTree", "TNtuple", "TNtupleD")


def import_uproot():
    """Import the module uproot, or say how to get it."""
    try:
        import uproot
    except ImportError as error:
        raise ImportError(
            f"ROOT files are read and written by Uproot, which is not installed: "
            f"{install_command('io')}"
        ) from error
    return uproot


def check_whole(path):
    """Compare the length of a ROOT file with the one in its header, TFile's fEND.

    The trees' own records do not show that a cut file lacks baskets.
    """
    with open(path, "rb") as file:
        header = file.read(20)
    size = os.path.getsize(path)
    if size == 0:
        problem = "it is empty"
    elif header[:4] != b"root"[: len(header)]:
        problem = "it does not begin as one"
    elif len(header) < 20:
        problem = f"it has {size} bytes"
    else:
        # Files beyond 2 GB have longer pointers, and a version above a million says so.
        long = struct.unpack(">i", header[4:8])[0] >= 1_000_000
        end = struct.unpack(">q" if long else ">i", header[12 : 20 if long else 16])[0]
        if 0 < end <= size:
            return
        problem = f"it has {size:,} bytes of {end:,}"
    raise ValueError(f"{path} is not a complete ROOT file: {problem}; copy it again.")


class RootReader:
    """Open ROOT file, and one tree (TTree or RNTuple) in it.

    Parameters
    ----------
    path : str
    tree : str or None
        Name of the tree; None takes the only one.

    Attributes
    ----------
    names : Names
        Of branches or fields.
    units : dict of str to str
    description : str or None
    n_rows : int
    """

    def __init__(self, path, tree=None):
        uproot = import_uproot()
        self.path = path
        check_whole(path)
        with complete(path, "ROOT"):
            self._file = uproot.open({os.path.abspath(path): None})
        try:
            self._open_tree(tree)
        except BaseException:
            self._file.close()
            raise

    def _open_tree(self, tree):
        with complete(self.path, "ROOT"):
            classes = self._file.classnames()
        name = _choose_tree(self.path, classes, tree)
        with complete(self.path, "ROOT"):
            # Square brackets would also look for a branch of this name, and a key cannot.
            self._tree = self._file.key(name).get()
            self._is_ntuple = classes[name].endswith("RNTuple")
            self._find_columns()
            self.n_rows = _whole_number(self._tree.num_entries)
            known = self._file.classnames(cycle=False).get(METADATA) == "TObjString"
            text = str(self._file[METADATA]) if known else None
            self.units, self.description = decode_metadata(text)

    def _find_columns(self):
        if self._is_ntuple:
            leaves = [(field.name, field) for field in self._tree.fields]
        else:
            leaves = list(_leaves(self._tree))
        self._branches = [branch for _, branch in leaves]
        short = [branch.name for branch in self._branches]
        self.names = Names(self.path, [full for full, _ in leaves], short)

    def kind(self, name):
        """What a branch or field holds, as `choose_columns` reads it."""
        return _branch_kind(self._branch(name), self._is_ntuple)

    def is_found(self, name, dtype):
        """Whether Uproot finds a column of numbers of this type under its name."""
        if self.kind(name) != SCALAR:
            return False
        branch = self._branch(name)
        try:
            found = self._tree[name]
        except KeyError:  # Uproot takes a leading slash for a path
            return False
        return found is branch and branch.interpretation.to_dtype == dtype

    def close(self):
        """Close the file."""
        self._file.close()

    def pieces(self, lengths, n_rows):
        """Give columns of the tree, about `n_rows` rows at a time; None is all at once.

        Parameters
        ----------
        lengths : dict of str to int or None
            Columns to read, and the length of lists.
        n_rows : int or None

        Yields
        ------
        dict of str to ndarray
        """
        if not self._is_ntuple:
            self._check_entries(lengths)
        with complete(self.path, "ROOT"):
            pieces = self._ntuple_pieces if self._is_ntuple else self._tree_pieces
            yield from pieces(lengths, n_rows)

    def _branch(self, name):
        return self._branches[self.names.position[name]]

    def _check_entries(self, names):
        for name in names:
            with complete(self.path, "ROOT"):
                n_entries = _whole_number(self._branch(name).num_entries)
            if n_entries != self.n_rows:
                raise ValueError(
                    f"{self.path}: branch {name!r} has {n_entries} entries, but its tree has "
                    f"{self.n_rows}, so that it is not a column of the same events. Name other "
                    "columns in columns=, or copy the file again if it should have them."
                )

    def _tree_pieces(self, lengths, n_rows):
        columns = [self._branch_pieces(*column, n_rows) for column in lengths.items()]
        for arrays in zip(*columns, strict=True):
            yield dict(zip(lengths, arrays, strict=True))

    def _branch_pieces(self, name, length, n_rows):
        """Entries of one branch, `n_rows` at a time.

        Uproot's functions for several branches look each of them up again by its short name, which
        another branch may have. So each branch is read by itself.
        """
        branch = self._branch(name)
        # numpy has no lists, and awkward arrays take longer for other columns.
        settings = {"library": "ak" if length is not None else "np", "array_cache": None}
        if n_rows is None or not self.n_rows:
            yield _entries(branch.array(**settings), length)
            return
        # Whole baskets: part of one costs as much to read.
        stops = map(int, branch.entry_offsets[1:])
        arrays = (
            branch.array(entry_start=start, entry_stop=stop, **settings)
            for start, stop in _ranges(stops, n_rows)
        )
        yield from rechunk((_entries(array, length) for array in arrays), n_rows)

    def _ntuple_pieces(self, lengths, n_rows):
        # A piece is whole clusters: part of one costs as much to read. Uproot also reads the
        # cluster after the last row, and its cache keeps it for the next piece.
        settings = {"array_cache": None} if n_rows is None else {}
        clusters = self._tree.cluster_summaries
        stops = [cluster.num_first_entry + cluster.num_entries for cluster in clusters]
        stops.append(self.n_rows)
        for start, stop in _ranges(stops, n_rows or self.n_rows) or [(0, 0)]:
            rows = {"entry_start": start, "entry_stop": stop}
            yield {
                name: _entries(self._branch(name).array(**rows, **settings), length)
                for name, length in lengths.items()
            }


def _entries(array, length):
    """Numbers or arrays as they are, and lists as rows of this length."""
    if length is None:
        return np.asarray(array)
    import awkward as ak

    return padded(ak.num(array), np.asarray(ak.flatten(array)), length)


def _whole_number(count):
    """Return a number of entries as an int: old trees keep it as a floating-point number."""
    if count != int(count):
        raise DamageError(f"the number of entries is {count}")
    return int(count)


def _ranges(stops, n_rows):
    """First and last rows of baskets or clusters, together at least `n_rows`, but for the last."""
    ranges, start, last = [], 0, 0
    for last in stops:
        if last - start >= n_rows:
            ranges.append((start, last))
            start = last
    return ranges if start == last else [*ranges, (start, last)]


def _choose_tree(path, classes, tree):
    """Name of the tree to read, with its cycle; without one, the last cycle is meant."""
    cycles = {}
    for key, kind in classes.items():
        if kind in TREE_CLASSES or kind.endswith("RNTuple"):
            name, _, cycle = key.rpartition(";")
            cycles[name] = max(int(cycle), cycles.get(name, 0))
    trees = [*cycles]
    if not trees:
        objects = sorted({key.rpartition(";")[0] for key in classes})
        found = f"it holds {objects[:10]}" if objects else "it is empty"
        raise ValueError(f"{path} has no TTree or RNTuple to read events from: {found}.")
    if tree is None:
        if len(trees) > 1:
            raise ValueError(
                f"{path} has several trees: pass tree= as one of {trees}, or add it to the path, "
                f"as in '{os.path.basename(path)}:{trees[0]}'."
            )
        tree = trees[0]
    if tree in cycles:
        return f"{tree};{cycles[tree]}"
    if tree in classes and tree.rpartition(";")[0] in cycles:
        return tree
    hint = did_you_mean(tree, trees) or f": it has {trees}."
    raise ValueError(f"{path} has no tree {tree!r}{hint}")


def _leaves(parent, path=""):
    """Full names and branches of all that holds data."""
    for branch in parent.branches:
        full = f"{path}{branch.name}"
        if branch.branches:
            yield from _leaves(branch, f"{full}/")
        else:
            yield full, branch


def _branch_kind(branch, is_field):
    # The form of one field: that of a whole RNTuple takes a minute for a thousand of them.
    try:
        if is_field:
            return _kind(branch.to_akform()[0].contents[0])
        return _kind(branch.interpretation.awkward_form(branch.file))
    except Exception:  # an object without a form: which error that is depends on the object
        return f"objects of type {branch.typename}"


def _kind(form):
    """What a branch or field of this Awkward form holds."""

    def is_number(one):
        return one.is_numpy and not one.inner_shape and one.parameter("__array__") is None

    if is_number(form):
        return SCALAR
    if (form.is_numpy and len(form.inner_shape) == 1) or (
        form.is_regular and is_number(form.content)
    ):
        return FIXED
    if form.is_list and is_number(form.content) and form.parameter("__array__") is None:
        return LIST
    text = str(form.type)
    return f"type {text}" if len(text) <= 60 else f"type {text[:60]}..."
