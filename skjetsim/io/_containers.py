"""What may be written as a table: pandas, and tables that Arrow knows."""

import pandas as pd


def is_table(X):
    """Whether these are named columns of pandas, polars or pyarrow."""
    return isinstance(X, pd.DataFrame) or _arrow_table(X) is not None


def as_pandas(X, what):
    """Table as a pandas DataFrame with its dtypes.

    Parameters
    ----------
    X : DataFrame, table of polars or pyarrow, or None
    what : str
        "X" or "y", for messages.

    Raises
    ------
    ValueError
        If a value is missing that is not a float, and so has no NaN.
    """
    if X is None or isinstance(X, pd.DataFrame):
        return X
    import pyarrow as pa

    table = _arrow_table(X)
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.null_count and not pa.types.is_floating(column.type):
            raise ValueError(
                f"{what} column {name!r} has {column.null_count} missing values, for which "
                f"{column.type} has no number: fill them."
            )
    return table.to_pandas()


def _arrow_table(X):
    """Table of Arrow, or None. Only polars and pyarrow are asked."""
    library = type(X).__module__.partition(".")[0]
    if library == "polars" and type(X).__name__ == "DataFrame":
        return X.to_arrow()
    if library == "pyarrow" and type(X).__name__ in ("Table", "RecordBatch"):
        import pyarrow as pa

        return pa.Table.from_batches([X]) if type(X).__name__ == "RecordBatch" else X
    return None


def not_a_table(X, what="X"):
    """End of a message: the type of X, and how it becomes a table."""
    kind = type(X).__name__
    if kind == "LazyFrame":
        return f"{kind}. {what}.collect() reads it."
    names = getattr(X, "fields", None) or getattr(getattr(X, "dtype", None), "names", None)
    if names:
        return (
            f"{kind}. Name its columns: pandas.DataFrame({{name: {what}[name] for name in ...}})."
        )
    if isinstance(X, dict):
        return f"{kind}. pandas.DataFrame({what}) is one."
    return f"{kind}. Columns need names: pandas.DataFrame({what}, columns=[...])."
