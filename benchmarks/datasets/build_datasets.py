"""Make the files that ``skjetsim.datasets`` bundles, each from one seed.

``python -m benchmarks.datasets.build_datasets zee`` writes ``skjetsim/datasets/data/zee.parquet``,
for example. Without names it makes all files, which takes about an hour on two cores.
"""

import argparse
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.shared.event_samples import to_table
from skjetsim import datasets

FOLDER = Path(datasets.__file__).parent / "data"
SEED = 20_260_101
MADE_WITH = ("pythia8mc", "fastjet", "numpy")
MAX_TOTAL_BYTES = 15_000_000

PAIR_ROWS = {"wjet": 30_000, "zee": 30_000, "ttbar": 30_000}
N_GLUON_JETS = 6_000
N_JET_IMAGES = 4_000
N_SHOWERS = 3_000
# What was generated is found again when a run is repeated.
CACHE = Path(__file__).parents[1] / ".cache" / "bundled"
# Significant bits of what is in clouds, images and cells: steps of 0.02%.
N_BITS = 12


def options(n_jobs):
    """Arguments of every generator."""
    return {"random_state": SEED, "memory": CACHE, "n_jobs": n_jobs, "verbose": 1}


def build_pair(name, n_jobs):
    """Both levels of a process, and a second detector pass."""
    generate = getattr(datasets, f"generate_{name}")
    events = generate(PAIR_ROWS[name], n_detector=2, **options(n_jobs))
    write(name, {name: values.to_numpy() for name, values in to_table(events).items()})


def build_gluon_jets(n_jobs):
    """Clouds of gluon jets on both levels."""
    jets = datasets.generate_jets(N_GLUON_JETS, "gluon", **options(n_jobs))
    write("gluon_jets", level_arrays(jets))


def build_jet_images(n_jobs):
    """Images of both kinds, joined along the rows."""
    parts = []
    for kind in ("w", "qcd"):
        images = datasets.generate_jet_images(N_JET_IMAGES, kind, **options(n_jobs))
        parts.append({"kind": np.full(N_JET_IMAGES, kind), **level_arrays(images)})
    write("jet_images", stack(parts))


def build_showers(n_jobs):
    """Showers of all particles, joined along the rows."""
    energy = np.random.default_rng(SEED).uniform(1, 100, N_SHOWERS)
    # Stored in single precision: what is simulated is what is read.
    energy = energy.astype(np.float32).astype(np.float64)
    parts = []
    for particle in ("electron", "photon", "pion"):
        showers = datasets.make_showers(energy, particle, random_state=SEED, n_jobs=n_jobs)
        arrays = {name: showers[name] for name in ("deposited", "overflow", "leakage", "invisible")}
        arrays["target"] = round_bits(showers.target, N_BITS)
        parts.append({"particle": np.full(N_SHOWERS, particle), "energy": energy, **arrays})
    write("showers", stack(parts))


def level_arrays(bunch):
    """Arrays of both levels. Clouds and images are rounded, tables of jets are split by column."""
    arrays = {name: round_bits(bunch[name], N_BITS) for name in ("data", "target")}
    for name in ("jets", "target_jets"):
        arrays |= {f"{name}_{column}": bunch[name][column].to_numpy() for column in bunch[name]}
    return arrays | {name: bunch[name] for name in ("accepted", "parton_delta_r") if name in bunch}


def round_bits(values, n_bits):
    """Single precision with a significand of `n_bits` bits."""
    drop = 24 - n_bits
    bits = values.astype(np.float32).view(np.uint32)
    bits = ((bits + (1 << (drop - 1))) >> drop) << drop
    return bits.view(np.float32)


def stack(parts):
    """Join dicts of arrays."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def write(name, arrays):
    """Write arrays with one row per event. Arrays of more dimensions become lists of one length."""
    columns, shapes = {}, {}
    for key, values in arrays.items():
        values = values.astype(np.float32) if values.dtype == np.float64 else values
        flat = pa.array(values.reshape(-1))
        size = int(np.prod(values.shape[1:]))
        if values.ndim > 1:
            shapes[f"shape {key}"] = ",".join(map(str, values.shape[1:]))
        columns[key] = flat if values.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, size)
    made_with = {package: version(package) for package in MADE_WITH} | {"seed": str(SEED)}
    table = pa.table(columns).replace_schema_metadata(made_with | shapes)
    floats = [
        f"{field.name}.list.element" if pa.types.is_fixed_size_list(field.type) else field.name
        for field in table.schema
        if pa.types.is_floating(getattr(field.type, "value_type", field.type))
    ]
    path = FOLDER / f"{name}.parquet"
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=False,
        # Groups the exponents of neighbouring rows, which then compress.
        column_encoding=dict.fromkeys(floats, "BYTE_STREAM_SPLIT"),
    )
    total = sum(file.stat().st_size for file in FOLDER.iterdir())
    print(f"{path.name}: {len(table)} rows, {path.stat().st_size} bytes; all files {total} bytes")
    if total > MAX_TOTAL_BYTES:
        raise SystemExit(f"The bundled files are larger than {MAX_TOTAL_BYTES} bytes together.")


BUILDERS = {
    **{name: lambda n_jobs, name=name: build_pair(name, n_jobs) for name in PAIR_ROWS},
    "gluon_jets": build_gluon_jets,
    "jet_images": build_jet_images,
    "showers": build_showers,
}


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=", ".join(BUILDERS))
    parser.add_argument("--n-jobs", type=int, default=2)
    options = parser.parse_args()
    for name in options.names or BUILDERS:
        BUILDERS[name](options.n_jobs)


if __name__ == "__main__":
    main()
