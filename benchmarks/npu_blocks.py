"""Compile small networks for an Ethos-U with ExecuTorch's backend and with cmopt, side by side.

    python benchmarks/npu_blocks.py [BLOCK ...] [--target TARGET] [--ops]

BLOCK: a name from `BLOCKS`; all of them by default. TARGET: cortex-m55+ethos-u55-128 by default.

The figures are cycles of all calls of the NPU, as Vela estimates them, and the bytes of the program
file. Both are the same on every machine. "theirs" is cmopt's compiler on the program that
upstream's quantizer makes. The signal-to-noise ratio compares the quantized program of each
quantizer, simulated by PyTorch, with the float model; for cmopt there is also that of the compiled
program. With --ops, each operation of the NPU is listed, for upstream and for cmopt.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from torch import nn

import cmopt
from cmopt.codegen.vela import OpFigures
from cmopt.support.targets import Npu, get_target

sys.path.insert(0, str(Path(__file__).parents[1] / "test" / "unit"))
import upstream_ethos_u as ethos_u
from upstream_ethos_u import Inputs

SAMPLES = 8
"""The number of random inputs with which each block is calibrated."""


class Lambda(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., torch.Tensor]):
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.function(*inputs)


class Residual(nn.Module):
    """`x + inner(x)`, with an activation behind the sum."""

    def __init__(self, inner: nn.Module, activation: nn.Module):
        super().__init__()
        self.inner = inner
        self.activation = activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.activation(x + self.inner(x))
        return result


class SelfAttention(nn.Module):
    """`nn.MultiheadAttention` of a sequence to itself, without the attention weights."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.attention(x, x, x, need_weights=False)[0]
        return result


