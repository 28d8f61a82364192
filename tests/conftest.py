"""Settings of the whole suite."""

import os

# One thread a process: the suite runs on several, and small networks gain nothing from more.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")
