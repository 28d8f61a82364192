"""What the tests of generated events share."""

import pytest

from skjetsim.datasets._chain import _pileup, _pythia
from skjetsim.datasets._chain._events import selected_events
from skjetsim.datasets._wjet import WJET

FULL_BATCH = _pythia.BATCH_SIZE


@pytest.fixture(scope="session")
def pythia():
    for package in ("pythia8mc", "fastjet", "awkward"):
        pytest.importorskip(package)


@pytest.fixture(autouse=True, scope="session")
def small_batches():
    """Tests ask for few events. Batches of the usual size would make many more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_pythia, "BATCH_SIZE", 32)
        yield


@pytest.fixture
def full_batches(monkeypatch):
    """The usual size of batches: the noise of the bundled events depends on it."""
    monkeypatch.setattr(_pythia, "BATCH_SIZE", FULL_BATCH)


@pytest.fixture
def quick_pileup(monkeypatch):
    """Pile-up without diffraction, which Pythia takes seconds to prepare."""
    monkeypatch.setattr(_pileup, "SETTINGS", ("SoftQCD:nonDiffractive = on",))


@pytest.fixture(scope="session")
def wjet_batch(pythia):
    """Some 100 selected W + jet events, before the detector."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_pythia, "BATCH_SIZE", FULL_BATCH)
        return next(selected_events(WJET, 6))
