"""Sliced Wasserstein distance of two batches, with its gradient, for the cost of two sorts.

A slice is a direction. Both batches are projected on it, sorted, and compared rank by rank. The
gradient of the generated batch needs the order of its rows. The target needs only its sorted
values. On a CPU numpy sorts both, with vector instructions that torch does not use. A 64-bit key of
the same order has the float32 projection as its upper half and the row as its lower half. One sort
of such keys gives values and order at once.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

BLOCK_SLICES = 256  # projected at once
CHUNK_SLICES = 16  # sorted at once, so that their keys stay in the cache of the CPU
DEVICE_CHUNK = 2**24  # projections at once on an accelerator
LOW, HIGH = (0, 1) if sys.byteorder == "little" else (1, 0)


def sliced_wasserstein(generated, target, directions, *, p=2, weights=None):
    """Mean over directions of W_p^p between the projections of two batches.

    Parameters
    ----------
    generated : Tensor of shape (n_rows, n_columns)
        In float32. Only this batch has a gradient.
    target : Tensor of shape (n_rows, n_columns)
    directions : Tensor of shape (n_slices, n_columns)
    p : {1, 2}
    weights : Tensor of shape (n_slices,), optional
        Weight of each slice in the sum. By default equal, with a sum of one.

    Returns
    -------
    Tensor
        Scalar.
    """
    n_slices = len(directions)
    if weights is None:
        weights = directions.new_full((n_slices,), 1.0 / max(n_slices, 1))
    return _SlicedWasserstein.apply(generated, target.detach(), directions.detach(), p, weights)


def random_directions(n_slices, n_columns, generator, device="cpu"):
    """Directions uniform on the sphere, the same on any device."""
    directions = torch.randn(n_slices, n_columns, generator=generator)
    return torch.nn.functional.normalize(directions, dim=1).to(device)


def sharpen_directions(directions, generated, target, *, p):
    """Rotate directions towards larger distances: a step of a max-sliced distance.

    The step along the direction of the gradient has length one, which is half a right angle.

    Parameters
    ----------
    directions : Tensor of shape (n_slices, n_columns)
    generated, target : Tensor of shape (n_rows, n_columns)
    p : {1, 2}

    Returns
    -------
    Tensor of shape (n_slices, n_columns)
        Of length one.
    """
    with torch.enable_grad():
        directions = directions.detach().requires_grad_()
        generated, target = generated.detach(), target.detach()
        ours = torch.sort(directions @ generated.T, dim=1).values
        theirs = torch.sort(directions @ target.T, dim=1).values
        cost = (ours - theirs).abs().pow(p).mean(dim=1).sum()
        (slope,) = torch.autograd.grad(cost, directions)
    step = torch.nn.functional.normalize(slope, dim=1)
    return torch.nn.functional.normalize(directions.detach() + step, dim=1)


class _SlicedWasserstein(torch.autograd.Function):
    """Computes the gradient together with the value, so that no projections are kept."""

    @staticmethod
    def forward(ctx, generated, target, directions, p, weights):
        """Weighted sum over slices of W_p^p."""
        if len(generated) != len(target):
            raise ValueError(
                f"batches of {len(generated)} and {len(target)} rows cannot be compared by rank."
            )
        compare = _on_processor if generated.device.type == "cpu" else _on_device
        cost, gradient = compare(generated, target, directions, p, weights)
        ctx.save_for_backward(gradient)
        return cost

    @staticmethod
    def backward(ctx, outer):
        """Gradient of the generated batch."""
        (gradient,) = ctx.saved_tensors
        return outer * gradient, None, None, None, None


def _on_processor(generated, target, directions, p, weights):
    rows = np.arange(len(generated), dtype=np.int64)
    ours, theirs = (batch.detach().float().T.contiguous() for batch in (generated, target))
    directions, weights = directions.float(), weights.float()
    cost, gradient = 0.0, torch.zeros_like(ours)
    n_threads = torch.get_num_threads()
    with ThreadPoolExecutor(n_threads) as pool:
        run = map if n_threads == 1 else pool.map
        for start in range(0, len(directions), BLOCK_SLICES):
            chosen = directions[start : start + BLOCK_SLICES]
            weight = weights[start : start + BLOCK_SLICES]
            projected, goal = (chosen @ ours).numpy(), (chosen @ theirs).numpy()
            by_row = np.empty_like(projected)
            chunks = [slice(i, i + CHUNK_SLICES) for i in range(0, len(chosen), CHUNK_SLICES)]
            compared = run(
                lambda chunk, one=projected, other=goal, slope=by_row: _compare(
                    one[chunk], other[chunk], rows, p, slope[chunk]
                ),
                chunks,
            )
            cost += float(weight.numpy() @ np.concatenate(list(compared)))
            gradient += (chosen * weight[:, None]).T @ torch.from_numpy(by_row)
    return generated.new_tensor(cost), gradient.T.contiguous().to(generated.dtype)


def _compare(projected, goal, rows, p, slope_by_row):
    """W_p^p of a few slices. Fills in its derivative with respect to the projections."""
    goal.sort(axis=1)
    gap, order = _sort_with_order(projected, rows)
    gap -= goal
    cost, slope = _cost_and_slope(gap, p)
    torch.from_numpy(slope_by_row).scatter_(1, torch.from_numpy(order), torch.from_numpy(slope))
    return cost


def _sort_with_order(values, rows):
    """Sort float32 along the last axis. Returns the sorted values and the row of each."""
    bits = values.view(np.int32)
    # Floats have the order of integers after the lower bits of negative ones are flipped.
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    keys = ordered.astype(np.int64)
    keys <<= 32
    keys |= rows
    keys.sort(axis=1)
    halves = keys.view(np.int32).reshape(*keys.shape, 2)
    order = halves[..., LOW].astype(np.int64)
    ordered = np.ascontiguousarray(halves[..., HIGH])
    return (ordered ^ ((ordered >> 31) & 0x7FFFFFFF)).view(np.float32), order


def _cost_and_slope(gap, p):
    """W_p^p of each slice, and its derivative with respect to the sorted projections."""
    n_rows = gap.shape[1]
    if p == 1:
        return np.abs(gap).mean(axis=1), np.sign(gap) / np.float32(n_rows)
    return np.square(gap).mean(axis=1), gap * np.float32(2 / n_rows)


def _on_device(generated, target, directions, p, weights):
    ours, theirs = generated.detach().float().T, target.float().T
    directions, weights = directions.to(ours), weights.to(ours)
    cost, gradient = ours.new_zeros(()), torch.zeros_like(ours)
    step = max(1, DEVICE_CHUNK // len(generated))
    for start in range(0, len(directions), step):
        chosen, weight = directions[start : start + step], weights[start : start + step]
        values, order = torch.sort(chosen @ ours, dim=1)
        gap = values - torch.sort(chosen @ theirs, dim=1).values
        slope = (gap.sign() if p == 1 else 2 * gap) / gap.shape[1]
        by_row = torch.empty_like(gap).scatter_(1, order, slope)
        cost = cost + weight @ gap.abs().pow(p).mean(dim=1)
        gradient += (chosen * weight[:, None]).T @ by_row
    return cost.to(generated.dtype), gradient.T.to(generated.dtype)
