"""MobileNetV2: Sandler et al., "Inverted Residuals and Linear Bottlenecks" (2018), width 1."""

from __future__ import annotations

import torch
from torch import nn

# Of each stage: expansion, output channels, blocks, stride of the first block.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def convolution(
    channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1, *, clamp: bool = True
) -> list[nn.Module]:
    """A convolution with "same" padding, batch norm, and ReLU6 if `clamp`."""
    conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(out), *([nn.ReLU6()] if clamp else [])]


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project. The input is added if the shapes allow it."""

    def __init__(self, channels: int, out: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.is_residual = stride == 1 and channels == out
        self.layers = nn.Sequential(
            *(convolution(channels, wide, 1) if expansion > 1 else []),
            *convolution(wide, wide, 3, stride, groups=wide),
            *convolution(wide, out, 1, clamp=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layers(x)
        return x + y if self.is_residual else y


class MobileNetV2(nn.Module):
    """Image [N, 3, H, W] to logits [N, num_classes]."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        parts = convolution(3, 32, 3, 2)
        channels = 32
        for expansion, out, blocks, stride in STAGES:
            for block in range(blocks):
                step = stride if block == 0 else 1
                parts.append(InvertedResidual(channels, out, expansion, step))
                channels = out
        parts += convolution(channels, 1280, 1)
        self.features = nn.Sequential(*parts)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, num_classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(self.features(x), 1)
        logits: torch.Tensor = self.classifier(pooled.flatten(1))
        return logits
