"""What all generate_ functions share: settings of Pythia, stored chunks, progress."""

from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skjetsim.datasets import DetectorCard, generate_zmumu
from skjetsim.datasets._chain import _events, _process, _pythia

pytestmark = pytest.mark.usefixtures("pythia")


# Multiparton interactions take most of the time.
FAST = ["PartonLevel:MPI = off"]


@pytest.fixture(autouse=True)
def smaller_batches(monkeypatch):
    monkeypatch.setattr(_pythia, "BATCH_SIZE", 16)


def beam_energy_share(table):
    """Longitudinal momentum of the pair, which is at most that of a beam."""
    return np.abs(table["muon_pz"] + table["antimuon_pz"]).max()


def test_settings_change_the_events():
    lhc = generate_zmumu(60, random_state=0, settings=FAST)
    slow = generate_zmumu(60, random_state=0, settings=[*FAST, "Beams:eCM = 1000."])
    assert beam_energy_share(slow.data) < 500 < beam_energy_share(lhc.data)


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        (["NoSuch:thing = 1"], ValueError, "'NoSuch:thing = 1'"),
        (["HardQCD:all = perhaps"], ValueError, "'HardQCD:all = perhaps'"),
        (["Beams:eCM = -5."], ValueError, "out of range"),
        (["Beams:eCM 20."], ValueError, "cannot start"),
        (["WeakSingleBoson:ffbar2gmZ = off"], ValueError, "cannot start"),
        (["23:mMin = 130."], ValueError, r"23:mMin = 130.*maximum 120"),
        (["Random:seed = 3"], ValueError, "random_state"),
        (["23:onIfMatch = 15 -15", "23:offIfMatch = 13 -13"], ValueError, "passed the selection"),
        ("Beams:eCM = 7000.", TypeError, "list of strings"),
        ({"Beams:eCM": 7000.0}, TypeError, "list of strings"),
        ([7000.0], TypeError, "strings"),
    ],
)
def test_impossible_settings(settings, error, match, monkeypatch):
    monkeypatch.setattr(_events, "MAX_EMPTY_EVENTS", 16)
    with pytest.raises(error, match=match):
        generate_zmumu(1, random_state=0, settings=settings)


def test_a_hook_that_drops_everything_is_an_error(monkeypatch):
    """Pythia would never return."""
    monkeypatch.setattr(_process, "MAX_DROPPED", 20)
    monkeypatch.setattr(_process, "LEPTON_PT_MIN", 1e4)
    with pytest.raises(ValueError, match=r"None of the last 20 .*Z -> mumu"):
        generate_zmumu(1, random_state=0)


def test_descr_tells_what_this_sample_was_made_with(quick_pileup):
    default = generate_zmumu(3, random_state=0).DESCR
    text, note = default.split("**This sample**")
    assert "random_state 0;" in note
    assert "detector" not in note
    card = replace(DetectorCard(), muon_scale=1.01)
    events = generate_zmumu(
        4, random_state=0, detector=card, n_pileup=0.5, settings=["Beams:eCM = 7000."]
    )
    same_text, note = events.DESCR.split("**This sample**")
    assert same_text == text
    for words in (
        *("4 rows", "'Beams:eCM = 7000.'", "0.5 other collisions per event", "muon_scale 1.01"),
        f"{events.accepted.mean():.3f} of the rows are accepted",
    ):
        assert words in note, words
    default_names = DetectorCard.atlas()
    assert "magnetic_field 2.0" in generate_zmumu(1, random_state=0, detector=default_names).DESCR


def test_worker_processes_make_the_same_events(full_batches, monkeypatch):
    monkeypatch.setattr(_events, "CHUNK_ROWS", 4)
    one, two = (generate_zmumu(6, random_state=0, settings=FAST, n_jobs=n) for n in (1, 2))
    assert_array_equal(one.data, two.data)
    assert_array_equal(one.target, two.target)


@pytest.mark.parametrize(
    ("n_pileup", "error"), [(-1, ValueError), (np.nan, ValueError), ("20", TypeError)]
)
def test_bad_pileup(n_pileup, error):
    with pytest.raises(error, match="n_pileup"):
        generate_zmumu(1, n_pileup=n_pileup)


@pytest.mark.parametrize(("n_jobs", "error"), [(0, ValueError), (1.5, TypeError)])
def test_bad_numbers_of_workers(n_jobs, error):
    with pytest.raises(error, match="n_jobs must"):
        generate_zmumu(1, n_jobs=n_jobs)


@pytest.mark.parametrize("wrap", [str, Path, lambda folder: joblib.Memory(folder, verbose=0)])
def test_memory_keeps_chunks(tmp_path, monkeypatch, wrap):
    monkeypatch.setattr(_events, "CHUNK_ROWS", 8)
    memory = wrap(tmp_path / "cache")
    first = generate_zmumu(16, random_state=1, settings=FAST, memory=memory)
    calls = []
    original = _events.selected_events

    def counted(*arguments):
        calls.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(_events, "selected_events", counted)
    again = generate_zmumu(16, random_state=1, settings=FAST, memory=memory)
    assert calls == []
    assert_array_equal(again.data, first.data)
    assert_array_equal(again.target, first.target)
    assert_array_equal(generate_zmumu(16, random_state=1, settings=FAST).target, first.target)
    assert len(calls) == 2
    # Stored rows are found again for more rows, but not for another detector or seed.
    more = generate_zmumu(24, random_state=1, settings=FAST, memory=memory)
    assert len(calls) == 3
    assert_array_equal(more.target[:16], first.target)
    other = replace(DetectorCard(), muon_scale=1.1)
    scaled = generate_zmumu(8, random_state=1, settings=FAST, memory=memory, detector=other)
    assert len(calls) == 4
    assert_array_equal(scaled.data, first.data[:8])
    generate_zmumu(8, random_state=2, settings=FAST, memory=memory)
    assert len(calls) == 5


def test_memory_needs_a_seed(tmp_path):
    with pytest.raises(ValueError, match="random_state"):
        generate_zmumu(1, memory=tmp_path)


def test_memory_that_cannot_be_written(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OSError, match=r"memory cannot be written .*file"):
        generate_zmumu(1, random_state=0, memory=str(file / "cache"))


def test_memory_of_another_kind():
    with pytest.raises(ValueError, match="memory"):
        generate_zmumu(1, random_state=0, memory=3)
