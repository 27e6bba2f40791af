"""Small ConvNeXt blocks (Liu et al. 2022) for microcontrollers. `torch.moveaxis` makes them
channels-last for their pointwise layers, and back."""

from __future__ import annotations

import torch
from torch import nn


class Block(nn.Module):
    """A depthwise 7×7, then two linear layers over the channels, and a shortcut.

    norm, activation: "bn" and "relu", or "ln" and "gelu" as in the paper.
    """

    def __init__(self, channels: int, norm: str, activation: str):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.batch_norm = nn.BatchNorm2d(channels) if norm == "bn" else nn.Identity()
        self.layer_norm = nn.LayerNorm(channels) if norm == "ln" else nn.Identity()
        self.expand = nn.Linear(channels, 4 * channels)
        self.activation = nn.ReLU() if activation == "relu" else nn.GELU()
        self.project = nn.Linear(4 * channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.moveaxis(self.batch_norm(self.depthwise(x)), 1, -1)
        y = self.project(self.activation(self.expand(self.layer_norm(y))))
        return x + torch.moveaxis(y, -1, 1)


class ConvNeXt(nn.Module):
    """A stem, blocks, and a classifier: [N,3,H,W] → [N,10]."""

    def __init__(self, norm: str, activation: str, blocks: int = 4, channels: int = 16):
        super().__init__()
        self.stem = nn.Conv2d(3, channels, 4, stride=4)
        self.blocks = nn.Sequential(*(Block(channels, norm, activation) for _ in range(blocks)))
        self.head = nn.Linear(channels, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))
