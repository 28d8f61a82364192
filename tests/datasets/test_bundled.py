"""Bundled files: what they hold, what made them, and how large they are together."""

from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim import datasets
from skjetsim.datasets import (
    load_gluon_jets,
    load_jet_images,
    load_showers,
    load_ttbar,
    load_zee,
    make_showers,
)

FOLDER = files("skjetsim.datasets") / "data"
FILES = sorted(path.name for path in FOLDER.iterdir() if path.name.endswith(".parquet"))
PAIRS = {"zee": (load_zee, 30_000, 8), "ttbar": (load_ttbar, 30_000, 24)}


def metadata(name):
    return pq.read_schema(FOLDER / name).metadata


def seed(name):
    return int(metadata(name)[b"seed"])


def skip_unless_same_generator(name):
    for package in ("pythia8mc", "fastjet"):
        try:
            found = version(package)
        except PackageNotFoundError:
            pytest.skip(f"needs {package}")
        if found.encode() != metadata(name)[package.encode()]:
            pytest.skip(f"another version of {package} made the bundled events")
    pytest.importorskip("awkward")


def text_of(bunch):
    """`DESCR` without the note on this sample."""
    text, _ = bunch.DESCR.split("**This sample**")
    return text


def test_all_files_are_small_together():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 15_000_000


@pytest.mark.parametrize("name", FILES)
def test_files_say_what_made_them(name):
    assert {b"pythia8mc", b"fastjet", b"seed"} <= metadata(name).keys()


@pytest.mark.parametrize("name", PAIRS)
def test_pairs(name):
    load, n_rows, n_columns = PAIRS[name]
    events = load()
    assert events.accepted.all()
    assert list(events.data.columns) == events.feature_names
    assert list(events.target.columns) == events.target_names
    assert len(events.feature_names) == len(events.target_names) == n_columns
    assert (events.data.dtypes == np.float64).all()
    assert isinstance(events.data.index, pd.RangeIndex)
    assert np.isfinite(events.data).all(axis=None)
    assert np.isfinite(events.target).all(axis=None)
    # The same events can be made again with these.
    note = events.DESCR.split("**This sample**")[1]
    assert f"random_state {seed(f'{name}.parquet')}" in note
    assert f"{n_rows} rows" in note
    assert f"{len(events.data) / n_rows:.3f} of the rows are accepted" in note
    X, y = load(return_X_y=True)
    assert_array_equal(X, events.data)
    assert_array_equal(y, events.target)

    (second,) = events.repeats
    both = second.target[second.accepted]
    assert (both != events.target[second.accepted]).any(axis=1).all()
    assert (second.target[~second.accepted] == 0).all(axis=None)

    everything = load(selection="all")
    assert everything.data.shape == (n_rows, n_columns)
    assert everything.target_names == [*events.target_names, "accepted"]
    assert_array_equal(everything.target["accepted"], everything.accepted.astype(float))
    assert_array_equal(everything.data[everything.accepted], events.data)
    rejected = everything.target[~everything.accepted]
    assert len(rejected) > 0.1 * n_rows
    assert (rejected == 0).all(axis=None)


@pytest.mark.parametrize("name", PAIRS)
def test_bad_selection(name):
    with pytest.raises(ValueError, match="selection"):
        PAIRS[name][0](selection="rejected")


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_what_the_generator_makes(name, full_batches):
    skip_unless_same_generator(f"{name}.parquet")
    generated = getattr(datasets, f"generate_{name}")(20, random_state=seed(f"{name}.parquet"))
    bundled = PAIRS[name][0](selection="all")
    assert_allclose(generated.data, bundled.data[:20], rtol=1e-6, atol=1e-6)
    target = bundled.target.drop(columns="accepted")
    assert_allclose(generated.target, target[:20], rtol=1e-6, atol=1e-6)
    assert_array_equal(generated.accepted, bundled.accepted[:20])


def test_reconstructed_tops_have_four_jets_above_threshold():
    events = load_ttbar()
    jets = [np.hypot(events.target[f"jet{i}_px"], events.target[f"jet{i}_py"]) for i in range(1, 5)]
    assert np.min(jets) > 20
    assert all((first >= second).all() for first, second in pairwise(jets))
    assert (events.target["met_pz"] == 0).all()
    assert set(events) >= {"matched", "n_jets"}
    assert (events.n_jets == 4).all()


