"""Files are written whole or not at all, by one writer at a time, and stay what they were."""

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from skjetsim import save
from skjetsim.io import write_events
from skjetsim.utils import _atomic
from skjetsim.utils._atomic import replacing

posix = pytest.mark.skipif(os.name != "posix", reason="locks and permissions of POSIX")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.txt"


def write(path, text="new"):
    with replacing(path, "a text") as partial:
        Path(partial).write_text(text)


def fail(path, error):
    with replacing(path, "a text") as partial:
        Path(partial).write_bytes(bytes(2_000_000))
        raise error


def names(folder):
    return sorted(os.listdir(folder))


def run(code, *arguments):
    """Run Python code in another process."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_file_is_replaced_in_one_step(path):
    path.write_text("old")
    with replacing(path, "a text") as partial:
        Path(partial).write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(path.parent) == ["file.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_the_old_file_is_there(path, error):
    path.write_text("old")
    with pytest.raises(error):
        fail(path, error())
    assert path.read_text() == "old"
    assert names(path.parent) == ["file.txt"]


def test_the_file_is_on_the_disk_before_it_takes_its_place(path, monkeypatch):
    order = []

    def sync(descriptor):
        mode = os.fstat(descriptor).st_mode
        order.append("folder" if stat.S_ISDIR(mode) else f"file of {os.fstat(descriptor).st_size}")

    def replace(source, target):
        order.append("replace")
        shutil.move(source, target)

    monkeypatch.setattr(_atomic.os, "fsync", sync)
    monkeypatch.setattr(_atomic.os, "replace", replace)
    write(path, "12345")
    assert order == ["file of 5", "replace", "folder"]


# Links, modes and kinds of files.


@posix
@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_a_link(tmp_path, exists):
    folder = tmp_path / "disk"
    folder.mkdir()
    target, link = folder / "model", tmp_path / "link"
    if exists:
        target.write_text("old")
    link.symlink_to(Path("disk") / "model")
    write(link)
    assert link.is_symlink()
    assert target.read_text() == link.read_text() == "new"
    assert names(tmp_path) == ["disk", "link"]
    assert names(folder) == ["model"]


@posix
@pytest.mark.parametrize("mode", [0o220, 0o600, 0o640, 0o666, 0o700])
def test_the_mode_stays(path, mode):
    path.write_text("old")
    path.chmod(mode)
    with replacing(path, "a text") as partial:
        # What is private is private while it is written, too.
        assert not os.stat(partial).st_mode & 0o077 & ~mode
        Path(partial).write_text("new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
def test_a_new_file_obeys_the_umask(path):
    old = os.umask(0o027)
    try:
        write(path)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@posix
def test_a_read_only_file_is_not_replaced(path):
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match=r"file\.txt' is read-only, and is not replaced"):
        write(path)
    assert path.read_text() == "old"
    assert names(path.parent) == ["file.txt"]


@posix
def test_a_pipe_is_not_replaced(path):
    os.mkfifo(path)
    with pytest.raises(FileExistsError, match="is not a regular file"):
        write(path)
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_places_where_no_file_can_be(tmp_path):
    with pytest.raises(
        IsADirectoryError, match="is a folder: pass the name of a file to save a te"
    ):
        write(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no folder '.*none' to save a text in"):
        write(tmp_path / "none" / "file")


def test_names_of_any_kind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("plain", b"bytes", "müon [1].txt", tmp_path / "path"):
        write(name)
    assert names(tmp_path) == sorted(["plain", "bytes", "müon [1].txt", "path"])


# Killed and living writers.

KILLED = """
import os, signal, sys
from skjetsim.utils._atomic import replacing
with replacing(sys.argv[1], "a text") as partial:
    open(partial, "w").write("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@posix
def test_the_next_writing_removes_what_a_killed_one_left(path):
    other = path.parent / "file.txt.more"
    for target in (path, other):
        assert run(KILLED, target).returncode == -signal.SIGKILL
    assert len(names(path.parent)) == 2
    mine = path.parent / "file.txt.notes.partial"
    mine.write_text("not of this package")
    write(path)
    left = names(path.parent)
    assert left[0] == "file.txt"
    assert mine.name in left
    assert [name.startswith("file.txt.more.") for name in left] == [False, True, False]


@posix
def test_a_living_writer_keeps_its_partial_file(path):
    with replacing(path, "a text") as partial:
        Path(partial).write_text("first")
        write(path, "second")
        done = run(
            "import sys; sys.path[:0] = sys.argv[2:]\n"
            "from skjetsim.utils._atomic import replacing\n"
            "with replacing(sys.argv[1], 'a text') as partial: open(partial, 'w').write('third')",
            path,
            *sys.path,
        )
        assert done.returncode == 0, done.stderr
        assert path.read_text() == "third"
    assert path.read_text() == "first"
    assert names(path.parent) == ["file.txt"]


def test_many_writers_of_one_file(path):
    texts = [str(i) * 100_000 for i in range(8)]
    errors = []

    def repeat(text):
        try:
            for _ in range(10):
                write(path, text)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=repeat, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert path.read_text() in texts
    assert names(path.parent) == ["file.txt"]


def test_without_locks_nothing_of_others_is_removed(path, monkeypatch):
    left = path.parent / "file.txt.01234567.partial"
    left.write_text("of someone")
    monkeypatch.setattr(_atomic, "try_lock", lambda descriptor: None)
    write(path)
    assert names(path.parent) == ["file.txt", left.name]


# Full disks.


def test_the_message_says_what_was_free_when_it_failed(path, monkeypatch):
    path.write_text("old")
    seen = []

    def usage(folder):
        seen.append(names(folder))
        return shutil._ntuple_diskusage(10**9, 10**9, 1_500_000)

    monkeypatch.setattr(_atomic.shutil, "disk_usage", usage)
    with pytest.raises(OSError, match=r"1\.5 MB were free in") as caught:
        fail(path, OSError(errno.ENOSPC, "No space left on device"))
    assert "file.txt' was not written, and nothing else was changed" in str(caught.value)
    assert "2.0 MB of it were written" in str(caught.value)
    assert caught.value.errno == errno.ENOSPC
    assert len(seen[0]) == 2  # measured while the partial file was there
    assert path.read_text() == "old"
    assert names(path.parent) == ["file.txt"]


LIMITED = """
import resource, sys
sys.path[:0] = sys.argv[2:]
import numpy as np, pandas as pd
from sklearn.preprocessing import StandardScaler
from skjetsim import save
from skjetsim.inspection._page import write as write_page
from skjetsim.io import write_events
table = pd.DataFrame(np.random.default_rng(0).normal(size=(50_000, 2)), columns=["pt", "eta"])
wide = StandardScaler().fit(np.eye(20_000)[:3])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for name, writer in {
    "model": lambda path: save(wide, path),
    "events.parquet": lambda path: write_events(path, table),
    "events.root": lambda path: write_events(path, table),
    "report.html": lambda path: write_page(path, "x" * 1_000_000),
}.items():
    try:
        writer(f"{sys.argv[1]}/{name}")
    except OSError as error:
        print(name, error.errno, error)
"""


@posix
def test_all_writers_say_that_the_disk_is_full(tmp_path):
    pytest.importorskip("uproot")
    for name in ("model", "events.parquet"):
        (tmp_path / name).write_text("old")
    done = run(LIMITED, tmp_path, *sys.path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        "model",
        "events.parquet",
        "events.root",
        "report.html",
    ]
    for line in lines:
        assert f"{errno.EFBIG} [Errno {errno.EFBIG}]" in line
        assert "nothing else was changed" in line
    assert names(tmp_path) == ["events.parquet", "model"]
    assert (tmp_path / "model").read_text() == "old"


def test_models_and_events_keep_links_and_modes(tmp_path):
    table = pd.DataFrame(np.eye(3), columns=["pt", "eta", "phi"])
    model = StandardScaler().fit(table)
    for name, writer in {
        "model": lambda path: save(model, path),
        "events.parquet": lambda path: write_events(path, table),
    }.items():
        target, link = tmp_path / f"target-{name}", tmp_path / name
        target.write_text("old")
        target.chmod(0o600)
        link.symlink_to(target)
        writer(link)
        assert link.is_symlink()
        assert target.read_bytes() != b"old"
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
