"""MobileNetV3-Small: Howard et al., "Searching for MobileNetV3" (2019), width 1."""

from __future__ import annotations

import torch
from torch import nn

# Of each block: kernel, expanded channels, output channels, squeeze-and-excite, hardswish, stride.
BLOCKS = (
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2),
    (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1),
    (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1),
    (5, 576, 96, True, True, 1),
)


def multiple_of_8(channels: float) -> int:
    """The nearest multiple of 8 that is not more than a tenth below `channels`."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def convolution(
    channels: int,
    out: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = None,
) -> list[nn.Module]:
    """A convolution with "same" padding, batch norm, and the activation."""
    conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(out, eps=0.001), *([activation()] if activation else [])]


class SqueezeExcite(nn.Module):
    """Scale each channel by a factor that two small layers compute from all channel means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        few = multiple_of_8(channels / 4)
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, few, 1),
            nn.ReLU(),
            nn.Conv2d(few, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scaled: torch.Tensor = self.scale(x) * x
        return scaled


class Block(nn.Module):
    """Expand, filter each channel, excite, project. The input is added if the shapes allow it."""

    def __init__(
        self, channels: int, kernel: int, wide: int, out: int, excite: bool, hard: bool, stride: int
    ) -> None:
        super().__init__()
        activation: type[nn.Module] = nn.Hardswish if hard else nn.ReLU
        self.is_residual = stride == 1 and channels == out
        expand = convolution(channels, wide, 1, activation=activation) if wide != channels else []
        self.layers = nn.Sequential(
            *expand,
            *convolution(wide, wide, kernel, stride, wide, activation),
            *([SqueezeExcite(wide)] if excite else []),
            *convolution(wide, out, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layers(x)
        return x + y if self.is_residual else y


class MobileNetV3Small(nn.Module):
    """Image [N, 3, H, W] to logits [N, num_classes]."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        parts = convolution(3, 16, 3, 2, activation=nn.Hardswish)
        channels = 16
        for kernel, wide, out, excite, hard, stride in BLOCKS:
            parts.append(Block(channels, kernel, wide, out, excite, hard, stride))
            channels = out
        parts += convolution(channels, 576, 1, activation=nn.Hardswish)
        self.features = nn.Sequential(*parts)
        self.classifier = nn.Sequential(
            nn.Linear(576, 1024), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(1024, num_classes)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(self.features(x), 1)
        logits: torch.Tensor = self.classifier(pooled.flatten(1))
        return logits
