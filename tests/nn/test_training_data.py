"""Mini-batches of rows, of levels without pairs, and of noise."""

import numpy as np
import pytest
import torch

from skjetsim._nn import Draws, Rows, Unpaired


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_an_epoch_has_every_row_once_with_its_weight_and_label():
    x = torch.arange(23.0)
    data = Rows((x, x.long()), x + 0.5)
    batches = list(data.batches(5, generator()))
    assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3]
    assert data.n_batches(5) == 5
    seen = torch.cat([batch.inputs[0] for batch in batches])
    assert not torch.equal(seen, x)
    assert torch.equal(seen.sort().values, x)
    for batch in batches:
        assert batch.inputs[1].dtype == torch.int64
        assert torch.equal(batch.inputs[0], batch.inputs[1].float())
        assert torch.equal(batch.weight, batch.inputs[0] + 0.5)


def test_without_a_generator_rows_keep_their_order():
    data = Rows((torch.arange(23.0),))
    assert torch.equal(torch.cat([batch.inputs[0] for batch in data.batches(5)]), data.inputs[0])


def test_a_mini_batch_copies_its_rows_alone():
    data = Rows((torch.zeros(1000, 3),))
    for batch in data.batches(10, generator()):
        assert batch.inputs[0].untyped_storage().nbytes() == 10 * 3 * 4


def test_noise_is_fresh_in_training_and_the_same_in_validation():
    data, random = Draws(25, 2), generator()
    batches = [batch.inputs[0] for batch in data.batches(10, random)]
    assert [tuple(batch.shape) for batch in batches] == [(10, 2), (10, 2), (5, 2)]
    assert data.n_batches(10) == 3
    assert not torch.equal(next(data.batches(10, random)).inputs[0], batches[0])
    first, second = (torch.cat([b.inputs[0] for b in data.batches(10)]) for _ in range(2))
    assert torch.equal(first, second)


# Unpaired levels.


def rows(n_rows, offset=0):
    return torch.arange(offset, offset + n_rows, dtype=torch.float32)[:, None]


@pytest.mark.parametrize(("n_theory", "n_measured"), [(100, 30), (30, 100), (64, 64)])
def test_an_epoch_passes_once_over_the_longer_level(n_theory, n_measured):
    tables = Unpaired((rows(n_theory), rows(n_measured)))
    batches = list(tables.batches(10, generator()))
    longest = max(n_theory, n_measured) // 10 * 10
    assert tables.n_batches(10) == len(batches)
    assert [len(batch) for batch in batches] == [10] * (longest // 10)
    seen = [
        torch.cat([batch.inputs[i] for batch in batches])[:, 0].int().tolist() for i in range(2)
    ]
    long, short = sorted(seen, key=lambda values: -len(set(values)))
    assert len(set(long)) == longest
    counts = np.bincount(short, minlength=min(n_theory, n_measured))
    assert np.ptp(counts) <= 1 or n_theory == n_measured
    again = next(iter(tables.batches(10, generator())))
    assert torch.equal(again.inputs[0], batches[0].inputs[0])


def test_validation_has_as_many_of_either_level_and_no_pairs():
    tables = Unpaired((rows(25), rows(40)), (rows(5), rows(5)))
    batches = list(tables.batches(10))
    assert [len(batch) for batch in batches] == [10, 10, 5]
    assert all(len(batch.inputs) == 2 for batch in batches)
    assert torch.equal(torch.cat([batch.inputs[1] for batch in batches]), rows(25))


def test_both_sides_of_a_pair_stay_together():
    pairs = rows(7, 1000), rows(7, 2000)
    tables = Unpaired((rows(40), rows(30)), pairs)
    for batch in tables.batches(8, generator()):
        assert len(batch.inputs[2]) == 8
        assert torch.equal(batch.inputs[2] + 1000, batch.inputs[3])
    orders = [batch.inputs[0][:7, 0] for batch in tables.batches(8, generator())]
    assert not torch.equal(orders[0].argsort(), orders[1].argsort())


def test_weights_choose_rows():
    weight = torch.tensor([0.0, 1.0, 3.0])
    tables = Unpaired(
        (rows(3).repeat(1000, 1), rows(3000)),
        (rows(3), rows(3)),
        (weight.repeat(1000), torch.ones(3000), weight),
    )
    (batch,) = tables.batches(3000, generator())
    for table in (batch.inputs[0], batch.inputs[2]):
        share = torch.bincount(table[:, 0].int(), minlength=3) / 3000
        torch.testing.assert_close(share, torch.tensor([0.0, 0.25, 0.75]), rtol=0, atol=0.03)
    assert torch.equal(batch.inputs[2], batch.inputs[3])
    assert tables.normalised() is tables
