"""The number of threads is one for a while, and comes back for everyone who had set it."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_info

from skjetsim.flows import FlowGenerator
from skjetsim.utils._threads import map_threads, one_thread, single_threaded


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def in_thread(function):
    """Result of a function in a thread that has not used torch yet."""
    result = []
    thread = threading.Thread(target=lambda: result.append(function()))
    thread.start()
    thread.join()
    return result[0]


def overlapping(context, setting):
    """Settings inside and after two threads that leave in the order in which they came."""
    first_in, second_in, first_out = (threading.Event() for _ in range(3))
    seen = {}

    def first():
        with context():
            seen["inside"] = setting()
            first_in.set()
            assert second_in.wait(10)
        seen["first"] = setting()
        first_out.set()

    def second():
        assert first_in.wait(10)
        with context():
            second_in.set()
            assert first_out.wait(10)
        seen["second"] = setting()

    other = threading.Thread(target=second)
    other.start()
    first()
    other.join()
    return seen


def test_threads_that_draw_at_once_get_their_setting_back():
    seen = overlapping(one_thread, torch.get_num_threads)
    assert seen == {"inside": 1, "first": 2, "second": 2}
    assert torch.get_num_threads() == in_thread(torch.get_num_threads) == 2


def test_threads_that_first_use_torch_meanwhile_are_not_limited():
    entered, seen = threading.Event(), []

    def first_use():
        assert entered.wait(10)
        seen.append(torch.get_num_threads())

    thread = threading.Thread(target=first_use)
    thread.start()
    with one_thread():
        entered.set()
        thread.join()
        assert torch.get_num_threads() == 1
    assert seen == [2]


def test_each_thread_keeps_its_own_setting():
    def own():
        torch.set_num_threads(1)
        with one_thread():
            pass
        return torch.get_num_threads()

    assert in_thread(own) == 1
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("context", [one_thread, single_threaded])
def test_errors_restore_the_setting(context):
    with pytest.raises(RuntimeError), context():
        raise RuntimeError
    assert torch.get_num_threads() == 2


def blas_threads():
    return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")


def test_blas_gets_its_setting_back_from_the_last_user():
    before = blas_threads()
    seen = overlapping(single_threaded, blas_threads)
    assert seen["inside"] == 1
    assert seen["second"] == blas_threads() == before


FORK = """
import os, sys, time
import numpy as np, torch
from skjetsim.flows import FlowGenerator

torch.set_num_threads(2)
X = np.random.default_rng(0).normal(size=(2000, 3))
model = FlowGenerator(max_epochs=1, n_transforms=1, batch_size=2000, random_state=0)
model.fit(X).score(X)
child = os.fork()
if child == 0:
    model.fit(X).score(X)
    os._exit(torch.get_num_threads())
for _ in range(600):
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        sys.exit(os.waitstatus_to_exitcode(status))
    time.sleep(0.1)
os.kill(child, 9)
sys.exit("the forked process hangs")
"""


TREES = """
import os, sys, time
import numpy as np
from skjetsim._classifiers._training import boosted_trees

X = np.random.default_rng(0).normal(size=(4000, 3))
trees = boosted_trees("ratio", 0).set_params(max_iter=5)
trees.fit(X, X[:, 0] > 0)
child = os.fork()
if child == 0:
    trees.fit(X, X[:, 0] > 0)
    os._exit(1)
"""
TREES += FORK[FORK.index("for _ in") :]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("code", [FORK, TREES], ids=["network", "trees"])
def test_forked_processes_fit_on_one_thread(code, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, timeout=240, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr  # the number of threads
    assert done.stderr == ""


def test_results_do_not_depend_on_the_number_of_threads():
    def product(seed):
        table = torch.randn(300, 300, generator=torch.Generator().manual_seed(seed))
        return (table @ table).sum().item(), torch.get_num_threads()

    several = map_threads(product, range(6))
    torch.set_num_threads(1)
    assert several == map_threads(product, range(6))
    assert {n_threads for _, n_threads in several} == {1}


def test_densities_do_not_depend_on_the_number_of_threads():
    X = np.random.default_rng(0).normal(size=(9000, 3))
    model = FlowGenerator(max_epochs=1, random_state=0).fit(X[:4000])
    several = model.score_samples(X)
    torch.set_num_threads(1)
    assert_array_equal(several, model.score_samples(X))
