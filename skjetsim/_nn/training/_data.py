"""Training data of networks: rows, levels without pairs, or draws of noise."""

from dataclasses import dataclass

import torch

NOISE_SEED = 0  # of the draws for validation, the same in all epochs


class Data:
    """Base class of training and validation data.

    A subclass has `device`, `n_rows` and `batches(batch_size, generator=None)`, which yields
    mini-batches as `Rows`. It shuffles the rows if there is a generator, as in training. A subclass
    that holds tensors also has `tensors`.
    """

    def __len__(self):
        return self.n_rows

    def n_batches(self, batch_size):
        """Mini-batches in an epoch."""
        return -(-self.n_rows // batch_size)

    def tensors(self):
        """All tensors of the data, for the fingerprint of a checkpoint."""
        return ()

    def normalised(self):
        """Scale the weights to a mean of one, so that the step size does not depend on them."""
        return self


@dataclass
class Rows(Data):
    """Row-aligned tensors on the device.

    Attributes
    ----------
    inputs : tuple of Tensor
        Of floats, class labels as int64, or bool.
    weight : Tensor of shape (n_rows,) or None
    """

    inputs: tuple
    weight: torch.Tensor | None = None

    @property
    def n_rows(self):
        """Rows of each tensor."""
        return len(self.inputs[0])

    @property
    def device(self):
        """Device of the tensors."""
        return self.inputs[0].device

    def rows(self, index):
        """Return the subset of rows `index`."""
        weight = None if self.weight is None else self.weight[index]
        return Rows(tuple(tensor[index] for tensor in self.inputs), weight)

    def normalised(self):
        """Scale the weights to a mean of one."""
        if self.weight is None:
            return self
        return Rows(self.inputs, self.weight / self.weight.mean())

    def batches(self, batch_size, generator=None):
        """Yield every row once, and copy only one mini-batch at a time."""
        if generator is None:
            for start in range(0, len(self), batch_size):
                yield self.rows(slice(start, start + batch_size))
        else:
            order = torch.randperm(len(self), generator=generator).to(self.device)
            for index in order.split(batch_size):
                yield self.rows(index)

    def tensors(self):
        """Inputs and weights."""
        return self.inputs if self.weight is None else (*self.inputs, self.weight)


@dataclass
class Unpaired(Data):
    """Theory and measured events whose rows do not correspond, and pairs whose rows do.

    An epoch passes once over the longer level. Meanwhile the other level and the pairs are passed
    over several times, in a new order each time. The last rows, which do not fill a batch, are left
    out of the epoch. Without a generator, as in validation, the longer level is cut, and there are
    no pairs.

    Attributes
    ----------
    levels : tuple of Tensor
        Theory and measured events.
    pairs : tuple of Tensor
        Theory and measured side of events that are known on both levels. Empty if there are none.
    weights : tuple of Tensor or None
        Of theory events, measured events and pairs. Weighted events are drawn by weight.
    """

    levels: tuple
    pairs: tuple = ()
    weights: tuple = (None, None, None)

    @property
    def n_rows(self):
        """Rows of the longer level."""
        return max(map(len, self.levels))

    @property
    def device(self):
        """Device of the tensors."""
        return self.levels[0].device

    def n_batches(self, batch_size):
        """Full mini-batches of the longer level."""
        return self.n_rows // batch_size

    def batches(self, batch_size, generator=None):
        """Yield equally many rows of each level, and of both sides of the pairs."""
        if generator is None:
            n_rows = min(map(len, self.levels))
            whole = Rows(tuple(level[:n_rows] for level in self.levels))
            yield from whole.batches(batch_size)
            return
        n_rows = self.n_batches(batch_size) * batch_size
        groups = (self.levels[:1], self.levels[1:], self.pairs)
        orders = [
            _order(len(group[0]), n_rows, weight, generator).to(self.device).split(batch_size)
            for group, weight in zip(groups, self.weights, strict=True)
            if group
        ]
        for indices in zip(*orders, strict=True):
            present = zip(filter(None, groups), indices, strict=True)
            yield Rows(tuple(table[index] for group, index in present for table in group))

    def tensors(self):
        """Levels, pairs and weights."""
        return (*self.levels, *self.pairs, *(w for w in self.weights if w is not None))


def _order(n_available, n_rows, weight, generator):
    """Indices of `n_rows` rows: whole passes in random order, or draws by weight."""
    if weight is not None:
        return torch.multinomial(weight, n_rows, replacement=True, generator=generator)
    n_passes = -(-n_rows // n_available)
    passes = [torch.randperm(n_available, generator=generator) for _ in range(n_passes)]
    return torch.cat(passes)[:n_rows]


@dataclass
class Draws(Data):
    """Standard normal noise in place of rows, fresh in each mini-batch.

    It is for a network that learns from a function, such as a density, instead of events.

    Attributes
    ----------
    n_rows : int
        Draws in an epoch.
    n_columns : int
        Width of the noise. A mini-batch has no other input.
    device : str
    """

    n_rows: int
    n_columns: int
    device: str = "cpu"

    def batches(self, batch_size, generator=None):
        """Yield noise, which is the same each time if there is no generator."""
        if generator is None:
            generator = torch.Generator().manual_seed(NOISE_SEED)
        for start in range(0, self.n_rows, batch_size):
            shape = min(batch_size, self.n_rows - start), self.n_columns
            yield Rows((torch.randn(shape, generator=generator).to(self.device),))


class Batches:
    """Mini-batches of an epoch. Each iteration has a new order.

    It takes the place of skorch's `DataLoader`, which collates row by row.
    """

    def __init__(self, data, batch_size, generator=None):
        self.data, self.batch_size, self.generator = data, batch_size, generator

    def __len__(self):
        return self.data.n_batches(self.batch_size)

    def __iter__(self):
        return iter(self.data.batches(self.batch_size, self.generator))