@pytest.mark.parametrize("particle", ["electron", "photon", "pion"])
def test_showers(particle):
    showers = load_showers(particle)
    assert showers.particle == particle
    assert showers.target.shape == (3000, len(showers.target_names)) == (3000, 504)
    assert showers.deposited.shape == showers.overflow.shape == (3000, 3)
    total = showers.deposited.sum(axis=1) + showers.leakage + showers.invisible
    assert_allclose(total, showers.data["energy"], rtol=1e-5)
    assert showers.data["energy"].between(1, 100).all()
    again = make_showers(
        showers.data["energy"][:30], particle, random_state=seed("showers.parquet")
    )
    assert again.keys() == showers.keys()
    assert_allclose(again.target, showers.target[:30], rtol=3e-4)
    assert_allclose(again.leakage, showers.leakage[:30], rtol=1e-5, atol=1e-9)
    X, y = load_showers(particle, return_X_y=True)
    assert_array_equal(X, showers.data)
    assert_array_equal(y, showers.target)


def test_unknown_particle():
    with pytest.raises(ValueError, match="muon"):
        load_showers("muon")


def test_gluon_jets():
    jets = load_gluon_jets()
    assert jets.data.shape == jets.target.shape == (6000, 30, 3)
    assert jets.mask.shape == jets.target_mask.shape == (6000, 30)
    assert len(jets.jets) == len(jets.target_jets) == len(jets.accepted) == 6000
    assert jets.feature_names == jets.target_names == ["eta_rel", "phi_rel", "pt_rel"]
    assert jets.jets["pt"].between(900, 1100).all()
    assert jets.accepted.mean() > 0.99
    assert (jets.target[~jets.accepted] == 0).all()
    # The hardest come first, as fractions of the pT of the jet. 30 of them have nearly all of it.
    part = jets.data[:, :, 2]
    assert (np.diff(part, axis=1) <= 0).all()
    assert 0.85 < part.sum(axis=1).mean() < 1
    assert_array_equal(jets.mask, part > 0)
    X, y = load_gluon_jets(return_X_y=True)
    assert_array_equal(X, jets.data[jets.accepted])
    assert_array_equal(y, jets.target[jets.accepted])


def test_gluon_jets_are_what_the_generator_makes(full_batches):
    skip_unless_same_generator("gluon_jets.parquet")
    jets = load_gluon_jets()
    generated = datasets.generate_jets(20, random_state=seed("gluon_jets.parquet"))
    assert generated.keys() == jets.keys()
    assert_allclose(generated.data, jets.data[:20], rtol=3e-4, atol=1e-12)
    assert_allclose(generated.target_jets, jets.target_jets[:20], rtol=1e-6)
    assert text_of(jets) == text_of(generated)


@pytest.mark.parametrize("kind", ["w", "qcd"])
def test_jet_images(kind):
    images = load_jet_images(kind)
    assert images.data.shape == images.target.shape == (4000, 25, 25)
    assert images.jets["pt"].between(250, 300).all()
    assert images.jets["mass"].between(65, 95).all()
    # The scalar sum of constituents is a little larger than the sum of vectors.
    ratio = (images.data.sum(axis=(1, 2)) + images.jets["outside_pt"]) / images.jets["pt"]
    assert ratio.between(1 - 3e-4, 1.1).all()
    assert_allclose(ratio.median(), 1.018, atol=0.003)
    assert (images.target[~images.accepted] == 0).all()


def test_images_of_w_have_two_prongs():
    w, qcd = load_jet_images("w"), load_jet_images("qcd")
    assert w.jets["tau21"].median() < qcd.jets["tau21"].median() - 0.05


def test_jet_images_are_what_the_generator_makes(full_batches):
    skip_unless_same_generator("jet_images.parquet")
    images = load_jet_images("w")
    generated = datasets.generate_jet_images(20, "w", random_state=seed("jet_images.parquet"))
    assert generated.keys() == images.keys()
    assert_allclose(generated.data, images.data[:20], rtol=3e-4, atol=1e-9)
    assert_allclose(generated.jets, images.jets[:20], rtol=1e-5, atol=1e-6)
    assert text_of(images) == text_of(generated)
