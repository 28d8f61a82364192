"""Seeds: roots from all that users pass, and private branches below them."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from skjetsim.utils._seeds import as_seed_sequence, child_seed, int_seed, numpy_rng, torch_generator


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_generators_give_seeds_of_128_bits(make):
    generator = make(0)
    words = np.array([as_seed_sequence(generator).entropy for _ in range(500)])
    assert words.shape == (500, 4)
    assert len(np.unique(words)) == words.size
    for column in words.T:  # all 32 bits of each word are drawn
        shares = (column[:, None] >> np.arange(32) & 1).mean(axis=0)
        assert shares.min() > 0.35
        assert shares.max() < 0.65
    assert as_seed_sequence(make(0)).entropy == words[0].tolist()


def test_bad_seeds():
    for seed, error in ((True, TypeError), (-1, ValueError), ("1", TypeError), (1.0, TypeError)):
        with pytest.raises(error, match="random_state must"):
            as_seed_sequence(seed)


def test_branches_are_private():
    root = as_seed_sequence(1)
    keys = [(), (0,), (1,), (0, 0), (0, 1), (1, 0), (2**31, 0)]
    assert len({int_seed(root, *key) for key in keys}) == len(keys)
    draws = {float(torch.rand(1, generator=torch_generator(root, *key))) for key in keys}
    assert len(draws) == len(keys)
    assert int_seed(child_seed(root, 0), 1) == int_seed(root, 0, 1)
    assert_array_equal(numpy_rng(root, 0, 1).random(3), numpy_rng(child_seed(root, 0), 1).random(3))
    root.spawn(3)
    assert int_seed(root, 0) == int_seed(as_seed_sequence(1), 0)


def test_the_seed_of_torch_has_more_than_32_bits():
    seeds = [torch_generator(as_seed_sequence(i)).initial_seed() for i in range(50)]
    assert max(seeds) > 2**60
    assert len(set(seeds)) == 50
