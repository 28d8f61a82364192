"""Events to files."""

import os
from itertools import chain

from skjetsim.io._files import ROWS, encode_metadata, file_format
from skjetsim.utils._atomic import replacing

READ_BACK = 1_000  # rows


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
        stored under these. Tables of polars and pyarrow, dicts of arrays, structured arrays and
        awkward records are read by name, too. An iterable gives such tables, tuples (X, y) or
        tuples (X, y, sample_weight), as :func:`iter_events` does, and is written in bounded memory.

    y : DataFrame of shape (n_samples, n_targets) or Series, default=None
        The same events at detector level. With it, the columns are stored as ``gen_<name>`` for
        X and ``reco_<name>`` for y.

    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the events, stored as the column `sample_weight`.

    units : str or dict of str to str, default=None
        Units of columns, by their name in X and y or in the file, or by a pattern such as
        ``{"*_p[xyz]": "GeV"}``. Names come before patterns. Others keep the unit in
        ``X.attrs["units"]``, where :func:`read_events` puts it. A column without either has no
        unit on record: its name does not tell MeV from GeV. A str, such as "GeV", is the unit of
        all columns whose last word is px, py, pz, pt, et, E, energy, mass, met or ht. With it,
        phi and theta are in rad, and eta and rapidity have no unit (""), unless ``X.attrs`` says
        otherwise.

    description : str, default=None
        What the events are. None keeps ``X.attrs["description"]``.

    Raises
    ------
    ValueError
        If the suffix is unknown, names are missing or double, the format cannot keep a name, a
        dtype is not kept by files, X and y differ in length or index, the index means something
        (it has a name, or is not of integers), or a chunk differs from the first in columns,
        dtypes or units.
    TypeError
        If X, y or units are of another type.
    FileNotFoundError, IsADirectoryError, PermissionError
        If no file can have this name.
    OSError
        If the disk is full; the message says how much is free. Also if the file is not read back
        as it was written.
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

    Before the file takes its place, it is opened again. Each column has to be found under its name,
    all rows have to be there, and the first 1,000 have to be the same, bit by bit. ROOT cannot keep
    names such as ``jet_pt[1]`` or ``/x``, since it reads brackets as the length of an array and a
    slash as a branch inside another. Such a name is an error before any event is written.

    pandas keeps ``X.attrs`` if numbers are changed. After a conversion, as in ``X * 1000``, say
    what is true in `units` or in ``X.attrs["units"]``.

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
    >>> write_events(path, X, y, units="GeV")
    >>> events = read_events(path)
    >>> events.columns[0], events.attrs["units"]["gen_muon_px"]
    ('gen_muon_px', 'GeV')
    >>> X_again, y_again = read_events(path, return_X_y=True)
    >>> bool((X_again == X.reset_index(drop=True)).all(axis=None))
    True
    """
    from skjetsim.io._read_back import check_content, check_names
    from skjetsim.io._tables import file_tables, like_first
    from skjetsim.utils._tables import rechunk

    path = os.fspath(path)
    kind, writer = _writer(path)
    if description is not None and not isinstance(description, str):
        raise TypeError(f"description must be a str, got {type(description).__name__}.")
    with replacing(path, "events") as partial:
        tables = like_first(file_tables(X, y, sample_weight), units)
        first = next(tables)
        carried = first.attrs["description"]
        description = carried if description is None else description
        metadata = encode_metadata(first.attrs["units"], description)
        dtypes = {name: dtype.newbyteorder("=") for name, dtype in first.dtypes.items()}
        with writer(partial, dtypes, metadata):
            pass
        check_names(partial, kind, dtypes)
        head, n_rows = None, 0
        with writer(partial, dtypes, metadata) as write:
            for table in rechunk(chain([first], tables), ROWS):
                write(table)
                head = table[:READ_BACK].copy() if head is None else head
                n_rows += len(table)
        check_content(partial, kind, head, n_rows)


def _writer(path):
    if file_format(path) == "ROOT":
        from skjetsim.io._root import import_uproot
        from skjetsim.io._root_write import root_writer

        import_uproot()
        return "ROOT", root_writer
    from skjetsim.io._parquet import parquet_writer

    return "Parquet", parquet_writer
