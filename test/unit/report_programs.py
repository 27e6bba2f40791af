"""Small programs whose reports are tested: with an NPU, a loop, state, float, strips of rows."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import torch
from torch import nn

import cmopt
from cmopt.dialects.parsing import make_context, parse_module
from cmopt.frontend.running_results import LONGEST_PRODUCT
from cmopt.pipeline.driver import lower
from cmopt.pipeline.program import Program

NPU = "cortex-m55+ethos-u55-128"
CHAIN = Path(__file__).parents[1] / "lit" / "pipelines" / "conv_chain.mlir"
"""IR of stage edge: a convolution, a pool, an addition and a classifier."""


def lowered(text: str, target: str = "cortex-m55") -> Program:
    """A program from IR of stage edge."""
    module = parse_module(make_context(), text, "chain.mlir")
    return lower(module, target=target, io="float", kernels="stock", allow_float=True)


HOSTILE = "</script><script>alert(1)</script><!-- <img src=x onerror=alert(2)> {{data}} & \u2028"


@cache
def hostile() -> Program:
    """A program with `HOSTILE` as a name of an output, of a module and of a file."""
    text, name = CHAIN.read_text(), json.dumps(HOSTILE, ensure_ascii=False)
    text = text.replace(
        "-> tensor<1x2xf32> {\n", f"-> (tensor<1x2xf32> {{edge.name = {name}}}) {{\n"
    )
    (pool,) = re.findall(r".*edge\.max_pool2d .*\n", text[text.index("func.func") :])
    return lowered(text.replace(pool, pool.rstrip("\n") + f" loc({name}({name}:3:0))\n"))


class Counter(nn.Module):
    """A running mean: the buffer is state."""

    mean: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, 8))
        self.linear = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.mean.copy_(0.5 * self.mean + 0.5 * torch.tanh(self.linear(x)))
        return self.mean + x


class Product(nn.Module):
    """A product of so many elements has no integer kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, LONGEST_PRODUCT + 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.prod(torch.relu(self.linear(x)), 1)


class Loop(nn.Module):
    """A recurrent layer, which is a loop of eight steps."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.LSTM(4, 8, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layer(x)[0]
        return y


def convolutions() -> nn.Module:
    """Whose arena is smaller in strips."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
        nn.Conv2d(16, 8, 3, stride=2), nn.ReLU(), nn.AvgPool2d(8),
    )  # fmt: skip


MODULES = {
    "loop": (Loop, (1, 8, 4)),
    "state": (Counter, (1, 8)),
    "float": (Product, (1, 8)),
    "strips": (convolutions, (1, 3, 32, 32)),
}
NAMES = ("kernels", "npu", *MODULES)


@cache
def program(name: str) -> Program:
    """The program of a name of `NAMES`."""
    if name in ("kernels", "npu"):
        return lowered(CHAIN.read_text(), NPU if name == "npu" else "cortex-m55")
    build, shape = MODULES[name]
    torch.manual_seed(0)
    batches = [(torch.randn(shape),) for _ in range(4)]
    exported = cmopt.quantize(build().eval(), batches[0], calibration=batches)
    if name == "strips":
        return cmopt.compile(exported, io="int8", max_arena=16_000, input_layout="NHWC")
    return cmopt.compile(exported)
