"""What is in the fast memory: the most traffic, or what makes the arena smallest."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.export import ExportedProgram

import cmopt
from cmopt.codegen.hot_values import choose
from cmopt.codegen.lifetimes import Buffer, align
from cmopt.codegen.placement import Chain
from cmopt.pipeline.emulation import run_project
from cmopt.support.diagnostics import CompileError

sys.path.insert(0, str(Path(__file__).parents[1]))
from networks import resnet8

TIMES = 6


@st.composite
def buffers(draw: st.DrawFn) -> list[Buffer]:
    """Up to eight buffers with lifetimes."""
    made = []
    for _ in range(draw(st.integers(1, 8))):
        first = draw(st.integers(-1, TIMES - 1))
        last = draw(st.integers(first, TIMES - 1))
        made.append(Buffer(draw(st.integers(1, 100)), first, last))
    return made


def peak(live: list[Buffer]) -> int:
    """The most bytes that are live at one time."""
    return max(
        sum(align(b.size) for b in live if b.first <= time <= b.last) for time in range(-1, TIMES)
    )


@settings(deadline=None, max_examples=60)
@given(buffers(), st.data())
def test_the_choice_is_the_best_of_all(made: list[Buffer], data: st.DataObject) -> None:
    traffic = {buffer: data.draw(st.integers(0, 1000)) for buffer in made}
    most = data.draw(st.integers(0, 200))
    groups = [Chain({buffer: 0}) for buffer in made]
    candidates = groups[: data.draw(st.integers(0, len(groups)))]
    allowed = [next(iter(chain.deltas)) for chain in candidates]
    subsets = [
        set(subset)
        for count in range(len(allowed) + 1)
        for subset in combinations(allowed, count)
        if peak(list(subset)) <= most
    ]

    def chosen(by_traffic: bool) -> set[Buffer]:
        found = choose(candidates, groups, traffic, most, by_traffic=by_traffic)
        result = {buffer for chain in found for buffer in chain.deltas}
        assert peak(list(result)) <= most
        return result

    def gain(subset: set[Buffer]) -> int:
        return sum(traffic[buffer] for buffer in subset)

    def rest(subset: set[Buffer]) -> int:
        return peak([buffer for buffer in made if buffer not in subset])

    assert gain(chosen(True)) == max(map(gain, subsets))
    fewest = min(map(rest, subsets))
    found = chosen(False)
    assert rest(found) == fewest
    assert gain(found) == max(gain(s) for s in subsets if rest(s) == fewest)


@cache
def exported() -> ExportedProgram:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(72, 10),
    ).eval()  # fmt: skip
    batches = [(torch.randn(1, 3, 8, 8),) for _ in range(2)]
    return cmopt.quantize(model, batches[0], calibration=batches)


def compiled(memories: str | None) -> cmopt.Program:
    return cmopt.compile(exported(), io="int8", memories=memories)


@pytest.mark.parametrize("memories", ["dtcm=256", "dtcm=1K", "dtcm=1M", "sram=9K,dtcm=600"])
def test_all_forms_compute_the_same(memories: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    whole, program = compiled(None), compiled(memories)
    size = program.report.dtcm_bytes
    assert size > 0 and 0 < program.report.dtcm_traffic <= 1
    x = torch.randint(-128, 128, (1, 3, 8, 8), dtype=torch.int8)
    expected = whole.run(x)[0]
    assert torch.equal(program.run(x)[0], expected)
    assert torch.equal(program.interpret(x, stage="planned")[0], expected)
    program.save_c(str(tmp_path), name="net")
    (found,) = run_project(str(tmp_path), [x.numpy()], on="host").outputs
    assert np.array_equal(found["output_0"], expected.numpy())
    assert f"#define NET_DTCM_BYTES {size}" in (tmp_path / "net.h").read_text()
    assert "int net_run(void *arena, void *dtcm, const" in (tmp_path / "net.h").read_text()


def test_the_self_test_passes(tmp_path: Path) -> None:
    compiled("dtcm=1K").save_c(str(tmp_path), name="net")
    for command in (
        ["cmake", "-S", ".", "-B", "b"],
        ["cmake", "--build", "b"],
        ["b/net_self_test"],
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_fast_memory_saves_slow_memory() -> None:
    """The program fits only with both."""
    whole = cmopt.compile(resnet8().exported, io="int8")
    program = whole.fitted("sram=34K,dtcm=16K", is_c=True)
    assert not program.report.row_strips
    assert program.report.arena_bytes <= 34 << 10 < whole.report.arena_bytes
    program.check_fit("sram=34K,dtcm=16K", is_c=True)
    with pytest.raises(CompileError, match=r"planned for a larger dtcm: it needs 16,\d+ bytes"):
        program.check_fit("sram=34K,dtcm=8K", is_c=True)
    with pytest.raises(CompileError, match=r"planned for a larger dtcm"):
        program.check_fit("sram=34K", is_c=True)


def test_a_limit_of_the_arena_with_a_fast_memory() -> None:
    limit = 22_000
    program = cmopt.compile(resnet8().exported, io="int8", memories="dtcm=16K", max_arena=limit)
    assert program.report.row_strips and program.report.arena_bytes <= limit
    with pytest.raises(CompileError, match="the arena has"):
        cmopt.compile(exported(), io="int8", memories="dtcm=1K", max_arena=100)
