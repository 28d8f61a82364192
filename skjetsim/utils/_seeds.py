"""Seeds: one root for each call, and private generators below it."""

import numbers

import numpy as np

Seed = int | np.random.RandomState | np.random.Generator | None


def as_seed_sequence(random_state):
    """Root of all randomness of one call.

    Parameters
    ----------
    random_state : None, int, numpy Generator, RandomState or SeedSequence
        None is fresh at each call, an int repeats, and a generator is advanced by the call.

    Returns
    -------
    numpy.random.SeedSequence
    """
    if isinstance(random_state, np.random.SeedSequence):
        return random_state
    if random_state is None:
        return np.random.SeedSequence()
    if isinstance(random_state, bool):
        raise TypeError("random_state must not be a bool.")
    if isinstance(random_state, numbers.Integral):
        if random_state < 0:
            raise ValueError(f"random_state must not be negative, got {random_state}.")
        return np.random.SeedSequence(int(random_state))
    if isinstance(random_state, np.random.Generator):
        words = random_state.integers(0, 2**32, size=4, dtype=np.uint32)
    elif isinstance(random_state, np.random.RandomState):
        words = random_state.randint(0, 2**32, size=4, dtype=np.uint32)
    else:
        raise TypeError(
            "random_state must be None, an int, a numpy Generator or a RandomState, got "
            f"{random_state!r}."
        )
    return np.random.SeedSequence([int(word) for word in words])


def child_seed(root, *key):
    """Seed with spawn key `key` below `root`; it does not depend on earlier spawns."""
    return np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, *key))


def int_seed(root, *key):
    """Seed of branch `key` below `root` as an int, which every estimator takes."""
    return int(child_seed(root, *key).generate_state(1)[0])


def numpy_rng(root, *key):
    """Private numpy Generator of branch `key` below `root`."""
    return np.random.default_rng(child_seed(root, *key))


def torch_generator(root, *key):
    """Private CPU torch.Generator of branch `key` below `root`.

    Noise is always drawn on the CPU, so that one seed gives one set of events on any device.
    """
    import torch

    state = child_seed(root, *key).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state & np.uint64(2**63 - 1)))
