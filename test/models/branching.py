"""Branching networks, on which the order of operators decides the arena. Weights are random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import networkx
import torch
from torch import Tensor, nn


def conv(channels: int, out: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """A convolution with "same" padding and a ReLU."""
    return nn.Sequential(nn.Conv2d(channels, out, kernel, stride, kernel // 2), nn.ReLU())


def separable(channels: int, kernel: int) -> nn.Sequential:
    """A depthwise and a pointwise convolution and a ReLU."""
    depthwise = nn.Conv2d(channels, channels, kernel, 1, kernel // 2, groups=channels)
    return nn.Sequential(depthwise, nn.Conv2d(channels, channels, 1), nn.ReLU())


class UNet(nn.Module):
    """Three levels down and up, with a skip connection at each."""

    def __init__(self, c: int = 8) -> None:
        super().__init__()
        self.down = nn.ModuleList([conv(3, c), conv(c, 2 * c), conv(2 * c, 4 * c)])
        self.middle = conv(4 * c, 8 * c)
        self.up = nn.ModuleList([conv(12 * c, 4 * c), conv(6 * c, 2 * c), conv(3 * c, c)])
        self.last = nn.Conv2d(c, 2, 1)
        self.pool = nn.MaxPool2d(2)
        self.larger = nn.Upsample(scale_factor=2)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for layer in self.down:
            x = layer(x)
            kept.append(x)
            x = self.pool(x)
        x = self.middle(x)
        for layer in self.up:
            x = layer(torch.cat([self.larger(x), kept.pop()], 1))
        return self.last(x)


class InceptionBlock(nn.Module):
    """Four branches, concatenated."""

    def __init__(self, channels: int, a: int = 16) -> None:
        super().__init__()
        self.b1 = conv(channels, a, 1)
        self.b2 = nn.Sequential(conv(channels, a, 1), conv(a, 2 * a))
        self.b3 = nn.Sequential(conv(channels, a // 2, 1), conv(a // 2, a, 5))
        self.b4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(channels, a, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.b1(x), self.b2(x), self.b3(x), self.b4(x)], 1)


class Inception(nn.Module):
    """Three such blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 16, 3, 2),
            InceptionBlock(16),
            InceptionBlock(80),
            nn.MaxPool2d(2),
            InceptionBlock(80, 24),
        )
        self.classify = nn.Linear(120, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.body(x).mean((2, 3)))


class NasCell(nn.Module):
    """The normal cell of NASNet, from two earlier results."""

    def __init__(self, channels: int, before: int, c: int = 16) -> None:
        super().__init__()
        self.p, self.q = conv(channels, c, 1), conv(before, c, 1)
        self.ops = nn.ModuleList([separable(c, k) for k in (5, 3, 5, 3, 3)])
        self.average = nn.AvgPool2d(3, 1, 1)

    def forward(self, now: Tensor, before: Tensor) -> Tensor:
        q, p = self.q(before), self.p(now)
        b0 = self.ops[0](q) + self.ops[1](p)
        b1 = self.ops[2](p) + self.ops[3](p)
        b2 = self.average(q) + p
        b3 = self.average(p) + self.average(p)
        b4 = self.ops[4](q) + q
        return torch.cat([p, b0, b1, b2, b3, b4], 1)


class NasNet(nn.Module):
    """Three such cells."""

    def __init__(self, c: int = 16) -> None:
        super().__init__()
        self.stem = conv(3, 16, 3, 2)
        self.cell1 = NasCell(16, 16, c)
        self.cell2 = NasCell(6 * c, 16, c)
        self.cell3 = NasCell(6 * c, 6 * c, c)
        self.classify = nn.Linear(6 * c, 10)

    def forward(self, x: Tensor) -> Tensor:
        h0 = self.stem(x)
        h1 = self.cell1(h0, h0)
        h2 = self.cell2(h1, h0)
        return self.classify(self.cell3(h2, h1).mean((2, 3)))


