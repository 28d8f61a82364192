"""A bijection between two levels of events, trained in both directions."""

import torch

from skjetsim._nn._flow import Flow
from skjetsim._nn.training._network import Network

# Rows that kernels are computed for at once: the cost grows with the square.
BLOCK_ROWS = 256
# Widths of the kernels, in units of the distance between two standard normal points.
KERNEL_WIDTHS = (0.2, 0.6, 2.0)


class InvertibleMap(Network):
    """Bijection (theory, its padding) <-> (measured, its padding), all columns standardised.

    The padding fills both sides to the same width, which is that of the wider side plus `n_noise`.
    It is standard normal noise, or zeros if `n_noise` is zero. The loss of a row is the mean
    squared error of theory and measured columns, each predicted from the other side. The maximum
    mean discrepancy of each predicted side, with padding, from the true one is added, times
    `mmd_weight`.

    Parameters
    ----------
    n_theory, n_measured, n_noise : int
    mmd_weight : float
    **settings
        Settings of the flow's couplings: `orders`, `hidden_features`, `n_bins`.
    """

    def __init__(self, n_theory, n_measured, n_noise, *, mmd_weight, **settings):
        super().__init__()
        self.n_theory, self.n_measured = n_theory, n_measured
        self.width = invertible_width(n_theory, n_measured, n_noise)
        self.noisy = n_noise > 0
        self.mmd_weight = mmd_weight
        self.flow = Flow(self.width, 0, **settings)

    def losses(self, step, batch, generator):
        """Loss of each row. The padding of theory is followed by that of measured events."""
        theory, measured, padding = batch.inputs
        # The batch is shuffled, so an event has other noise, its neighbour's, in every epoch.
        padding = padding.roll(1, dims=0)
        n_padding = self.width - self.n_theory
        theory = torch.cat([theory, padding[:, :n_padding]], dim=1)
        measured = torch.cat([measured, padding[:, n_padding:]], dim=1)
        measured_drawn = self.flow.to_latent(theory)
        theory_drawn = self.flow.from_base(measured)
        loss = self._error(measured_drawn, measured, self.n_measured)
        loss = loss + self._error(theory_drawn, theory, self.n_theory)
        if self.mmd_weight > 0:
            distance = mmd_of_rows(measured_drawn, measured, batch.weight)
            distance = distance + mmd_of_rows(theory_drawn, theory, batch.weight)
            loss = loss + self.mmd_weight * distance
        return {"loss": loss}

    def _error(self, drawn, true, n_columns):
        """Mean squared error without noise. Zeros count: they must not carry the event."""
        n_columns = n_columns if self.noisy else self.width
        return (drawn - true)[:, :n_columns].square().sum(dim=1) / max(n_columns, 1)

    def unfold(self, measured, padding):
        """Theory level of measured rows and their padding."""
        rows = torch.cat([measured, padding], dim=1)
        return self.flow.from_base(rows)[:, : self.n_theory]


def invertible_width(n_theory, n_measured, n_noise):
    """Columns of either side of a map, with padding."""
    return max(n_theory, n_measured) + n_noise


def mmd_of_rows(drawn, true, weight=None):
    """Contribution of each row to the squared maximum mean discrepancy of two samples.

    It is unbiased: pairs of a row with itself are left out. They are left out of the cross term
    too, since the same row of both samples is the same event. The kernel is a mean of inverse
    multiquadrics.

    Parameters
    ----------
    drawn, true : Tensor of shape (n_rows, n_columns)
    weight : Tensor of shape (n_rows,), optional

    Returns
    -------
    Tensor of shape (n_rows,)
        The weighted mean over rows is the estimate.
    """
    weight = torch.ones_like(drawn[:, 0]) if weight is None else weight
    blocks = zip(*(rows.split(BLOCK_ROWS) for rows in (drawn, true, weight)), strict=True)
    return torch.cat([_mmd_of_block(*block) for block in blocks])


def _mmd_of_block(drawn, true, weight):
    both = torch.cat([drawn, true])
    n_rows, n_columns = drawn.shape
    square = both.square().sum(dim=1)
    distance = (square[:, None] + square - 2 * both @ both.T).clamp_min(0)
    kernel = torch.zeros_like(distance)
    for width in KERNEL_WIDTHS:
        scale = 2 * n_columns * width**2
        kernel = kernel + scale / (scale + distance) / len(KERNEL_WIDTHS)
    among_drawn, among_true = kernel[:n_rows, :n_rows], kernel[n_rows:, n_rows:]
    across = kernel[:n_rows, n_rows:]
    difference = among_drawn + among_true - across - across.T
    share = weight * (1 - torch.eye(n_rows, dtype=weight.dtype, device=weight.device))
    # If the last block has one row, there is nothing to compare it with.
    return (difference * share).sum(dim=1) / share.sum(dim=1).clamp_min(1e-12)
