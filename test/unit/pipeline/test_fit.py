"""Programs that do not fit into a board's memory are errors at the operator that takes the most."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.export import ExportedProgram

import cmopt
from cmopt.pipeline.cm_compile import main as cm_compile
from cmopt.support.diagnostics import CompileError
from cmopt.support.memories import Memories, parse_memories, parse_size


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
        compiled().check_fit(f"sram={sram - 1}")
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
        ("ram=1K", "unknown memory 'ram'; did you mean 'sram'"),
        ("rom=1K", "unknown memory 'rom'; one of flash, sram"),
        ("sram=1K,sram=2K", "the memory 'sram' is given twice"),
    ],
)
def test_sizes_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(CompileError, match=message):
        parse_memories(text)


@cache
def exported_wide() -> ExportedProgram:
    """A layer that is so wide that strips save more than their tables take."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Conv2d(4, 64, 1), nn.Conv2d(64, 4, 3, 2), nn.Flatten(),
        nn.Linear(400, 9),
    ).eval()  # fmt: skip
    batches = [(torch.randn(1, 1, 24, 24),) for _ in range(2)]
    return cmopt.quantize(model, batches[0], calibration=batches)


def test_a_program_is_split_to_fit() -> None:
    """Strips have more calls: their tables count too."""
    program = cmopt.compile(exported_wide(), io="int8")
    whole = program.report
    besides = whole.method_allocator_bytes + whole.temp_allocator_bytes
    sram = whole.arena_bytes + besides - 4000
    report = cmopt.compile(exported_wide(), io="int8", memories=f"sram={sram}").report
    assert report.row_strips and report.arena_bytes < whole.arena_bytes - 4000
    assert report.arena_bytes + report.method_allocator_bytes <= sram
    assert report.method_allocator_bytes > whole.method_allocator_bytes
    as_c = program.fitted(f"sram={whole.arena_bytes - 100}", is_c=True).report
    assert as_c.row_strips and as_c.arena_bytes <= whole.arena_bytes - 100


def test_the_arena_has_a_limit_of_its_own() -> None:
    whole = cmopt.compile(exported_wide(), io="int8")
    limit = whole.report.arena_bytes // 2
    split = cmopt.compile(exported_wide(), io="int8", max_arena=limit)
    assert split.report.arena_bytes <= limit
    assert "in strips of rows" in str(split.report)
    x = torch.randint(-128, 128, (1, 1, 24, 24), dtype=torch.int8)
    assert torch.equal(split.run(x)[0], whole.run(x)[0])
    with pytest.raises(CompileError, match=r"arena has [\d,]+ bytes, most of them here; .* 99$"):
        cmopt.compile(exported_wide(), io="int8", max_arena=99)
    with pytest.raises(CompileError, match="max_arena must be a positive number of bytes, got 0"):
        cmopt.compile(exported_wide(), io="int8", max_arena=0)


@pytest.mark.parametrize(("text", "size"), [("320000", 320_000), ("320K", 320 << 10)])
def test_a_size(text: str, size: int) -> None:
    assert parse_size(text) == size
    with pytest.raises(CompileError, match="is not a size"):
        parse_size(text + "x")


def test_limits_on_the_command_line(tmp_path: Path) -> None:
    model, out = str(tmp_path / "m.pt2"), tmp_path / "m.pte"
    torch.export.save(exported_wide(), model)
    whole = cmopt.compile(exported_wide(), io="int8").report
    limit = whole.arena_bytes // 2
    assert cm_compile([model, "--io", "int8", "-o", str(out), "--max-arena", str(limit)]) == 0
    wanted = cmopt.compile(exported_wide(), io="int8", max_arena=limit)
    assert out.read_bytes() == wanted.pte
    sram = whole.arena_bytes + whole.method_allocator_bytes - 4000
    assert cm_compile([model, "--io", "int8", "-o", str(out), "--memory", f"sram={sram}"]) == 0
    assert cm_compile([model, "--io", "int8", "-o", str(out), "--max-arena", "12X"]) == 1
