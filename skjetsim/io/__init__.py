"""Events in files: Parquet and ROOT."""

from skjetsim.io._read import iter_events, read_events
from skjetsim.io._write import write_events

__all__ = ["iter_events", "read_events", "write_events"]
