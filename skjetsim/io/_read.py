"""Events from files."""

from contextlib import closing

from skjetsim.io._files import ROWS, as_files, file_format


def read_events(path, *, columns=None, tree=None, max_length=None, return_X_y=False):
    """Read events from Parquet and ROOT files.

    Parameters
    ----------
    path : str, path-like or sequence of them
        Files that end in ``.parquet`` or ``.root``, or patterns of them, such as
        ``"data/*.root"``. Files that match a pattern come in the order of their names. Several
        files are read one after another; their columns, dtypes and units have to agree.
        ``"events.root:Tree"`` also says which tree to read.

    columns : list of str, default=None
        Names in the file to read, in this order, and patterns of them, such as ``"Jet_*"``. None
        reads everything. A branch inside another is called by its short name if no other branch
        has it; its full name, such as ``"Jets/pt"``, always works.

    tree : str, default=None
        Which TTree or RNTuple of a ROOT file to read; None takes the only one.

    max_length : int or dict of str to int, default=None
        Number of columns for a list in each event, such as the jets of NanoAOD: ``Jet_pt``
        becomes ``Jet_pt_0`` to ``Jet_pt_<max_length - 1>``. Shorter lists are filled with 0, longer
        ones are cut. A dict gives the number by name or pattern, as in
        ``{"Jet_*": 4, "Muon_*": 2}``. Names come before patterns, and the first pattern that
        matches counts. None makes lists an error. Arrays of one length need no `max_length` and
        become columns in the same way.

    return_X_y : bool, default=False
        Return (X, y) of a file that has both levels, as ``write_events(path, X, y)`` makes them,
        instead of one table. If it has weights, they come third.

    Returns
    -------
    events : DataFrame of shape (n_samples, n_columns)
        Dtypes are those of the file, and so are missing values: NaN stays NaN. ``attrs["units"]``
        has the units that the file states, by column, and ``attrs["description"]`` its
        description or None. Weights are the column `sample_weight`.

    (X, y) or (X, y, sample_weight) : tuple of DataFrame and Series
        If `return_X_y` is True: the columns ``gen_<name>`` and ``reco_<name>``, as `name`, and
        the column `sample_weight`, if there is one.

    Raises
    ------
    ValueError
        If a file is truncated or damaged, its suffix is unknown, a column is not there or does not
        hold numbers, a name means several columns, a list has no length in `max_length`, an
        integer is missing, the tree is not there or is one of several, files differ, or there is
        no (X, y) to return.
    FileNotFoundError, IsADirectoryError
        If a path names no file, or a pattern matches none.
    ImportError
        For ROOT files without Uproot.

    See Also
    --------
    iter_events : The same in chunks, for files larger than the memory.
    write_events : Write such a file.

    Notes
    -----
    Units are never guessed: a file of other origin states none, and experiments differ (NanoAOD
    is in GeV, ATLAS in MeV).

    The header of a ROOT file and the end of a Parquet file show whether it was cut. Damage
    inside is found if there are checksums, which :func:`write_events` makes. Parquet may have them
    on its pages. ROOT has them in baskets compressed by zlib, LZMA or LZ4, but not by Zstandard.

    Examples
    --------
    >>> import os, tempfile
    >>> from skjetsim.datasets import load_wjet
    >>> from skjetsim.io import read_events, write_events
    >>> X, y = load_wjet(return_X_y=True)
    >>> path = os.path.join(tempfile.mkdtemp(), "wjet.parquet")
    >>> write_events(path, X, y)
    >>> list(read_events(path, columns=["gen_jet_mass", "reco_jet_p*"]))
    ['gen_jet_mass', 'reco_jet_px', 'reco_jet_py', 'reco_jet_pz']
    """
    from skjetsim.io._join import join, levels

    frame = join(_frames(*_check(path, columns, tree, max_length), None))
    return levels(frame) if return_X_y else frame


