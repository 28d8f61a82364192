"""Optimal transport between a batch of noise and a batch of events."""

import torch
from scipy.optimize import linear_sum_assignment

from skjetsim._nn._bijections import wrap_angle

BLOCK_ROWS = 256  # the exact assignment takes a time that grows with the third power of it


def transport_order(noise, events, angle):
    """Order of the noise that pairs its rows with the events at the shortest distances.

    Parameters
    ----------
    noise, events : Tensor of shape (n_columns, n_rows)
    angle : Tensor of bool, shape (n_columns,)
        Which columns are angles, with distances around the circle.

    Returns
    -------
    Tensor of int, shape (n_rows,)
        A permutation within each block of 256 rows, which minimises the sum of the squared
        distances there.
    """
    order = []
    for start in range(0, noise.shape[1], BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        way = events[:, block, None] - noise[:, None, block]
        way[angle] = wrap_angle(way[angle])
        cost = way.square().sum(0)
        order.append(torch.as_tensor(linear_sum_assignment(cost.cpu().numpy())[1]) + start)
    return torch.cat(order).to(noise.device)
