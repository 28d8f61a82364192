import numpy as np
import pandas as pd
import pytest
from metrics_toys import smear
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    # OpenMP threads of parallel test workers on shared cores wait for each other.
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def smeared():
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(2000, 2)) * [2.0, 1.0], columns=["jet_pt", "jet_eta"])
    return X, smear(X, 2)
