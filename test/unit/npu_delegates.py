"""Operators that ExecuTorch 1.5.1 leaves in float, outside the delegates, each in one network."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

Function = Callable[[torch.Tensor], torch.Tensor]

OPERATORS: dict[str, Function] = {
    "moveaxis": lambda x: torch.moveaxis(x, 1, -1),
    "movedim": lambda x: torch.movedim(x, (1, 2), (3, 1)),
    "swapaxes": lambda x: torch.swapaxes(x, 1, 2),
    "swapdims": lambda x: torch.swapdims(x, 2, 3),
    "mT": lambda x: x.mT,
    "mH": lambda x: x.mH,
    "channel_shuffle": lambda x: F.channel_shuffle(x, 4),
    "narrow": lambda x: torch.narrow(x, 1, 2, 4),
    "tensor_split": lambda x: torch.cat(torch.tensor_split(x, 3, 1)[::-1], 1),
    "hsplit": lambda x: torch.hsplit(x, 2)[1],
    "unsafe_chunk": lambda x: torch.unsafe_chunk(x, 2, 1)[0],
    "unsafe_split": lambda x: torch.unsafe_split(x, 4, 1)[1],
    "expand_as": lambda x: x[:, :, :1].expand_as(x),
    "broadcast_to": lambda x: torch.broadcast_to(x[:, :1], (1, 8, 8, 8)),
    "ravel": torch.ravel,
    "reshape_as": lambda x: x.reshape_as(x.permute(0, 2, 3, 1)),
    "hstack": lambda x: torch.hstack((x, x)),
    "vstack": lambda x: torch.vstack((x, x)),
    "dstack": lambda x: torch.dstack((x, x)),
    "detach": lambda x: x.detach(),
    "roll": lambda x: torch.roll(x, (2, 3), (2, 3)),
    "Tensor.unfold": lambda x: x.unfold(2, 4, 2),
    "F.unfold": lambda x: F.unfold(x, 3, padding=1),
    "F.fold": lambda x: F.fold(x.reshape(1, 32, 16), (8, 8), 2, stride=2),
    "diagonal": lambda x: torch.diagonal(x, 0, 2, 3),
    "as_strided": lambda x: torch.as_strided(x, (1, 8, 4, 8), (512, 64, 16, 1)),
    "flip on W": lambda x: torch.flip(x, (3,)),
    "rot90": lambda x: torch.rot90(x, 1, (2, 3)),
    "index_select": lambda x: torch.index_select(x, 1, torch.tensor([3, 1, 7, 0])),
    "relu6": F.relu6,
    "clamp_min": lambda x: torch.clamp_min(x, 0.1),
    "F.normalize": lambda x: F.normalize(x, dim=1),
    "rms_norm": lambda x: F.rms_norm(x, (8,)),
    "avg_pool1d": lambda x: F.avg_pool1d(x.reshape(1, 8, 64), 2),
}

STACKED: dict[str, Function] = {
    "channel_shuffle": OPERATORS["channel_shuffle"],
    "roll": OPERATORS["roll"],
    "swapaxes": lambda x: torch.swapaxes(x, 2, 3),
    "narrow + cat": lambda x: torch.cat((torch.narrow(x, 1, 4, 4), torch.narrow(x, 1, 0, 4)), 1),
    "normalize": OPERATORS["F.normalize"],
}


class Single(nn.Module):
    """conv → relu → OP → sigmoid."""

    def __init__(self, function: Function):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.function(torch.relu(self.conv(x))))


class Stack(nn.Module):
    """Four times conv → OP → relu."""

    def __init__(self, function: Function):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(n, 8, 3, padding=1) for n in (3, 8, 8, 8))
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv in self.convs:
            x = torch.relu(self.function(conv(x)))
        return x


def batches() -> list[tuple[torch.Tensor]]:
    """Inputs for both networks."""
    generator = torch.Generator().manual_seed(1)
    return [(torch.randn(1, 3, 8, 8, generator=generator),) for _ in range(3)]


def network(kind: type[nn.Module], function: Function) -> nn.Module:
    """One of the networks, with seeded weights."""
    torch.manual_seed(0)
    return kind(function).eval()
