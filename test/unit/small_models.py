"""Modules of one function: quantize and compile them, and check the compiled programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from xdsl.dialects.builtin import AnyFloat

import cmopt
from cmopt.dialects.shapes import element_of

BORDER = ("cortex_m.quantize_per_tensor", "cortex_m.dequantize_per_tensor")


class Function(nn.Module):
    """A module of one function of some modules and the inputs."""

    def __init__(self, function: Any, *modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(modules)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(*self.parts, *inputs)


def random_inputs(shapes: list[tuple[int, ...]], seed: int) -> tuple[torch.Tensor, ...]:
    """One standard normal tensor for each shape."""
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(shape, generator=generator) for shape in shapes)


def compiled(module: nn.Module, *shapes: tuple[int, ...], target: str = "cortex-m55"
             ) -> cmopt.Program:  # fmt: skip
    """The module, quantized on random inputs of the given shapes."""
    batches = [random_inputs(list(shapes), seed) for seed in range(4)]
    exported = cmopt.quantize(module.eval(), batches[0], calibration=batches)
    return cmopt.compile(exported, target=target)


def kernels(program: cmopt.Program) -> list[str]:
    """The instructions of a program in order: "pad", "aten.cat.default", …"""
    names = []
    for op in program.module("planned").walk():
        if op.name == "edge.call":
            names.append(op.properties["target"].data)  # type: ignore[attr-defined]
        elif op.name.startswith("cortex_m.") and op.name not in BORDER:
            names.append(op.name.removeprefix("cortex_m."))
    return [name for name in names if name not in ("join", "scratch", "subview", "view")]


def float_ops(program: cmopt.Program) -> list[str]:
    """Instructions with float operands, without the casts at the border."""
    return [
        str(op)
        for op in program.module("cortex_m").walk()
        if op.name.startswith(("cortex_m.", "edge."))
        and op.name not in BORDER
        and any(isinstance(element_of(value), AnyFloat) for value in op.operands)
    ]


def check_delegate(program: cmopt.Program, *shapes: tuple[int, ...], steps: int = 1) -> None:
    """Check that all is one delegate, and that it agrees with PyTorch's simulation of int8.

    steps: allowed difference, in steps of each output.
    """
    assert len(program.report.delegates) == 1
    assert {out.op for out in program.report.outside} <= {"quant.qcast", "quant.dcast"}
    for seed in range(5):
        inputs = random_inputs(list(shapes), 100 + seed)
        meant = program.interpret(*inputs, stage="edge")
        results = program.interpret(*inputs, stage="ethos_u")
        check_steps(program, results, meant, steps)


def check_steps(
    program: cmopt.Program, results: Sequence[torch.Tensor], meant: Sequence[torch.Tensor],
    steps: int,
) -> None:  # fmt: skip
    """Check that the outputs differ from others by so many steps of each output at most."""
    ends = [op for op in program.module("cortex_m").walk() if op.name == BORDER[1]]
    for got, exact, end in zip(results, meant, ends, strict=True):
        scale = end.properties["scale"].value.data  # type: ignore[attr-defined]
        assert (got - exact).abs().max() <= (steps + 0.01) * scale


def check(program: cmopt.Program, *shapes: tuple[int, ...], steps: int = 0) -> None:
    """Check that there is no float op, and that the file and the late stages give the same bytes.

    steps: allowed difference between kernels and `edge` ops, in steps of each output.
    """
    assert float_ops(program) == []
    for seed in range(20):
        inputs = random_inputs(list(shapes), 100 + seed)
        outputs = program.run(*inputs)
        for stage in ("cortex_m", "planned"):
            for ran, interpreted in zip(
                outputs, program.interpret(*inputs, stage=stage), strict=True
            ):
                assert torch.equal(ran, interpreted), stage
        meant = program.interpret(*inputs, stage="quantized")
        check_steps(program, outputs, meant, steps)
