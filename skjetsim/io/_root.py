"""ROOT files: TTree and RNTuple are read in pieces, TTree is written a basket at a time."""

import os
import struct
from collections import Counter
from contextlib import contextmanager

import numpy as np

from skjetsim.io._columns import FIXED, LIST, SCALAR
from skjetsim.io._files import METADATA, complete, decode_metadata, did_you_mean

TREE = "events"
TREE_CLASSES = ("TTree", "TNtuple", "TNtupleD")


def import_uproot():
    """Import the module uproot, or say how to get it."""
    try:
        import uproot
    except ImportError as error:
        raise ImportError(
            "ROOT files are read and written by Uproot, which is not installed: "
            "pip install skjetsim[io]"
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
    names : list of str
        Branches or fields.
    units : dict of str to str
    description : str or None
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
            classes = self._file.classnames(cycle=False)
        name = _choose_tree(self.path, classes, tree)
        with complete(self.path, "ROOT"):
            self._tree = self._file[name]
            self._is_ntuple = classes[name].endswith("RNTuple")
            self._forms = self._tree.to_akform()[0] if self._is_ntuple else None
            self._branches = {} if self._is_ntuple else _branches(self._tree)
            self.names = self._forms.fields if self._is_ntuple else list(self._branches)
            known = classes.get(METADATA) == "TObjString"
            text = str(self._file[METADATA]) if known else None
            self.units, self.description = decode_metadata(text)

    def kind(self, name):
        """What a branch or field holds, as `choose_columns` reads it."""
        if self._is_ntuple:
            return _kind(self._forms.content(name))
        return _branch_kind(self._branches[name])

    def close(self):
        """Close the file."""
        self._file.close()

    def pieces(self, names, n_rows):
        """Columns `names` of the tree, about `n_rows` rows at a time; None is all at once."""
        with complete(self.path, "ROOT"):
            pieces = self._ntuple_pieces if self._is_ntuple else self._tree_pieces
            yield from pieces(names, n_rows)

    def _tree_pieces(self, names, n_rows):
        wanted = set(names)
        in_file = {name: branch for name, branch in self._branches.items() if name in wanted}
        for branch in in_file.values():
            if branch.num_entries != self._tree.num_entries:
                raise ValueError(
                    f"the tree has {self._tree.num_entries} entries, branch {branch.name!r} "
                    f"{branch.num_entries}"
                )
        keys = {branch.cache_key for branch in in_file.values()}
        settings = {
            "filter_branch": lambda branch: branch.cache_key in keys,
            "how": tuple,
            # numpy has no lists, and awkward arrays take longer for other columns.
            "library": "ak" if any(self.kind(name) == LIST for name in names) else "np",
        }
        if self._tree.num_entries == 0:
            pieces = iter([self._tree.arrays(**settings)])
        else:
            pieces = self._tree.iterate(step_size=n_rows or self._tree.num_entries, **settings)
        for arrays in pieces:
            found = dict(zip(in_file, arrays, strict=True))
            yield {name: self._entries(name, found[name]) for name in names}

    def _ntuple_pieces(self, names, n_rows):
        chosen = set(names)
        # A piece is whole clusters: part of one costs as much to read. Uproot also reads the
        # cluster after the last row, and its cache keeps it for the next piece.
        settings = {"filter_field": lambda field: field.path in chosen}
        if n_rows is None:
            settings["array_cache"] = None
        for start, stop in _cluster_ranges(self._tree, n_rows):
            arrays = self._tree.arrays(entry_start=start, entry_stop=stop, **settings)
            yield {name: self._entries(name, arrays[name]) for name in names}

    def _entries(self, name, array):
        if self.kind(name) != LIST:
            return np.asarray(array)
        import awkward as ak

        return np.asarray(ak.num(array)), np.asarray(ak.flatten(array))


def _cluster_ranges(ntuple, n_rows):
    """First and last row of the pieces of an RNTuple: clusters, together at least `n_rows`."""
    stops = [cluster.num_first_entry + cluster.num_entries for cluster in ntuple.cluster_summaries]
    start = 0
    for stop in stops:
        if n_rows is not None and stop - start >= n_rows:
            yield start, stop
            start = stop
    if start < ntuple.num_entries or not stops:
        yield start, ntuple.num_entries


def _choose_tree(path, classes, tree):
    """Name of the tree to read. Cycles (older versions of an object) count as one."""
    trees = [
        name for name, kind in classes.items() if kind in TREE_CLASSES or kind.endswith("RNTuple")
    ]
    if not trees:
        found = f"it holds {sorted(classes)[:10]}" if classes else "it is empty"
        raise ValueError(f"{path} has no TTree or RNTuple to read events from: {found}.")
    if tree is None:
        if len(trees) == 1:
            return trees[0]
        raise ValueError(f"{path} has several trees: pass tree= as one of {trees}.")
    if tree not in trees:
        hint = did_you_mean(tree, trees) or f": it has {trees}."
        raise ValueError(f"{path} has no tree {tree!r}{hint}")
    return tree


def _branches(tree):
    """Branches that hold data, by name."""
    leaves = [pair for pair in tree.iteritems(recursive=True) if not pair[1].branches]
    count = Counter(branch.name for _, branch in leaves)
    # Branches of two objects may share a name; their full paths do not.
    return {branch.name if count[branch.name] == 1 else path: branch for path, branch in leaves}


def _branch_kind(branch):
    try:
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
    return f"type {form.type}"


@contextmanager
def root_writer(path, dtypes, metadata):
    """Function that adds a table to the TTree `events` of a new ROOT file.

    Parameters
    ----------
    path : str
    dtypes : dict of str to dtype
    metadata : str
    """
    uproot = import_uproot()

    def write(frame):
        if len(frame):
            tree.extend({name: frame[name].to_numpy() for name in dtypes})

    # Zlib is the only compression that has a checksum, makes momenta smaller, and is read by every
    # ROOT. Zstandard would take a tenth of the time, and read a damaged basket as numbers.
    compression = uproot.ZLIB(1)
    with open(path, "w+b") as stream, uproot.recreate(stream, compression=compression) as file:
        file[METADATA] = metadata
        tree = file.mktree(TREE, dtypes)
        yield write
