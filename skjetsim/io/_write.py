"""Events to files."""

import os

from skjetsim.io._files import ROWS, encode_metadata, file_format
from skjetsim.utils._atomic import replacing


def write_events(path, X, y=None, *, sample_weight=None, units=None, description=None):
    """Write events to a Parquet or a ROOT file.

    A row is an event and keeps its bits: dtypes stay, and so does NaN. An existing file is
    replaced in one step, or left as it was if writing fails.

    Parameters
    ----------
    path : str or path-like
        The suffix says the format: ``.parquet``, or ``.root`` for a TTree named `events`.

    X : DataFrame of shape (n_samples, n_features), or iterable of chunks
        Columns are float32, float64, integers or bool, and have names. Without `y` they are
        stored under these. An iterable gives DataFrames, tuples (X, y) or tuples
        (X, y, sample_weight), as :func:`iter_events` does, and is written in bounded memory.

    y : DataFrame of shape (n_samples, n_targets) or Series, default=None
        The same events at detector level. With it, the columns are stored as ``gen_<name>`` for
        X and ``reco_<name>`` for y.

    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the events, stored as the column `sample_weight`.

    units : dict of str to str, default=None
        Units of columns, by their name in X and y or in the file. Others keep the one in
        ``X.attrs["units"]``, where :func:`read_events` puts it. A table without that attribute
        has the package's units, by the last word of a name: GeV for px, py, pz, pt, et, E, energy,
        mass, met and ht, rad for phi and theta, none ("") for eta and rapidity. Any other column
        has no unit on record.

    description : str, default=None
        What the events are. None keeps ``X.attrs["description"]``.

    Raises
    ------
    ValueError
        If the suffix is unknown, names are missing or double, a dtype is not kept by files, X
        and y differ in length or index, the index means something (it has a name, or is not of
        integers), or a chunk differs from the first in columns or dtypes.
    TypeError
        If X, y or units are of another type.
    FileNotFoundError, IsADirectoryError, PermissionError
        If no file can have this name.
    OSError
        If the disk is full; the message says how much is free.
    ImportError
        For ROOT files without Uproot.

    See Also
    --------
    read_events : Read them again.
    iter_events : Read them in chunks.

    Notes
    -----
    An index of integers without a name counts rows, as it does after a selection, and is not
    stored: rows of a file are numbered from 0. Numbers in another byte order are stored in the
    format's own.

    Names and units are in the metadata of both formats, as a JSON text named `skjetsim`; each
    Parquet field also has its `unit`. Row groups and baskets have 100,000 rows, whatever the
    chunks. Parquet files are compressed by Snappy with a checksum on each page, ROOT files by
    zlib, which has its own, so that damage does not pass as numbers.

    The same events make the same Parquet file, byte for byte, with one version of Arrow. ROOT
    files differ from one writing to the next by the date and the identifier that the format asks
    for.

    Examples
    --------
    >>> import os, tempfile
    >>> from skjetsim.datasets import load_wjet
    >>> from skjetsim.io import read_events, write_events
    >>> X, y = load_wjet(return_X_y=True)
    >>> path = os.path.join(tempfile.mkdtemp(), "wjet.parquet")
    >>> write_events(path, X, y)
    >>> events = read_events(path)
    >>> events.columns[0], events.attrs["units"]["gen_muon_px"]
    ('gen_muon_px', 'GeV')
    >>> X_again, y_again = read_events(path, return_X_y=True)
    >>> bool((X_again == X.reset_index(drop=True)).all(axis=None))
    True
    """
    from skjetsim.io._tables import check_like_first, file_tables
    from skjetsim.io._units import resolve_units
    from skjetsim.utils._tables import rechunk

    path = os.fspath(path)
    writer = _writer(path)
    if description is not None and not isinstance(description, str):
        raise TypeError(f"description must be a str, got {type(description).__name__}.")
    with replacing(path, "events") as partial:
        tables = file_tables(X, y, sample_weight)
        first = next(tables, None)
        if first is None:
            raise ValueError("X is an iterable without chunks: there is nothing to write.")
        stated = resolve_units(list(first), first.attrs["units"], units)
        carried = first.attrs["description"]
        metadata = encode_metadata(stated, carried if description is None else description)
        dtypes = {name: dtype.newbyteorder("=") for name, dtype in first.dtypes.items()}
        with writer(partial, dtypes, metadata) as write:
            for table in rechunk(check_like_first(tables, first), ROWS):
                write(table)


def _writer(path):
    if file_format(path) == "ROOT":
        from skjetsim.io._root import import_uproot
        from skjetsim.io._root_write import root_writer

        import_uproot()
        return root_writer
    from skjetsim.io._parquet import parquet_writer

    return parquet_writer
