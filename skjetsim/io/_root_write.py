"""ROOT files: a TTree is written a basket at a time."""

from contextlib import contextmanager

from skjetsim.io._files import METADATA
from skjetsim.io._root import import_uproot

TREE = "events"


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
