import threading

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from skjetsim._drawing._chunked import CHUNK_ROWS, Chunk, draw_in_chunks, padded_rows
from skjetsim.utils._seeds import as_seed_sequence, child_seed, numpy_rng, torch_generator


def noise(chunk):
    drawn = chunk.normal(2).double().numpy() + 10 * chunk.normal(1).double().numpy()
    return drawn if chunk.inputs is None else drawn + chunk.inputs


def test_seeds():
    assert as_seed_sequence(3).entropy == as_seed_sequence(np.int32(3)).entropy == 3
    assert as_seed_sequence(None).entropy != as_seed_sequence(None).entropy
    root = np.random.SeedSequence(5)
    assert as_seed_sequence(root) is root
    for make in (np.random.default_rng, np.random.RandomState):
        rng = make(0)
        first, second = as_seed_sequence(rng), as_seed_sequence(rng)
        assert first.entropy == as_seed_sequence(make(0)).entropy
        assert first.entropy != second.entropy


@pytest.mark.parametrize("bad", [True, 1.0, "1", [1]])
def test_seeds_of_another_kind(bad):
    with pytest.raises(TypeError, match="random_state"):
        as_seed_sequence(bad)


def test_negative_seed():
    with pytest.raises(ValueError, match="must not be negative"):
        as_seed_sequence(-1)


def test_children_do_not_depend_on_what_was_spawned():
    root = np.random.SeedSequence(1)
    before = child_seed(root, 0, 2).generate_state(4)
    root.spawn(5)
    assert_array_equal(child_seed(root, 0, 2).generate_state(4), before)
    grandchild = child_seed(child_seed(root, 0), 2)
    assert_array_equal(grandchild.generate_state(4), before)
    assert not np.array_equal(child_seed(root, 2, 0).generate_state(4), before)


def test_branches_are_independent_streams():
    root = as_seed_sequence(0)
    draws = [numpy_rng(root, key).normal(size=2000) for key in range(3)]
    draws += [torch.randn(2000, generator=torch_generator(root, k)).numpy() for k in range(3)]
    correlation = np.corrcoef(draws) - np.eye(6)
    assert np.abs(correlation).max() < 0.1


@pytest.mark.parametrize("n_rows", [1, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1])
def test_a_prefix_is_the_prefix_of_more(n_rows):
    whole = draw_in_chunks(noise, 3 * CHUNK_ROWS, n_columns=2, random_state=0)
    part = draw_in_chunks(noise, n_rows, n_columns=2, random_state=0)
    assert_array_equal(part, whole[:n_rows])


@pytest.mark.parametrize(
    ("n_jobs", "error"), [(0, ValueError), (2.0, TypeError), (True, TypeError)]
)
@pytest.mark.parametrize("n_rows", [1, 2 * CHUNK_ROWS])
def test_bad_numbers_of_workers(n_rows, n_jobs, error):
    with pytest.raises(error, match="n_jobs must"):
        draw_in_chunks(None, n_rows, n_columns=1, random_state=0, n_jobs=n_jobs)


@pytest.mark.parametrize("n_jobs", [None, 1, 2, 5, -1])
def test_workers_change_nothing(n_jobs):
    inputs = np.random.default_rng(0).normal(size=(2 * CHUNK_ROWS + 17, 2))
    arguments = {"n_columns": 2, "random_state": 3, "inputs": inputs}
    expected = draw_in_chunks(noise, len(inputs), **arguments)
    assert_array_equal(draw_in_chunks(noise, len(inputs), n_jobs=n_jobs, **arguments), expected)


@pytest.mark.parametrize(
    ("n_rows", "heights"),
    [(1, [1]), (3, [4]), (16, [16]), (17, [32]), (64, [64]), (130, [64, 64, 2])],
)
def test_what_is_left_is_padded_to_a_power_of_two(n_rows, heights):
    seen = []

    def record(chunk):
        seen.append(len(chunk.inputs))
        assert chunk.normal(3).shape == (chunk.n_rows, 3) == (len(chunk.inputs), 3)
        return np.repeat(chunk.inputs[:, :1], 2, axis=1)

    inputs = np.arange(float(n_rows))[:, None]
    arguments = {"n_columns": 2, "random_state": 0, "inputs": inputs, "chunk_rows": 64}
    drawn = draw_in_chunks(record, n_rows, **arguments)
    assert seen == heights
    assert_array_equal(drawn[:, 0], inputs[:, 0])


def test_each_chunk_has_noise_of_its_own():
    root = as_seed_sequence(4)
    first, second = (Chunk(root, index, 64) for index in range(2))
    noises = [chunk.normal(2) for chunk in (first, first, second, second)]
    assert len(torch.unique(torch.cat(noises), dim=0)) == 4 * 64
    drawn = draw_in_chunks(
        lambda chunk: chunk.normal(2).numpy(), 300, n_columns=2, random_state=0, chunk_rows=64
    )
    assert len(np.unique(drawn, axis=0)) == 300


def test_rows_are_padded_by_the_last_one():
    rows = np.arange(6.0).reshape(3, 2)
    assert_array_equal(padded_rows(rows, 5), rows[[0, 1, 2, 2, 2]])
    assert padded_rows(rows, 3) is rows
    assert_array_equal(Chunk(as_seed_sequence(0), 0, 4, rows).inputs, rows[[0, 1, 2, 2]])


@pytest.mark.parametrize("n_columns", [1, 3, 9, 504])
def test_noise_of_few_rows_is_that_of_many(n_columns):
    root = as_seed_sequence(4)
    many = Chunk(root, 2, 64)
    expected = [many.normal(n_columns) for _ in range(2)]
    assert not torch.equal(*expected)
    for n_rows in (1, 2, 4, 8, 16, 32):
        few = Chunk(root, 2, n_rows)
        for noise in expected:
            assert torch.equal(few.normal(n_columns), noise[:n_rows])


def test_networks_run_on_one_thread_and_the_setting_comes_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    seen = []

    def record(chunk):
        seen.append(torch.get_num_threads())
        return np.zeros((chunk.n_rows, 1))

    try:
        for n_jobs in (1, 2):
            draw_in_chunks(record, 3 * CHUNK_ROWS, n_columns=1, random_state=0, n_jobs=n_jobs)
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2

        def fail(chunk):
            raise RuntimeError("out of memory")

        with pytest.raises(RuntimeError, match="out of memory"):
            draw_in_chunks(fail, 5, n_columns=1, random_state=0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_callers_in_several_threads_get_their_own_events():
    expected = [draw_in_chunks(noise, 5000, n_columns=2, random_state=seed) for seed in range(4)]
    drawn = [None] * 4

    def work(seed):
        drawn[seed] = draw_in_chunks(noise, 5000, n_columns=2, random_state=seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for got, wanted in zip(drawn, expected, strict=True):
        assert_array_equal(got, wanted)
