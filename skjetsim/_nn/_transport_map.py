"""A map of events from one level to the other: a network with noise, and its columns."""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from skjetsim._nn._bijections import wrap_angle

NOISES = ("conditional", "standard", "additive", None)
ACTIVATIONS = {"relu": nn.ReLU, "silu": nn.SiLU}
NOISE_NETWORK = 128  # units of the published network for the mean and width of the noise
LEAST_WIDTH = 1e-6  # of the noise, in units of its step
LARGEST_OUTPUT = 6.0  # its sinh is 200 steps


class ResidualBlock(nn.Module):
    """x + linear(relu(norm(linear(relu(norm(x))))))."""

    def __init__(self, width):
        super().__init__()
        parts = [nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, width)]
        again = [nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, width)]
        self.body = nn.Sequential(*parts, *again)

    def forward(self, x):
        """Add the output of the block to x."""
        return x + self.body(x)


def _perceptron(n_inputs, hidden_features, n_outputs, *, activation, n_blocks, start):
    widths = [n_inputs, *hidden_features]
    layers = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), ACTIVATIONS[activation]()]
    if n_blocks:  # a block brings the nonlinearity with it
        layers = layers[:-1] + [ResidualBlock(widths[-1]) for _ in range(n_blocks)]
    last = nn.Linear(widths[-1], n_outputs)
    with torch.no_grad():
        last.weight.mul_(start)
        last.bias.mul_(start)
    return nn.Sequential(*layers, last)


class NoisyNetwork(nn.Module):
    """Perceptron with noise.

    Parameters
    ----------
    n_inputs, n_noise, n_outputs : int
    noise : {"conditional", "standard", "additive", None}
        "standard" noise is one more input. "conditional" noise is too, with a mean and a width that
        another network computes from the other inputs. "additive" noise is added to the outputs,
        with widths that the network gives. None is without noise.
    hidden_features : sequence of int
    n_blocks : int
        Number of residual blocks behind the hidden layers.
    activation : {"relu", "silu"}
    start : float
        The weights of the last layer start so many times as large as those of torch.
    """

    def __init__(
        self, n_inputs, n_noise, n_outputs, *, noise, hidden_features, n_blocks, activation, start
    ):
        super().__init__()
        self.noise, self.n_noise = noise, n_noise
        shape = {"activation": activation, "n_blocks": n_blocks, "start": start}
        n_heard = n_noise if noise in ("conditional", "standard") else 0
        n_said = 2 * n_outputs if noise == "additive" else n_outputs
        self.body = _perceptron(n_inputs + n_heard, hidden_features, n_said, **shape)
        self.head = None
        if noise == "conditional":
            shape = {"activation": "relu", "n_blocks": 0, "start": 1.0}
            self.head = _perceptron(n_inputs, (NOISE_NETWORK,), 2 * n_noise, **shape)

    def forward(self, inputs, noise):
        """Outputs of each row, and their log-widths if the noise is additive, else None."""
        if self.noise == "conditional":
            mean, width = self.head(inputs).chunk(2, dim=1)
            noise = mean + (nn.functional.softplus(width) + LEAST_WIDTH) * noise
        if self.noise in ("conditional", "standard"):
            return self.body(torch.cat([inputs, noise], dim=1)), None
        if self.noise is None:
            return self.body(inputs), None
        mean, width = self.body(inputs).chunk(2, dim=1)
        width = nn.functional.softplus(width) + LEAST_WIDTH
        return mean + width * noise, width.log()


@dataclass
class MapLayout:
    """How each column of the target is computed.

    Attributes
    ----------
    free : list of int
        Columns that the network gives.
    center, step : list of float
        For each free column: y = center + step * output.
    partner : list of int or None
        Column of the source that is added to each free column, or None.
    angle : list of bool
        Which free columns are angles.
    shells : list of tuple (px, py, pz, E, mass)
        Positions of momenta and of the energy that follows from them, and the mass.
    constants : dict of int to float
        Columns that never vary, and their values.
    """

    free: list
    center: list
    step: list
    partner: list
    angle: list
    shells: list
    constants: dict


def object_groups(source_objects, target_objects, alike=()):
    """Groups of (features, outputs, network), one per object. The object None is the rest.

    The names in each list of `alike` are objects that share a network.
    """
    first = {name: together[0] for together in alike for name in together}
    objects = list(dict.fromkeys(target_objects))
    networks = list(dict.fromkeys(first.get(name, name) for name in objects))
    return [
        (
            [i for i, source in enumerate(source_objects) if source == name],
            [i for i, target in enumerate(target_objects) if target == name],
            networks.index(first.get(name, name)),
        )
        for name in objects
    ]


