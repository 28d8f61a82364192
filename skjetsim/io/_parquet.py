"""Parquet files: read in pieces, written a row group at a time."""

from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skjetsim.io._columns import FIXED, LIST, SCALAR, padded
from skjetsim.io._files import METADATA, ROWS, complete, decode_metadata
from skjetsim.io._names import Names


class ParquetReader:
    """Open Parquet file.

    Parameters
    ----------
    path : str

    Attributes
    ----------
    names : Names
    units : dict of str to str
    description : str or None
    n_rows : int
    """

    def __init__(self, path):
        self.path = path
        with complete(path, "Parquet"):
            # Without both settings a whole row group is in memory at once, whatever the chunk.
            self._file = pq.ParquetFile(
                path, pre_buffer=False, buffer_size=1 << 20, page_checksum_verification=True
            )
            schema = self._file.schema_arrow
            text = (schema.metadata or {}).get(METADATA.encode())
            self.units, self.description = decode_metadata(text)
            self.n_rows = self._file.metadata.num_rows
        self.names = Names(path, schema.names)
        self._types = {field.name: field.type for field in schema}

    def kind(self, name):
        """What a column holds, as `choose_columns` reads it."""
        return _kind(self._types[name])

    def is_found(self, name, dtype):
        """Whether the file has a column of numbers of this type under its name."""
        return self._types[name] == pa.from_numpy_dtype(dtype)

    def close(self):
        """Close the file."""
        self._file.close()

    def pieces(self, lengths, n_rows):
        """Give columns of the file, `n_rows` rows or fewer at a time; None is all at once.

        Parameters
        ----------
        lengths : dict of str to int or None
            Columns to read, and the length of lists.
        n_rows : int or None

        Yields
        ------
        dict of str to ndarray
        """
        first = 0
        for table in self._tables(list(lengths), n_rows):
            yield {
                name: self._entries(name, length, table.column(name), first)
                for name, length in lengths.items()
            }
            first += len(table)

    def _tables(self, names, n_rows):
        with complete(self.path, "Parquet"):
            if n_rows is None or self.n_rows == 0:
                yield self._file.read(columns=names)
                return
            for batch in self._file.iter_batches(batch_size=n_rows, columns=names):
                yield pa.Table.from_batches([batch])

    def _entries(self, name, length, column, first):
        """Column as numpy has it; `first` is the row of the file that it begins with."""
        kind = self.kind(name)
        if kind == SCALAR:
            if column.null_count and not pa.types.is_floating(column.type):
                row = first + pc.index(column.is_null(), True).as_py()
                raise self._null_error(name, column, f"null, first in row {row}")
            return column.to_numpy()
        column = column.combine_chunks()
        if column.null_count:
            raise self._null_error(name, column, "null instead of a list")
        entries = column.flatten()
        if entries.null_count and not pa.types.is_floating(entries.type):
            raise self._null_error(name, entries, "null in lists")
        entries = entries.to_numpy(zero_copy_only=False)
        if kind == FIXED:
            return entries.reshape(len(column), column.type.list_size)
        return padded(column.value_lengths().to_numpy(), entries, length)

    def _null_error(self, name, values, what):
        """Return the error for null among values that are not floats, and so have no NaN."""
        return ValueError(
            f"{self.path}: column {name!r} has {values.null_count} missing values ({what}), for "
            f"which {values.type} has no number. Fill them where the file is written, or name "
            "other columns in columns=."
        )


def _kind(arrow):
    """What a column of this Arrow type holds."""
    types = pa.types

    def is_number(one):
        return types.is_integer(one) or types.is_floating(one) or types.is_boolean(one)

    if is_number(arrow):
        return SCALAR
    if types.is_fixed_size_list(arrow) and is_number(arrow.value_type):
        return FIXED if arrow.list_size else "arrays of length 0"
    if (types.is_list(arrow) or types.is_large_list(arrow)) and is_number(arrow.value_type):
        return LIST
    return f"type {arrow}"


@contextmanager
def parquet_writer(path, dtypes, metadata):
    """Function that adds a table to a new Parquet file.

    Parameters
    ----------
    path : str
    dtypes : dict of str to dtype
    metadata : str
    """
    units, _ = decode_metadata(metadata)
    stated = {name: {"unit": unit} for name, unit in units.items()}
    fields = [
        pa.field(name, pa.from_numpy_dtype(dtype), nullable=False, metadata=stated.get(name))
        for name, dtype in dtypes.items()
    ]
    schema = pa.schema(fields, metadata={METADATA: metadata})

    def write(frame):
        columns = [
            pa.array(frame[name].to_numpy().astype(dtype, copy=False))
            for name, dtype in dtypes.items()
        ]
        writer.write_table(pa.Table.from_arrays(columns, schema=schema), row_group_size=ROWS)

    # Momenta hardly repeat: a dictionary of them costs time and saves nothing.
    with pq.ParquetWriter(path, schema, use_dictionary=False, write_page_checksum=True) as writer:
        yield write
