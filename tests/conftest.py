"""Settings of the whole suite."""

import os

# One thread a process: the suite runs on several, and small networks gain nothing from more.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
from _instances import fit, label, paired_events
from sklearn.base import clone

# pytest looks for doctests in every file, but can import only one module of this name.
collect_ignore_glob = ["*conftest.py"]


@pytest.fixture(scope="module")
def events():
    return paired_events()


@pytest.fixture(scope="module")
def fitted(events):
    """One fitted copy of an estimator, shared by the tests that only draw from it."""
    cache = {}

    def get(estimator):
        key = label(estimator)
        if key not in cache:
            cache[key] = fit(clone(estimator), *events)
        return cache[key]

    return get