class RandomlyWired(nn.Module):
    """Separable convolutions on the edges of a random graph of Watts and Strogatz."""

    def __init__(self, nodes: int, channels: int, seed: int) -> None:
        super().__init__()
        graph = networkx.connected_watts_strogatz_graph(nodes, 4, 0.75, seed=seed)
        self.sources = [sorted(j for j in graph[i] if j < i) for i in range(nodes)]
        self.sinks = [i for i in range(nodes) if not any(j > i for j in graph[i])]
        self.stem = conv(3, channels, 3, 2)
        self.layers = nn.ModuleList([separable(channels, 3) for _ in range(nodes)])
        self.classify = nn.Linear(channels, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        values: list[Tensor] = []
        for layer, sources in zip(self.layers, self.sources, strict=True):
            values.append(layer(added([values[j] for j in sources] or [x])))
        return self.classify(added([values[i] for i in self.sinks]).mean((2, 3)))


def added(values: list[Tensor]) -> Tensor:
    """The sum, from left to right."""
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


class HighResolution(nn.Module):
    """Three resolutions side by side, in breadth-first order, as authors write it."""

    def __init__(self, c: int = 8, depth: int = 3) -> None:
        super().__init__()
        self.stem = conv(3, c, 3, 2)
        self.second, self.third = conv(c, 2 * c, 3, 2), conv(2 * c, 4 * c, 3, 2)
        self.layers = nn.ModuleList(
            nn.ModuleList([conv(c, c), conv(2 * c, 2 * c), conv(4 * c, 4 * c)])
            for _ in range(depth)
        )
        self.narrow = nn.ModuleList([conv(2 * c, c, 1), conv(4 * c, c, 1)])
        self.up2, self.up4 = nn.Upsample(scale_factor=2), nn.Upsample(scale_factor=4)
        self.last = nn.Conv2d(c, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.stem(x)
        b = self.second(a)
        c = self.third(b)
        for layer in self.layers:
            a, b, c = layer[0](a), layer[1](b), layer[2](c)
        return self.last(a + self.up2(self.narrow[0](b)) + self.up4(self.narrow[1](c)))


class MultiHead(nn.Module):
    """One trunk with four heads, which are written layer by layer."""

    def __init__(self, heads: int = 4, c: int = 16) -> None:
        super().__init__()
        self.stem = conv(3, c, 3, 2)
        self.first = nn.ModuleList([conv(c, 2 * c) for _ in range(heads)])
        self.second = nn.ModuleList([conv(2 * c, c, 3, 2) for _ in range(heads)])
        self.last = nn.ModuleList([nn.Conv2d(c, 2, 1) for _ in range(heads)])

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.stem(x)
        wide = [layer(x) for layer in self.first]
        narrow = [layer(y) for layer, y in zip(self.second, wide, strict=True)]
        return tuple(layer(y) for layer, y in zip(self.last, narrow, strict=True))


class Gru(nn.Module):
    """A recurrent layer."""

    def __init__(self, features: int = 20) -> None:
        super().__init__()
        self.gru = nn.GRU(features, features, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.gru(x)[0]  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Branching:
    """A network and the shape of its input."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]

    def inputs(self, count: int, seed: int = 0) -> list[tuple[Tensor]]:
        """Random inputs, each as a tuple of arguments."""
        generator = torch.Generator().manual_seed(seed)
        return [(torch.randn(self.shape, generator=generator),) for _ in range(count)]


def _random(seed: int) -> Callable[[], nn.Module]:
    return lambda: RandomlyWired(14 + 2 * seed, 8 + 4 * (seed % 3), seed)


BRANCHING = {
    "unet": Branching(UNet, (1, 3, 32, 32)),
    "inception": Branching(Inception, (1, 3, 48, 48)),
    "nasnet": Branching(NasNet, (1, 3, 32, 32)),
    "hr": Branching(HighResolution, (1, 3, 48, 48)),
    "multihead": Branching(MultiHead, (1, 3, 32, 32)),
    "gru": Branching(Gru, (1, 6, 20)),
    **{f"randwire{seed}": Branching(_random(seed), (1, 3, 32, 32)) for seed in range(8)},
}
