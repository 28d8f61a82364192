"""Solvers of ordinary differential equations with a constant step."""

import torch


def _midpoint(slope, t, x, step):
    return x + step * slope(t + step / 2, x + step / 2 * slope(t, x))


def _heun(slope, t, x, step):
    first = slope(t, x)
    return x + step / 2 * (first + slope(t + step, x + step * first))


def _rk4(slope, t, x, step):
    first = slope(t, x)
    second = slope(t + step / 2, x + step / 2 * first)
    third = slope(t + step / 2, x + step / 2 * second)
    fourth = slope(t + step, x + step * third)
    return x + step / 6 * (first + 2 * (second + third) + fourth)


# Of order 2, 2 and 4, with as many calls of `slope` per step.
SOLVERS = {"midpoint": _midpoint, "heun": _heun, "rk4": _rk4}


def integrate(slope, x, start, stop, *, solver, n_steps):
    """Follow dx/dt = slope(t, x) from `start` to `stop`.

    Parameters
    ----------
    slope : callable
        `slope(t, x)` of a float and a tensor gives a tensor of the shape of x.
    x : Tensor
    start, stop : float
        In either order.
    solver : {"midpoint", "heun", "rk4"}
    n_steps : int

    Returns
    -------
    Tensor
    """
    step = (stop - start) / n_steps
    for index in range(n_steps):
        x = SOLVERS[solver](slope, start + index * step, x, step)
    return x


def integrate_with_log_det(slope, x, start, stop, *, solver, n_steps):
    """Follow dx/dt, and log|det| of the map that the solver's steps make.

    The determinant is computed for each step, and not from an integrated divergence. It takes as
    many derivatives, and a density made of it is normalised for any number of steps. The steps are
    linear in values and slopes, so derivatives go through them in the same way as values.

    Parameters
    ----------
    slope : callable
        `slope(t, dual)` of a float and a tensor of shape (n_columns, 1 + n_columns, n_rows) gives
        a tensor of the same shape. `dual` holds values, and then their derivatives with respect to
        each column.
    x : Tensor of shape (n_columns, n_rows)
    start, stop : float
    solver : {"midpoint", "heun", "rk4"}
    n_steps : int

    Returns
    -------
    x : Tensor of shape (n_columns, n_rows)
    log_det : Tensor of shape (n_rows,)
    """
    n_columns, n_rows = x.shape
    unit = torch.eye(n_columns, dtype=x.dtype, device=x.device)
    unit = unit[:, :, None].expand(-1, -1, n_rows)
    step = (stop - start) / n_steps
    log_det = x.new_zeros(n_rows)
    for index in range(n_steps):
        dual = torch.cat([x[:, None], unit], dim=1)
        dual = SOLVERS[solver](slope, start + index * step, dual, step)
        x = dual[:, 0]
        # The matrix of a step is near the unit matrix. That of the whole path may be too
        # ill-conditioned for single precision.
        log_det = log_det + torch.linalg.slogdet(dual[:, 1:].permute(2, 0, 1)).logabsdet
    return x, log_det
