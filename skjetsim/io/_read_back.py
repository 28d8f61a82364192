"""Written files are read back before they take the place of another."""

from contextlib import closing

from skjetsim.io._read import open_events

HINTS = {
    "ROOT": (
        " ROOT reads [n] as the length of an array and / as a branch inside another. Rename the "
        "column, as in X.rename(columns={...}), or write a .parquet file."
    ),
    "Parquet": " Rename the column, as in X.rename(columns={...}).",
}


def check_names(path, kind, dtypes):
    """Raise if columns of a file without events are not found under their names.

    Parameters
    ----------
    path : str
    kind : {"Parquet", "ROOT"}
    dtypes : dict of str to dtype
        What was written.

    Raises
    ------
    ValueError
        If this format cannot keep a name.
    """
    with closing(open_events(path, kind)) as file:
        for name, dtype in dtypes.items():
            if name not in file.names.position or not file.is_found(name, dtype):
                raise ValueError(
                    f"A {kind} file cannot keep the column name {name!r}: under this name another "
                    f"column, or none, is read back.{HINTS[kind]}"
                )


def check_content(path, kind, first, n_rows):
    """Raise if a file does not have its columns, its number of rows, or its first rows.

    Parameters
    ----------
    path : str
    kind : {"Parquet", "ROOT"}
    first : DataFrame
        The first rows that were written.
    n_rows : int
        Number of all rows that were written.

    Raises
    ------
    OSError
        If anything differs.
    """
    with closing(open_events(path, kind)) as file:
        if file.names.shown != list(first) or file.n_rows != n_rows:
            raise OSError(
                f"The file that was written has {file.n_rows} rows of {file.names.shown}, not "
                f"{n_rows} of {list(first)}."
            )
        arrays = next(file.pieces(dict.fromkeys(first), max(len(first), 1)))
    for name, values in arrays.items():
        written = first[name].to_numpy()
        # Bits are compared, since NaN differs from itself.
        same = written.astype(values.dtype, copy=False).tobytes() == values.tobytes()
        if written.dtype.newbyteorder("=") != values.dtype or not same:
            raise OSError(f"Column {name!r} of the file that was written is read back differently.")
