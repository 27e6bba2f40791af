"""Programs that do not fit into a board's memory are errors at the operator that takes the most."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import nn
from torch.export import ExportedProgram

import cmopt
from cmopt.support.diagnostics import CompileError
from cmopt.support.memories import Memories, parse_memories


@cache
def exported() -> ExportedProgram:
    """A wide layer in the middle, and most weights in the last one."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Conv2d(4, 32, 1), nn.Conv2d(32, 4, 3), nn.Flatten(),
        nn.Linear(64, 99),
    ).eval()  # fmt: skip
    batches = [(torch.randn(1, 1, 8, 8),) for _ in range(2)]
    return cmopt.quantize(model, batches[0], calibration=batches, target="cortex-m3")


def compiled(memories: str | None = None) -> cmopt.Program:
    return cmopt.compile(exported(), target="cortex-m3", io="int8", memories=memories)


def test_a_program_fits_exactly_or_not_at_all() -> None:
    report = compiled().report
    sram = report.arena_bytes + report.method_allocator_bytes + report.temp_allocator_bytes
    compiled(f"flash={report.pte_bytes},sram={sram}")
    with pytest.raises(CompileError, match=f"needs {sram:,} bytes .*, 1 more than the .* of sram"):
        compiled(f"sram={sram - 1}")
    with pytest.raises(CompileError, match=rf"{report.pte_bytes:,}\), 1 more than the .* of flash"):
        compiled(f"flash={report.pte_bytes - 1}")


def test_c_source_needs_less() -> None:
    program = compiled()
    report = program.report
    program.check_fit(f"flash={report.constant_bytes},sram={report.arena_bytes}", is_c=True)
    with pytest.raises(CompileError, match=r"\(the arena [\d,]+\), 1 more"):
        program.check_fit(f"sram={report.arena_bytes - 1}", is_c=True)


def test_the_error_is_at_the_operator_that_takes_the_most() -> None:
    with pytest.raises(CompileError) as sram:
        compiled("sram=1K")
    bound = compiled().report.arena_bound
    assert f"quantized_conv2d' op {bound:,} bytes are live here" in str(sram.value)
    with pytest.raises(CompileError, match="quantized_linear"):
        compiled("flash=1K")


@pytest.mark.parametrize(
    ("text", "memories"),
    [
        ("flash=1M,sram=256K", Memories(1 << 20, 256 << 10)),
        (" sram = 100 ", Memories(None, 100)),
        ("flash=2MiB", Memories(2 << 20, None)),
        ("sram=0", Memories(None, 0)),
    ],
)
def test_sizes(text: str, memories: Memories) -> None:
    assert parse_memories(text) == memories


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not a memory size; write regions as in flash=1M,sram=256K"),
        ("sram", "'sram' is not a memory size"),
        ("sram=-1", "'sram=-1' is not a memory size"),
        ("sram=1T", "'sram=1T' is not a memory size"),
        ("ram=1K", "unknown memory 'ram'; one of flash, sram"),
        ("sram=1K,sram=2K", "the memory 'sram' is given twice"),
    ],
)
def test_sizes_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(CompileError, match=message):
        parse_memories(text)
