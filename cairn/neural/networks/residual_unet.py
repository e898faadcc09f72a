"""A compact U-shaped residual network: pictures in, one map of logits for each point out.

The way down halves the picture at each stage (He et al. 2016 blocks); the way up adds the finer stage back
(Newell et al. 2016; Lin et al. 2017). Maps are a quarter of the picture's size. Most of the work is done on small
maps, where two cores are fast, and only plain convolutions, ReLU and nearest-neighbour doubling are used, which every
inference engine fuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

__all__ = ["ResidualUNet"]


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)]


class _Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.branch = nn.Sequential(*_conv(width, width), nn.ReLU(True), *_conv(width, width))
        nn.init.zeros_(self.branch[-1].weight)  # starts as the identity: deep stacks train at once

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.branch(x))


class ResidualUNet(nn.Module):
    """Logits (B, K, H / 4, W / 4) of pictures (B, 3, H, W).

    Parameters
    ----------
    points : K
    widths : channels at 1/2, 1/4, 1/8, ... of the picture's size
    blocks : residual blocks after each halving, from 1/4 on; one fewer than `widths`
    finest : halvings below 1/2 at which the way up ends; 2 gives maps of 1/8 of the picture's size
    """

    def __init__(self, points: int, widths: Sequence[int], blocks: Sequence[int], finest: int = 1):
        super().__init__()
        self.finest = finest
        self.stem = nn.Sequential(*_conv(3, widths[0], stride=2), nn.ReLU(True))
        self.down = nn.ModuleList(
            nn.Sequential(*_conv(a, b, stride=2), nn.ReLU(True), *(_Residual(b) for _ in range(n)))
            for (a, b), n in zip(pairwise(widths), blocks, strict=True)
        )
        self.lateral = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths[finest:]))
        self.up = nn.ModuleList(_Residual(a) for a in widths[finest:-1])
        self.head = nn.Conv2d(widths[finest], points, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        stages = []
        for down in self.down:
            x = down(x)
            stages.append(x)
        for i in reversed(range(len(self.up))):
            x = nn.functional.interpolate(self.lateral[i](x), scale_factor=2.0, mode="nearest")
            x = self.up[i](stages[i + self.finest - 1] + x)
        return self.head(x)
