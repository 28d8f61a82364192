"""Rows that a sample holds several times: a classifier recognises a copy of what it has seen."""

import numpy as np
import pandas as pd

# A value that more than this share of a sample has is an atom of the distribution, such as a
# padding of zeros. A classifier has to see it on both sides.
LARGEST_GROUP = 0.1
# If fewer rows than this share are repeated, they hardly move the area. Rare combinations of
# discrete columns are a few.
_FEW = 0.01


def repeated_rows(one, other):
    """Number of the value of each row that its sample repeats and the other one lacks, else -1.

    A classifier recognises such a row in the test by its copies in the training. Values of both
    samples are no signs of a copy, but those of discrete columns.

    Parameters
    ----------
    one, other : ndarray of shape (n_one, n_columns), (n_other, n_columns)

    Returns
    -------
    ndarray of int, shape (n_one + n_other,), or None
        None if there is no such row.
    """
    samples = [_row_hashes(table) for table in (one, other)]
    ids, n_found = [], 0
    for own, others in (samples, samples[::-1]):
        code, values = pd.factorize(own)
        count = np.bincount(code)
        chosen = (count > 1) & (count <= LARGEST_GROUP * len(own))
        if chosen.any():
            chosen &= ~np.isin(values, others)
        if count[chosen].sum() < _FEW * len(own):
            chosen[:] = False
        number = np.where(chosen, n_found + np.cumsum(chosen) - 1, -1)
        n_found += int(chosen.sum())
        ids.append(number[code])
    return np.concatenate(ids) if n_found else None


def _row_hashes(table):
    """One 64-bit number for each row; equal rows have equal numbers."""
    bits = np.ascontiguousarray(table + 0.0).view(np.uint64)  # 0.0 and -0.0 are equal
    result = np.zeros(len(table), dtype=np.uint64)
    for column in bits.T:
        result = (result ^ column) * np.uint64(0x9E3779B97F4A7C15)
        result ^= result >> np.uint64(29)
    return result
