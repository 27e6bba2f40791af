"""YOLO11n, Ultralytics' object detector: depth 0.5, width 0.25, 80 classes."""

from __future__ import annotations

import torch
from torch import nn

STRIDES = (8, 16, 32)
BINS = 16  # A box side is a distribution over this many distances, in strides.


class Conv(nn.Module):
    """A convolution with "same" padding, batch norm, and SiLU if `activate`."""

    def __init__(
        self,
        channels: int,
        out: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        activate: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=0.001)
        self.activation = nn.SiLU() if activate else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.activation(self.bn(self.conv(x)))
        return y


class Bottleneck(nn.Module):
    """Two 3×3 convolutions, with `inner` channels between them, added to their input."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(Conv(channels, inner, 3), Conv(inner, channels, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layers(x)
        return x + y


class C3k(nn.Module):
    """Two bottlenecks on one half of the channels, and a 1×1 convolution for the other."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.left = nn.Sequential(Conv(channels, half), *(Bottleneck(half, half) for _ in range(2)))
        self.right = Conv(channels, half)
        self.join = Conv(2 * half, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.join(torch.cat((self.left(x), self.right(x)), 1))
        return y


class C3k2(nn.Module):
    """Split the channels, refine the second part, join all three."""

    def __init__(self, channels: int, out: int, deep: bool, ratio: float = 0.5) -> None:
        super().__init__()
        part = int(out * ratio)
        self.split = Conv(channels, 2 * part)
        self.refine = C3k(part) if deep else Bottleneck(part, part // 2)
        self.join = Conv(3 * part, out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, second = self.split(x).chunk(2, 1)
        y: torch.Tensor = self.join(torch.cat((first, second, self.refine(second)), 1))
        return y


class SPPF(nn.Module):
    """Pyramid pooling: a 5×5 max pool applied three times, with all results joined."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.reduce = Conv(channels, channels // 2)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.join = Conv(2 * channels, out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        levels = [self.reduce(x)]
        for _ in range(3):
            levels.append(self.pool(levels[-1]))
        y: torch.Tensor = self.join(torch.cat(levels, 1))
        return y


class Attention(nn.Module):
    """Self-attention between positions, with keys half as wide as values."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads, self.value = heads, channels // heads
        self.key = self.value // 2
        self.scale = self.key**-0.5
        self.qkv = Conv(channels, heads * (2 * self.key + self.value), activate=False)
        self.position = Conv(channels, channels, 3, groups=channels, activate=False)
        self.project = Conv(channels, channels, activate=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, c, h, w = x.shape
        joint = self.qkv(x).view(n, self.heads, 2 * self.key + self.value, h * w)
        q, k, v = joint.split((self.key, self.key, self.value), dim=2)
        weights = ((q.transpose(-2, -1) @ k) * self.scale).softmax(dim=-1)
        mixed = (v @ weights.transpose(-2, -1)).view(n, c, h, w)
        y: torch.Tensor = self.project(mixed + self.position(v.reshape(n, c, h, w)))
        return y


class PSABlock(nn.Module):
    """Attention and two 1×1 convolutions, each added to its input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = Attention(channels, channels // 64)
        self.mix = nn.Sequential(
            Conv(channels, 2 * channels), Conv(2 * channels, channels, activate=False)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(x)
        y: torch.Tensor = x + self.mix(x)
        return y


class C2PSA(nn.Module):
    """Attention on one half of the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.split = Conv(channels, channels)
        self.block = PSABlock(channels // 2)
        self.join = Conv(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, second = self.split(x).chunk(2, 1)
        y: torch.Tensor = self.join(torch.cat((first, self.block(second)), 1))
        return y


class Detect(nn.Module):
    """Boxes and class scores of every anchor point of three feature maps.

    Output [N, 4 + classes, anchors]: centre, width and height in pixels, then probabilities.
    """

    anchors: torch.Tensor
    strides: torch.Tensor
    distances: torch.Tensor

    def __init__(self, classes: int, channels: tuple[int, ...], image: int) -> None:
        super().__init__()
        self.classes = classes
        box, score = max(16, channels[0] // 4, 4 * BINS), max(channels[0], min(classes, 100))
        self.boxes = nn.ModuleList(
            nn.Sequential(Conv(c, box, 3), Conv(box, box, 3), nn.Conv2d(box, 4 * BINS, 1))
            for c in channels
        )
        self.scores = nn.ModuleList(
            nn.Sequential(
                *(Conv(c, c, 3, groups=c), Conv(c, score)),
                *(Conv(score, score, 3, groups=score), Conv(score, score)),
                nn.Conv2d(score, classes, 1),
            )
            for c in channels
        )
        points, strides = [], []
        for stride in STRIDES:
            middle = torch.arange(image // stride) + 0.5
            y, x = torch.meshgrid(middle, middle, indexing="ij")
            points.append(torch.stack((x, y)).reshape(2, -1))
            strides.append(torch.full((1, x.numel()), float(stride)))
        self.register_buffer("anchors", torch.cat(points, 1)[None])
        self.register_buffer("strides", torch.cat(strides, 1))
        self.register_buffer("distances", torch.arange(BINS).float().view(1, BINS, 1, 1))

    def forward(self, features: list[torch.Tensor]) -> torch.Tensor:
        n = features[0].shape[0]
        maps = [
            torch.cat((box(x), score(x)), 1).view(n, 4 * BINS + self.classes, -1)
            for x, box, score in zip(features, self.boxes, self.scores, strict=True)
        ]
        boxes, scores = torch.cat(maps, 2).split((4 * BINS, self.classes), 1)
        bins = boxes.view(n, 4, BINS, -1).transpose(2, 1).softmax(1)
        sides = nn.functional.conv2d(bins, self.distances).view(n, 4, -1)
        left_top, right_bottom = sides.chunk(2, 1)
        low, high = self.anchors - left_top, self.anchors + right_bottom
        return torch.cat(
            (torch.cat(((low + high) / 2, high - low), 1) * self.strides, scores.sigmoid()), 1
        )


class YOLO11n(nn.Module):
    """Image [N, 3, image, image] to detections [N, 84, anchors]: 2,100 anchors at 320 pixels."""

    def __init__(self, image: int = 320, classes: int = 80) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            *(Conv(3, 16, 3, 2), Conv(16, 32, 3, 2), C3k2(32, 64, False, 0.25)),
            *(Conv(64, 64, 3, 2), C3k2(64, 128, False, 0.25)),
        )
        self.middle = nn.Sequential(Conv(128, 128, 3, 2), C3k2(128, 128, True))
        self.top = nn.Sequential(
            *(Conv(128, 256, 3, 2), C3k2(256, 256, True), SPPF(256, 256), C2PSA(256))
        )
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.up_middle = C3k2(256 + 128, 128, False)
        self.up_stem = C3k2(128 + 128, 64, False)
        self.down_middle = Conv(64, 64, 3, 2)
        self.out_middle = C3k2(64 + 128, 128, False)
        self.down_top = Conv(128, 128, 3, 2)
        self.out_top = C3k2(128 + 256, 256, True)
        self.detect = Detect(classes, (64, 128, 256), image)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stem = self.stem(x)
        middle = self.middle(stem)
        top = self.top(middle)
        up = self.up_middle(torch.cat((self.upsample(top), middle), 1))
        small = self.up_stem(torch.cat((self.upsample(up), stem), 1))
        medium = self.out_middle(torch.cat((self.down_middle(small), up), 1))
        large = self.out_top(torch.cat((self.down_top(medium), top), 1))
        y: torch.Tensor = self.detect([small, medium, large])
        return y
