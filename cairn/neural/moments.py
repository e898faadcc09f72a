"""Mean, covariance and peak of each point's map, in the units of the network's input pixels.

The map of logits becomes a distribution over its cells by softmax; the point is its mean (integral regression, Sun et
al. 2018) and the spread its covariance. This module is the last layer of the exported graph, so training and everyday
prediction decode with the same code.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Moments"]


class Moments(nn.Module):
    """Logits (B, K, H, W) to (B, K, 6): mean x, mean y, var x, var y, cov xy (input px, px^2), highest probability."""

    def __init__(self, size: int, stride: int = 4):
        super().__init__()
        cells = size // stride
        # The centre of a cell in input pixels, whose 0 is the centre of the first one.
        at = torch.arange(cells, dtype=torch.float32) * stride + (stride - 1) / 2
        y, x = torch.meshgrid(at, at, indexing="ij")
        x, y = x.flatten(), y.flatten()
        # About the middle, so that E[x^2] - E[x]^2 loses no digits.
        self.middle = (size - 1) / 2
        x, y = x - self.middle, y - self.middle
        self.register_buffer("basis", torch.stack([x, y, x * x, y * y, x * y], 1), persistent=False)

    def forward(self, logits: Tensor) -> Tensor:
        p = logits.float().flatten(2).softmax(-1)
        m = p @ self.basis
        mx, my = m[..., 0], m[..., 1]
        spread = torch.stack([m[..., 2] - mx * mx, m[..., 3] - my * my, m[..., 4] - mx * my], -1)
        return torch.cat([m[..., :2] + self.middle, spread, p.amax(-1, keepdim=True)], -1)
