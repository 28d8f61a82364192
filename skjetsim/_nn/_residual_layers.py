"""Planar and Sylvester layers: all columns move at once, along one direction or several.

The density is closed-form. Sampling solves a monotone equation in one unknown for each direction,
for all rows at once.
"""

import torch
import torch.nn.functional as F
from torch import nn

from skjetsim._nn._conditioner import Conditioner

N_BISECTIONS = {torch.float32: 12, torch.float64: 20}
N_NEWTON = 4


def solve_tanh(target, gain, slope, offset):
    r"""Solve a + gain tanh(slope a + offset) = target for a, where gain slope > -1.

    Parameters
    ----------
    target, gain, slope, offset : Tensor
        Their shapes broadcast.

    Returns
    -------
    Tensor
        The only solution, since the left side rises with a. It is found by bisection, then by
        Newton's steps, which stay within the bracket.
    """
    reach = gain.abs() + torch.zeros_like(target)
    low, high = target - reach, target + reach
    for _ in range(N_BISECTIONS[target.dtype]):
        middle = 0.5 * (low + high)
        above = middle + gain * torch.tanh(slope * middle + offset) > target
        high = torch.where(above, middle, high)
        low = torch.where(above, low, middle)
    a = 0.5 * (low + high)
    for _ in range(N_NEWTON):
        bent = torch.tanh(slope * a + offset)
        residual = a + gain * bent - target
        step = residual / (1 + gain * slope * (1 - bent * bent))
        a = torch.minimum(torch.maximum(a - step, low), high)
    return a


def _above_minus_one(x):
    """Bound a product from below by -1, so that a layer is invertible. 0 stays 0."""
    return F.softplus(x + UNIT) - 1


UNIT = 0.5413248546129181  # softplus(UNIT) = 1


class Planar(nn.Module):
    r"""z = x + u tanh(w x + b) (Rezende and Mohamed 2015, arXiv:1505.05770, equations 10 to 12).

    Parameters
    ----------
    n_columns, n_context : int
        The context, if there is one, determines u, w and b.
    hidden_features : sequence of int
    """

    def __init__(self, n_columns, n_context, *, hidden_features):
        super().__init__()
        self.n_columns = n_columns
        self.direction = nn.Parameter(torch.randn(n_columns, 1) / n_columns**0.5)
        self.conditioner = Conditioner(n_context, 2 * n_columns + 1, hidden_features)

    def _terms(self, context, n_rows):
        u, w, b = self.conditioner([context], n_rows).split([self.n_columns, self.n_columns, 1])
        w = w + self.direction
        along = (u * w).sum(0, keepdim=True)
        # The layer is invertible if the part of u along w is bounded.
        u = u + (_above_minus_one(along) - along) * w / (w * w).sum(0, keepdim=True)
        return u, w, b, _above_minus_one(along)

    def forward(self, x, context):
        """Step towards the base."""
        u, w, b, along = self._terms(context, x.shape[1])
        bent = torch.tanh((w * x).sum(0, keepdim=True) + b)
        return x + u * bent, torch.log1p(along * (1 - bent * bent)).squeeze(0)

    def inverse(self, z, context):
        """Step back: solve for the projection of x on w."""
        u, w, b, along = self._terms(context, z.shape[1])
        target = (w * z).sum(0, keepdim=True)
        projection = solve_tanh(target, along, torch.ones_like(along), b)
        return z - u * torch.tanh(projection + b)


class Sylvester(nn.Module):
    r"""z = x + Q R tanh(S Q^T x + b), Q orthogonal, R and S upper triangular.

    Orthogonal Sylvester flow (van den Berg et al. 2018, arXiv:1803.05649, equations 8 to 13), with
    as many directions as columns. Q is learnt; R, S and b depend on the context, if there is one.

    Parameters
    ----------
    n_columns, n_context : int
    hidden_features : sequence of int
    """

    def __init__(self, n_columns, n_context, *, hidden_features):
        super().__init__()
        self.n_columns = n_columns
        n_reflections = n_columns if n_columns > 1 else 0
        self.reflections = nn.Parameter(torch.randn(n_reflections, n_columns))
        rows, columns = torch.triu_indices(n_columns, n_columns, offset=1)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)
        self.sizes = [len(rows), len(rows), n_columns, n_columns, n_columns]
        self.conditioner = Conditioner(n_context, sum(self.sizes), hidden_features)

    def _orthogonal(self):
        """Product of Householder reflections."""
        like = {"dtype": self.reflections.dtype, "device": self.reflections.device}
        q = torch.eye(self.n_columns, **like)
        for v in self.reflections:
            q = q - 2 * torch.outer(q @ v, v) / (v @ v)
        return q

    def _terms(self, context, n_rows):
        """Q, the two triangles as (n_columns, n_columns, n_rows), and b."""
        parameters = self.conditioner([context], n_rows)
        above, above_inner, diagonal, diagonal_inner, b = parameters.split(self.sizes)
        # tanh keeps the inner diagonal in (0.1, 1.9), so that the product of both diagonals can be
        # bounded from below by -1.
        inner = 1 + torch.tanh(diagonal_inner) * 0.9
        outer = _above_minus_one(diagonal) / inner
        triangles = self._triangle(above, outer), self._triangle(above_inner, inner)
        return self._orthogonal(), *triangles, b

    def _triangle(self, above, diagonal):
        n_rows = diagonal.shape[1]
        result = diagonal.new_zeros(self.n_columns, self.n_columns, n_rows)
        result[self.rows, self.columns] = above
        index = torch.arange(self.n_columns, device=diagonal.device)
        result[index, index] = diagonal
        return result

    def forward(self, x, context):
        """Step towards the base."""
        q, outer, inner, b = self._terms(context, x.shape[1])
        bent = torch.tanh(torch.einsum("ijn,jn->in", inner, q.T @ x) + b)
        z = x + q @ torch.einsum("ijn,jn->in", outer, bent)
        product = torch.diagonal(outer).T * torch.diagonal(inner).T
        return z, torch.log1p(product * (1 - bent * bent)).sum(0)

    def inverse(self, z, context):
        """Step back: solve for one unknown after another, from the last to the first."""
        q, outer, inner, b = self._terms(context, z.shape[1])
        target = q.T @ z
        solved, bent = [None] * self.n_columns, [None] * self.n_columns
        for i in range(self.n_columns - 1, -1, -1):
            offset, known = b[i], target[i]
            for j in range(i + 1, self.n_columns):
                offset = offset + inner[i, j] * solved[j]
                known = known - outer[i, j] * bent[j]
            solved[i] = solve_tanh(known, outer[i, i], inner[i, i], offset)
            bent[i] = torch.tanh(inner[i, i] * solved[i] + offset)
        return q @ torch.stack(solved)
