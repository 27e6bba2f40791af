"""The order of operators: the known optima of branching networks, and never more than before."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn
from xdsl.dialects.builtin import IntegerAttr, ModuleOp

import cmopt
from cmopt.dialects.parsing import make_context
from cmopt.dialects.program import ARENA_BYTES, main_function
from cmopt.pipeline.passes import parse_pipeline, run_passes

sys.path.insert(0, str(Path(__file__).parents[2]))
from models.branching import BRANCHING

# Proven by an exact search that is not ours, with int8 inputs and outputs.
OPTIMA = {
    "inception": 101_376,
    "nasnet": 53_248,
    "multihead": 14_720,
    "unet": 49_152,
    "hr": 13_824,
    "randwire0": 18_800,
    "randwire1": 25_968,
    "randwire2": 37_232,
    "randwire3": 24_944,
    "randwire4": 38_256,
    "randwire5": 49_520,
    "randwire6": 26_992,
    "randwire7": 41_328,
}


@cache
def compiled(name: str) -> cmopt.Program:
    network = BRANCHING[name]
    torch.manual_seed(0)
    batches = network.inputs(2)
    exported = cmopt.quantize(network.build().eval(), batches[0], calibration=batches)
    return cmopt.compile(exported, io="int8")


def planned(module: ModuleOp, pipeline: str) -> ModuleOp:
    """A copy of a module of stage "cortex_m" after some passes."""
    copy = module.clone()
    run_passes(make_context(), copy, parse_pipeline(pipeline))
    return copy


def arena(module: ModuleOp) -> int:
    size = main_function(module).attributes[ARENA_BYTES]
    assert isinstance(size, IntegerAttr)
    return int(size.value.data)


@pytest.mark.parametrize("name", sorted(OPTIMA))
def test_arena_is_the_proven_optimum(name: str) -> None:
    report = compiled(name).report
    assert report.arena_bytes == report.arena_bound == report.order_bound == OPTIMA[name]
    assert report.limits == ()


@pytest.mark.parametrize("name", sorted(BRANCHING))
def test_the_search_is_fast_and_no_arena_grows(name: str) -> None:
    module = compiled(name).module("cortex_m")
    given = planned(module, "copy-joined-operands,copy-carried-values,plan-memory")
    ordered = planned(module, "copy-joined-operands,copy-carried-values,order-operators")
    again = planned(ordered, "plan-memory,verify-plan")
    assert arena(again) <= arena(given)


@pytest.mark.parametrize("name", ["inception", "multihead", "randwire0", "gru"])
def test_results_stay(name: str) -> None:
    program = compiled(name)
    generator = torch.Generator().manual_seed(5)
    shape = BRANCHING[name].shape
    x = torch.randint(-128, 128, shape, generator=generator, dtype=torch.int8)
    wanted = program.interpret(x, stage="cortex_m")
    for got in (program.interpret(x, stage="planned"), program.run(x)):
        for ours, theirs in zip(got, wanted, strict=True):
            assert torch.equal(ours, theirs)


def test_equal_programs_get_equal_orders() -> None:
    module = compiled("randwire0").module("cortex_m")
    pipeline = "copy-joined-operands,order-operators,plan-memory,verify-plan"
    assert str(planned(module, pipeline)) == str(planned(module, pipeline))


class Streaming(nn.Module):
    """A state that two branches read, and wide values that another order frees earlier."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.ModuleList([nn.Conv2d(4, 16, 1) for _ in range(3)])
        self.second = nn.ModuleList([nn.Conv2d(16, 4, 1) for _ in range(3)])
        self.register_buffer("past", torch.zeros(1, 4, 8, 8))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = x + self.past
        wide = [layer(x) for layer in self.first]
        narrow = [layer(y) for layer, y in zip(self.second, wide, strict=True)]
        self.past.copy_(torch.tanh(narrow[0] + self.past))
        return tuple(narrow)


def test_state_is_renewed_when_nothing_reads_it_any_more() -> None:
    torch.manual_seed(0)
    batches = [(torch.randn(1, 4, 8, 8),) for _ in range(3)]
    exported = cmopt.quantize(Streaming().eval(), batches[0], calibration=batches)
    program = cmopt.compile(exported, io="int8")
    module = program.module("cortex_m")
    given = planned(module, "copy-joined-operands,copy-carried-values,plan-memory,verify-plan")
    assert program.report.arena_bytes < arena(given)
    generator = torch.Generator().manual_seed(1)
    for _ in range(3):
        x = torch.randint(-128, 128, (1, 4, 8, 8), generator=generator, dtype=torch.int8)
        for ours, theirs in zip(
            program.run(x), program.interpret(x, stage="cortex_m"), strict=True
        ):
            assert torch.equal(ours, theirs)
