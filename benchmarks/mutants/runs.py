"""Tests in copies of the repository, in processes that start with the large libraries loaded.

A child of this process inherits torch, scikit-learn and pandas, and imports skjetsim from its copy.
It starts in a second, and its mutation cannot reach another child.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).parents[2]
LARGE = ("torch", "sklearn.ensemble", "pandas", "scipy.stats", "skorch", "pytest")
OPTIONS = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "--tb=no"]


def load_libraries():
    """Import what all children need. torch must not compute in this process: a fork would hang."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name in LARGE:
        __import__(name)


class Copy:
    """A copy of the tracked files of the repository, in which tests run.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder):
        self.folder, self.pid = folder, None
        names = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file() and not name.startswith("benchmarks/results"):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)

    def record(self, tests):
        """Run tests, and return what they cover.

        Parameters
        ----------
        tests : list of str

        Returns
        -------
        dict
            `seconds` of each test by its name, and `lines`: for each file a dict from its lines to
            the names of tests. Lines that are only run on import have no tests.
        """
        record = self.folder / "record.json"
        self.start(tests, record=record)
        failed = self.wait(None)
        if failed:
            log = (self.folder / "tests.log").read_text(encoding="utf-8")
            raise RuntimeError(f"The tests fail without a mutation:\n{log[-3000:]}")
        return json.loads(record.read_text(encoding="utf-8"))

    def start(self, tests, record=None):
        """Run tests in a child."""
        self.started = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            code = 70
            try:
                code = self._run(tests, record)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)

    def _run(self, tests, record):
        os.setsid()
        log = os.open(self.folder / "tests.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.chdir(self.folder)
        sys.path[:] = [str(self.folder), *(p for p in sys.path if p not in ("", str(ROOT)))]
        os.environ["PYTHONPATH"] = str(self.folder)  # for the tests that start Python
        sys.dont_write_bytecode = record is None
        for name in [name for name in sys.modules if name.split(".")[0] == "benchmarks"]:
            del sys.modules[name]
        import pytest

        if record is None:
            return int(pytest.main([*OPTIONS, *tests]))
        return _run_recorded(tests, record)

    def ended(self, limit):
        """Return the exit status of the child: None if it runs, 124 if killed at the limit."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.pid = None
            return os.waitstatus_to_exitcode(status)
        if limit is not None and time.monotonic() - self.started > limit:
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = None
            return 124
        return None

    def noticed(self, status):
        """Whether the exit status says that tests fail, are not collected, crash or do not end."""
        if status in (3, 5, 70):
            log = (self.folder / "tests.log").read_text(encoding="utf-8")
            raise RuntimeError(f"The tests did not run:\n{log[-3000:]}")
        return status != 0

    def wait(self, limit):
        """Wait for the child, and return its exit status."""
        while (status := self.ended(limit)) is None:
            time.sleep(0.05)
        return status


class Recorder:
    """A plugin of pytest that records the duration of each test and the lines that it runs."""

    def __init__(self, coverage):
        self.coverage, self.seconds = coverage, {}

    def pytest_runtest_logstart(self, nodeid, location):
        """Assign lines to the test."""
        self.coverage.switch_context(nodeid)

    def pytest_runtest_logfinish(self, nodeid, location):
        """Assign lines to no test."""
        self.coverage.switch_context("")

    def pytest_runtest_logreport(self, report):
        """Add up the duration of a test."""
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration


def _run_recorded(tests, record):
    import coverage
    import pytest

    measured = coverage.Coverage(data_file=None, source=["skjetsim"], config_file=False)
    recorder = Recorder(measured)
    measured.start()
    status = pytest.main([*OPTIONS, *tests], plugins=[recorder])
    measured.stop()
    data = measured.get_data()
    lines = {
        str(Path(name).relative_to(Path.cwd())): {
            line: [test for test in names if test]
            for line, names in data.contexts_by_lineno(name).items()
        }
        for name in data.measured_files()
    }
    text = json.dumps({"seconds": recorder.seconds, "lines": lines})
    Path(record).write_text(text, encoding="utf-8")
    return int(status)