class TransportMap(nn.Module):
    """Map from events of one level, and noise, to events of the other.

    Parameters
    ----------
    see : callable
        Takes events of the source and returns the inputs of networks, `Level.features`.
    layout : MapLayout
    n_noise : int
    stretched : bool
        Take the sinh of the outputs. The response of a detector has a narrow core and tails of many
        times its width, for example if an electron radiates.
    groups : list of (list of int, list of int, int)
        Features of the source, free columns that a network computes from them, and the number of
        this network. The columns of the noise are shared among the groups in this order.
    **settings
        Of `NoisyNetwork`.
    """

    def __init__(self, see, layout, *, n_noise, stretched, groups, noise, **settings):
        super().__init__()
        self.see, self.layout, self.noise, self.stretched = see, layout, noise, stretched
        n_free = len(layout.free)
        self.n_noise = {None: 0, "additive": n_free}.get(noise, n_noise)
        self.groups, networks = [], {}
        ends = [round(self.n_noise * i / len(groups)) for i in range(len(groups) + 1)]
        for (features, outputs, number), (start, stop) in zip(groups, pairwise(ends), strict=True):
            own_noise = outputs if noise == "additive" else list(range(start, stop))
            self.groups.append((features, own_noise, number))
            if number not in networks:
                shape = len(features), len(own_noise), len(outputs)
                networks[number] = NoisyNetwork(*shape, noise=noise, **settings)
        self.networks = nn.ModuleList(networks.values())
        of_outputs = [output for _, outputs, _ in groups for output in outputs]
        self._index("back", torch.tensor(of_outputs, dtype=torch.long).argsort())
        partner = [-1 if p is None else p for p in layout.partner]
        self._index("partner", torch.tensor(partner, dtype=torch.long))
        self._index("angle", torch.tensor(layout.angle, dtype=torch.bool))
        self._index("center", torch.tensor(layout.center, dtype=torch.float32))
        self._index("step", torch.tensor(layout.step, dtype=torch.float32))
        self._assemble()

    def _index(self, name, value):
        self.register_buffer(name, value, persistent=False)

    def _assemble(self):
        """Find the place of each column of the target in (free, energies, constants)."""
        layout = self.layout
        energies = [shell[3] for shell in layout.shells]
        order = torch.tensor([*layout.free, *energies, *layout.constants]).argsort()
        self._index("order", order)
        self._index("constants", torch.tensor([*layout.constants.values()], dtype=torch.float32))
        place = {column: i for i, column in enumerate([*layout.free, *layout.constants])}
        momenta = [[place[c] for c in shell[:3]] for shell in layout.shells]
        self._index("momenta", torch.tensor(momenta, dtype=torch.long).reshape(-1, 3))
        squares = torch.tensor([shell[4] ** 2 for shell in layout.shells], dtype=torch.float32)
        self._index("mass_squares", squares)

    def forward(self, events, noise):
        """Events of the target, shape (n_rows, n_columns)."""
        return self.with_log_width(events, noise)[0]

    def with_log_width(self, events, noise):
        """Events, and log-widths of free columns in steps (None unless the noise is additive)."""
        outputs, log_width = self._outputs(events, noise)
        padded = torch.cat([events, events.new_zeros(len(events), 1)], dim=1)
        free = padded[:, self.partner] + self.center + self.step * outputs
        if self.angle.any():
            free = torch.where(self.angle, wrap_angle(free), free)
        fixed = self.constants.expand(len(events), -1)
        momenta = torch.cat([free, fixed], dim=1)[:, self.momenta]
        energy = (momenta.square().sum(dim=2) + self.mass_squares).sqrt()
        return torch.cat([free, energy, fixed], dim=1)[:, self.order], log_width

    def _outputs(self, events, noise):
        features = self.see(events)
        parts = [
            self.networks[number](features[:, of_features], noise[:, of_noise])
            for of_features, of_noise, number in self.groups
        ]
        outputs = torch.cat([part for part, _ in parts], dim=1)[:, self.back]
        if self.stretched:
            outputs = torch.sinh(outputs.clamp(-LARGEST_OUTPUT, LARGEST_OUTPUT))
        if self.noise != "additive":
            return outputs, None
        return outputs, torch.cat([width for _, width in parts], dim=1)[:, self.back]


def gaussian_log_prob(noise, log_width):
    """Log-density of mean + width * noise in each row, in units of the outputs."""
    constant = 0.5 * math.log(2 * math.pi)
    return -(0.5 * noise.square() + constant + log_width).sum(dim=1)