def iter_events(
    path, *, columns=None, tree=None, max_length=None, return_X_y=False, chunk_size=ROWS
):
    """Read events in chunks, in the order of the files.

    This takes the memory of a few chunks, or of a basket (TTree) or cluster (RNTuple) of the file
    if that is more.

    Parameters
    ----------
    path : str, path-like or sequence of them
        As in :func:`read_events`, like the next four parameters.

    columns : list of str, default=None
        Names in the file to read, and patterns of them; None reads everything.

    tree : str, default=None
        Which tree of a ROOT file to read; None takes the only one.

    max_length : int or dict of str to int, default=None
        Number of columns for a list in each event.

    return_X_y : bool, default=False
        Give (X, y), or (X, y, sample_weight), instead of one table.

    chunk_size : int, default=100_000
        Number of rows of a chunk; the last one has the rest.

    Returns
    -------
    chunks : iterator of DataFrame or of tuple
        What :func:`read_events` returns, in parts. The index continues from chunk to chunk. A file
        without events is one empty chunk.

    Raises
    ------
    ValueError, FileNotFoundError, IsADirectoryError, ImportError
        As in :func:`read_events`. What is wrong with a file is raised at the first chunk, damage
        inside it at the first chunk that it reaches.

    See Also
    --------
    read_events : All at once.
    write_events : It takes such an iterator, and so converts files of any size.

    Examples
    --------
    >>> import os, tempfile
    >>> from skjetsim.datasets import load_wjet
    >>> from skjetsim.io import iter_events, write_events
    >>> X, y = load_wjet(selection="all", return_X_y=True)
    >>> path = os.path.join(tempfile.mkdtemp(), "wjet.parquet")
    >>> write_events(path, X, y)
    >>> [len(chunk) for chunk in iter_events(path, chunk_size=12_000)]
    [12000, 12000, 6000]
    """
    from skjetsim.utils._validation import check_int

    chunk_size = check_int(chunk_size, "chunk_size")
    return _chunks(_check(path, columns, tree, max_length), return_X_y, chunk_size)


def _check(path, columns, tree, max_length):
    """Check the arguments of both readers before any file is open."""
    from skjetsim.utils._validation import first_duplicate

    files = as_files(path, tree)
    if columns is not None:
        names = [columns] if isinstance(columns, str) else list(columns)
        if isinstance(columns, str) or not all(isinstance(name, str) for name in names):
            raise TypeError(f"columns must be a list of str, got {columns!r}.")
        columns = names
        if not columns:
            raise ValueError("columns is an empty list: None reads everything.")
        if (twice := first_duplicate(columns)) is not None:
            raise ValueError(f"columns has {twice!r} twice.")
    return files, columns, _check_max_length(max_length)


def _check_max_length(max_length):
    from skjetsim.utils._validation import check_int

    if max_length is None or not isinstance(max_length, dict):
        return None if max_length is None else check_int(max_length, "max_length")
    for name in max_length:
        if not isinstance(name, str):
            raise TypeError(f"max_length must have names of columns as its keys, got {name!r}.")
    return {name: check_int(length, f"max_length[{name!r}]") for name, length in max_length.items()}


def _chunks(arguments, return_X_y, chunk_size):
    import pandas as pd

    from skjetsim.io._join import levels
    from skjetsim.utils._tables import rechunk

    start = 0
    for chunk in rechunk(_frames(*arguments, chunk_size), chunk_size):
        chunk.index = pd.RangeIndex(start, start + len(chunk))
        start += len(chunk)
        yield levels(chunk) if return_X_y else chunk


def _frames(files, columns, max_length, n_rows):
    """Tables of all files, about `n_rows` rows each; None is a file at a time."""
    from skjetsim.io._columns import as_frame, choose_columns
    from skjetsim.io._join import check_alike

    first = None
    for path, tree in files:
        with closing(open_events(path, file_format(path), tree)) as file:
            lengths = choose_columns(file, columns, max_length)
            for arrays in file.pieces(lengths, n_rows):
                frame = as_frame(path, arrays, file.units, file.description)
                if first is None:
                    first = frame.iloc[:0].copy()
                yield check_alike(frame, path, first, files[0][0])


def open_events(path, kind, tree=None):
    """Open a file of this format for reading."""
    if kind == "ROOT":
        from skjetsim.io._root import RootReader

        return RootReader(path, tree)
    from skjetsim.io._parquet import ParquetReader

    return ParquetReader(path)