def bottleneck(channels: int, inner: int) -> nn.Module:
    """Convolutions of 1×1, 3×3 and 1×1 with batch norms, and the input added to the result."""
    return Residual(
        nn.Sequential(
            *(nn.Conv2d(channels, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU()),
            *(nn.Conv2d(inner, inner, 3, padding=1, bias=False), nn.BatchNorm2d(inner), nn.ReLU()),
            *(nn.Conv2d(inner, channels, 1, bias=False), nn.BatchNorm2d(channels)),
        ),
        nn.ReLU(),
    )


@dataclass(frozen=True)
class Block:
    """A network and the shapes of its inputs, which are normally distributed."""

    module: Callable[[], nn.Module]
    shapes: tuple[tuple[int, ...], ...]
    positive: bool = False

    def inputs(self) -> list[Inputs]:
        """Seeded inputs for the calibration."""
        generator = torch.Generator().manual_seed(1)

        def tensor(shape: tuple[int, ...]) -> torch.Tensor:
            values = torch.randn(shape, generator=generator)
            return values.abs() + 0.5 if self.positive else values

        return [tuple(map(tensor, self.shapes)) for _ in range(SAMPLES)]


IMAGE = (1, 16, 32, 32)

BLOCKS: dict[str, Block] = {
    "sdpa": Block(lambda: Lambda(F.scaled_dot_product_attention), ((1, 4, 64, 16),) * 3),
    "mha": Block(lambda: SelfAttention(32, 4), ((1, 64, 32),)),
    "softmax": Block(lambda: nn.Softmax(-1), ((1, 4, 64, 64),)),
    "mean": Block(lambda: Lambda(lambda x: x.mean((2, 3))), (IMAGE,)),
    "residual": Block(lambda: Residual(nn.Conv2d(16, 16, 3, padding=1), nn.Identity()), (IMAGE,)),
    "bottleneck": Block(lambda: bottleneck(64, 16), ((1, 64, 32, 32),)),
    "log_softmax": Block(lambda: nn.LogSoftmax(-1), ((1, 4, 64, 64),)),
    "div": Block(lambda: Lambda(torch.div), (IMAGE, IMAGE), positive=True),
    "conv1d": Block(
        lambda: nn.Sequential(nn.Conv1d(16, 32, 3), nn.ReLU(), nn.Conv1d(32, 16, 3)),
        ((1, 16, 128),),
    ),
    "depthwise1d": Block(
        lambda: nn.Sequential(nn.Conv1d(16, 16, 3, groups=16), nn.Conv1d(16, 16, 3, groups=16)),
        ((1, 16, 128),),
    ),
    "amin": Block(lambda: Lambda(lambda x: x.amin(1)), (IMAGE,)),
    "abs": Block(lambda: Lambda(torch.abs), ((1, 4, 8),)),
}


@dataclass(frozen=True)
class Compiled:
    """The figures of one compiler. signal: in dB, of each stage that could be measured."""

    cycles: int
    pte_bytes: int
    calls: int
    signal: str
    ops: tuple[OpFigures, ...]


def signal_to_noise(expected: torch.Tensor, found: torch.Tensor) -> str:
    """The ratio of the powers of a signal and of its error, in dB."""
    error = (expected - found).pow(2).sum()
    return "exact" if error == 0 else f"{10 * torch.log10(expected.pow(2).sum() / error):.1f}"


def by_upstream(block: Block, npu: Npu) -> Compiled:
    """ExecuTorch's quantizer and compiler."""
    module, batches = seeded(block), block.inputs()
    exported = ethos_u.upstream_quantized(module, batches, npu.name)
    program = ethos_u.upstream(exported, npu.name)
    signal = signal_to_noise(module(*batches[0]), exported.module()(*batches[0]))
    ops = tuple(op for stream in program.compiled for op in stream.figures.ops)
    return Compiled(program.cycles, len(program.pte), program.calls, signal, ops)


def by_cmopt(block: Block, target: str, npu: Npu, *, their_quantizer: bool) -> Compiled:
    """This compiler, behind either quantizer."""
    module, batches = seeded(block), block.inputs()
    if their_quantizer:
        exported = ethos_u.upstream_quantized(module, batches, npu.name)
    else:
        exported = cmopt.quantize(module, batches[0], calibration=batches, target=target)
    program = cmopt.compile(exported, target=target)
    report = program.report
    expected = module(*batches[0])
    simulated = exported.module()(*batches[0])
    (computed,) = program.interpret(*batches[0])
    signal = f"{signal_to_noise(expected, simulated)}, {signal_to_noise(expected, computed)}"
    ops = tuple(op for delegate in report.delegates for op in delegate.figures.ops)
    return Compiled(report.npu_cycles, len(program.pte), len(report.delegates), signal, ops)


def seeded(block: Block) -> nn.Module:
    """The network of a block, always with the same weights."""
    torch.manual_seed(0)
    return block.module().eval()


def print_ops(title: str, ops: Iterable[OpFigures]) -> None:
    """The operations of one compiler, in order."""
    table = Table("operator", "from", "tensor", "cycles", "compute", title=title)
    for op in ops:
        table.add_row(op.operator, op.source, op.name, f"{op.cycles:,}", f"{op.compute_cycles:,}")
    Console(width=100).print(table)


def main() -> None:
    """Compile the blocks and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("blocks", nargs="*", metavar="BLOCK", help=", ".join(BLOCKS))
    parser.add_argument("--target", default="cortex-m55+ethos-u55-128")
    parser.add_argument("--ops", action="store_true", help="list the operations of the NPU")
    args = parser.parse_args()
    if unknown := sorted(set(args.blocks) - set(BLOCKS)):
        parser.error(f"there is no block {unknown[0]!r}; there are {', '.join(BLOCKS)}")
    if (npu := get_target(args.target).npu) is None:
        parser.error(f"{args.target!r} has no NPU")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    flows = ("upstream", "cmopt", "theirs")
    table = Table("", *(f"{flow}: cycles" for flow in flows), *(f"{flow}: bytes" for flow in flows),
                  *(f"{flow}: dB" for flow in flows), title=args.target)  # fmt: skip
    for name in args.blocks or BLOCKS:
        results = [
            by_upstream(BLOCKS[name], npu),
            by_cmopt(BLOCKS[name], args.target, npu, their_quantizer=False),
            by_cmopt(BLOCKS[name], args.target, npu, their_quantizer=True),
        ]
        cycles = (
            f"{r.cycles:,}" + (f" in {r.calls} calls" if r.calls != 1 else "") for r in results
        )
        table.add_row(name, *cycles, *(f"{r.pte_bytes:,}" for r in results),
                      *(r.signal for r in results))  # fmt: skip
        if args.ops:
            for flow, result in zip(flows, results, strict=True):
                print_ops(f"{name}, {flow}", result.ops)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
