"""Random numbers that make a shower independent of those simulated after it."""

from skjetsim.utils._seeds import numpy_rng

NAMES = (
    *("start", "share", "late", "response", "longitudinal", "profile"),
    *("n_spots", "radius", "angle", "depth", "cells", "quanta", "signal"),
)


class Streams:
    """One generator for each kind of draw of a chunk of showers, made when first asked for.

    Each kind goes through the showers in order. So the draws of a shower do not depend on how many
    others follow in its chunk, even if the number of draws is random.
    """

    def __init__(self, root, chunk):
        self._root = root
        self._chunk = chunk
        self._generators = {}

    def __call__(self, name, part=0):
        key = NAMES.index(name), part
        if key not in self._generators:
            self._generators[key] = numpy_rng(self._root, self._chunk, *key)
        return self._generators[key]
