"""Modules are initialised from a private generator only."""

import threading

import pytest
import torch

from skjetsim._nn import Flow, PrivateRandom


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def build(seed):
    with PrivateRandom(generator(seed)):
        return Flow(3, 2, orders=[[0, 1, 2]], hidden_features=(8,), n_bins=4)


def equal(first, second):
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_weights_come_from_the_generator_alone():
    before = torch.get_rng_state()
    first = build(0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(1)
    second = build(0)
    assert equal(first, second)
    assert not equal(first, build(1))
    torch.set_rng_state(before)


LAYERS = {
    "linear": lambda: torch.nn.Linear(3, 4),
    "convolution": lambda: torch.nn.Conv2d(2, 3, 3),
    "transposed convolution": lambda: torch.nn.ConvTranspose1d(2, 3, 3),
    "embedding": lambda: torch.nn.Embedding(5, 3),
    "recurrent": lambda: torch.nn.GRU(3, 4),
    "attention": lambda: torch.nn.MultiheadAttention(4, 2),
    "bilinear": lambda: torch.nn.Bilinear(2, 3, 4),
    "xavier": lambda: _initialised(torch.nn.init.xavier_normal_),
    "orthogonal": lambda: _initialised(torch.nn.init.orthogonal_),
    "truncated": lambda: _initialised(torch.nn.init.trunc_normal_),
    "kaiming": lambda: _initialised(torch.nn.init.kaiming_normal_),
}


def _initialised(function):
    layer = torch.nn.Linear(4, 4)
    function(layer.weight)
    return layer


@pytest.mark.parametrize("layer", LAYERS)
def test_layers_of_torch_start_from_the_generator(layer):
    before = torch.get_rng_state()
    made = []
    for seed in (0, 0, 1):
        with PrivateRandom(generator(seed)):
            made.append(LAYERS[layer]())
        assert torch.equal(torch.get_rng_state(), before)
        before = _advance()
    assert equal(made[0], made[1])
    assert not equal(made[0], made[2])


def _advance():
    torch.rand(1)
    return torch.get_rng_state()


def test_a_generator_that_is_given_is_used():
    with PrivateRandom(generator(0)):
        given = torch.rand(3, generator=generator(5))
        private = torch.rand(3)
    assert torch.equal(given, torch.rand(3, generator=generator(5)))
    assert torch.equal(private, torch.rand(3, generator=generator(0)))


def test_threads_do_not_disturb_each_other():
    expected = [build(seed) for seed in range(6)]
    made = [None] * 6

    def work(seed):
        made[seed] = build(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(equal(a, b) for a, b in zip(made, expected, strict=True))
