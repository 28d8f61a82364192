"""Optimal transport between a batch of noise and a batch of events."""

import torch
from scipy.optimize import linear_sum_assignment

from skjetsim._nn._bijections import wrap_angle

BLOCK_ROWS = 256  # the assignment is exact, and takes the third power of their number


def transport_order(noise, events, angle):
    """Order of the noise in which its rows are joined to the events by the shortest ways.

    Parameters
    ----------
    noise, events : Tensor of shape (n_columns, n_rows)
    angle : Tensor of bool, shape (n_columns,)
        Columns in which the shorter way round counts.

    Returns
    -------
    Tensor of int, shape (n_rows,)
        A permutation that keeps rows in their block of 256, where it makes the sum of the squared
        ways the least.
    """
    order = []
    for start in range(0, noise.shape[1], BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        way = events[:, block, None] - noise[:, None, block]
        way[angle] = wrap_angle(way[angle])
        cost = way.square().sum(0)
        order.append(torch.as_tensor(linear_sum_assignment(cost.cpu().numpy())[1]) + start)
    return torch.cat(order).to(noise.device)
