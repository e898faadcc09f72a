"""What a heatmap network is punished for. All lengths are in shares of the input's side, so sizes are comparable."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["distance_loss", "laplace_nll", "map_cross_entropy"]


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp(min=1)


def distance_loss(mean: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean Euclidean distance, the very thing that NME measures.

    Parameters
    ----------
    mean, truth : (B, K, 2)
    weight : (B, K), 0 where there is no label
    """
    return _mean((mean - truth).square().sum(-1).add(1e-8).sqrt(), weight)


def laplace_nll(mean: Tensor, covariance: Tensor, truth: Tensor, weight: Tensor, floor: float) -> Tensor:
    """Negative log-likelihood of a bivariate Laplace law with the map's own mean and covariance.

    An error along a direction in which the map is wide costs less, as labels slide along an edge (the anisotropy of
    STAR, Zhou et al. 2023), and the log-determinant keeps the map from widening without need.

    Parameters
    ----------
    covariance : (B, K, 3) as var x, var y, cov xy
    floor : variance added to both axes
    """
    a, b, c = covariance[..., 0] + floor, covariance[..., 1] + floor, covariance[..., 2]
    determinant = (a * b - c * c).clamp(min=floor * floor)
    ex, ey = (truth - mean).unbind(-1)
    squared = (b * ex * ex + a * ey * ey - 2 * c * ex * ey) / determinant
    return _mean((squared + 1e-4).sqrt() * 1.7320508 + 0.5 * determinant.log(), weight)


def map_cross_entropy(logits: Tensor, truth_cells: Tensor, weight: Tensor, sigma: float) -> Tensor:
    """Cross entropy of the softmax map with a Gaussian of `sigma` cells about the truth.

    Parameters
    ----------
    logits : (B, K, H, W)
    truth_cells : (B, K, 2) in cells, 0 at the centre of the first
    """
    height, width = logits.shape[-2:]
    x = torch.arange(width, device=logits.device) - truth_cells[..., 0:1]
    y = torch.arange(height, device=logits.device) - truth_cells[..., 1:2]
    gx = torch.softmax(-(x * x) / (2 * sigma * sigma), -1)
    gy = torch.softmax(-(y * y) / (2 * sigma * sigma), -1)
    log_p = logits.float().flatten(2).log_softmax(-1).view(logits.shape)
    cross = -torch.einsum("bkhw,bkh,bkw->bk", log_p, gy, gx)
    return _mean(cross, weight)
