"""The map of the arena: places and lifetimes are those of the planned IR, read value by value."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Operation, SSAValue

from cmopt.codegen.arena_map import ArenaBlock, ArenaMap, arena_map
from cmopt.codegen.step_facts import is_step
from cmopt.dialects.cortex_m import JoinOp, ScratchOp, nbytes, place_of
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.program import ARENA_BYTES, main_function, state_bytes
from cmopt.dialects.shapes import int_of
from cmopt.support.diagnostics import CompileError

sys.path.insert(0, str(Path(__file__).parents[1]))
from report_programs import NAMES, lowered, program

pytestmark = pytest.mark.filterwarnings("ignore")


def mapped(name: str) -> tuple[FuncOp, ArenaMap]:
    func = main_function(program(name).module("planned"))
    return func, arena_map(func)


def covering(found: ArenaMap, column: int, start: int, end: int) -> list[ArenaBlock]:
    """The blocks at a column that have one of some bytes."""
    return [
        b
        for b in found.blocks
        if b.first <= column <= b.last and b.offset < end and start < b.offset + b.size
    ]


def is_covered(found: ArenaMap, column: int, value: SSAValue) -> bool:
    """Whether the bytes of a value are in blocks at a column."""
    place = place_of(value)
    if place is None:
        return True
    start = place.offset
    end = start + nbytes(value.type)
    held = {
        byte
        for block in covering(found, column, start, end)
        for byte in range(max(start, block.offset), min(end, block.offset + block.size))
    }
    return len(held) == end - start


def columns_of(found: ArenaMap, op: Operation) -> list[int]:
    return [column for column, other in enumerate(found.columns) if other is op]


@pytest.mark.parametrize("name", NAMES)
def test_every_step_finds_its_operands_and_leaves_its_results(name: str) -> None:
    func, found = mapped(name)
    steps = [op for op in func.walk() if is_step(op) or isinstance(op, ReturnOp)]
    executed = [op for op in steps if columns_of(found, op)]
    assert [op for op in found.columns if op is not None] == sorted(
        (op for op in executed for _ in columns_of(found, op)),
        key=lambda op: columns_of(found, op)[0],
    )
    for op in executed:
        first, last = columns_of(found, op)[0], columns_of(found, op)[-1]
        assert (last - first) == isinstance(op, DelegateOp)
        assert all(is_covered(found, first, value) for value in op.operands), op
        assert all(is_covered(found, last, value) for value in op.results), op


@pytest.mark.parametrize("name", [name for name in NAMES if name != "loop"])
def test_a_block_ends_with_the_last_read_of_its_bytes(name: str) -> None:
    """Without loops, in which a value is also kept for the next step."""
    _, found = mapped(name)
    for block in found.blocks:
        if block.is_kept:
            assert (block.first, block.last) == (0, len(found.columns) - 1)
            continue
        op = found.columns[block.last]
        here = () if op is None else (*op.operands, *op.results)
        places = [(p.offset, v) for v in here if (p := place_of(v)) is not None]
        spans = [(start, start + nbytes(v.type)) for start, v in places]
        touches = any(a < block.offset + block.size and block.offset < b for a, b in spans)
        # A join is not executed: its operands live until it makes them one value.
        is_joined = any(isinstance(use.operation, JoinOp) for use in block.value.uses)
        assert touches or is_joined or block.first == block.last, block


@pytest.mark.parametrize("name", NAMES)
def test_places_and_the_size_are_those_of_the_ir(name: str) -> None:
    func, found = mapped(name)
    assert found.size == int_of(func.attributes[ARENA_BYTES])
    assert max(block.offset + block.size for block in found.blocks) <= found.size
    assert 0 < max(found.live) <= found.size
    assert found.live[found.peak] == max(found.live)
    places = {place_of(block.value): block for block in found.blocks}
    scratch = [op.results[0] for op in func.walk() if isinstance(op, ScratchOp)]
    for value in (*func.body.block.args, *scratch):
        if nbytes(value.type):
            assert place_of(value) in places
    kept = sum(block.size for block in found.blocks if block.is_kept)
    assert (kept > 0) == (state_bytes(func) > 0) == (name == "state")


def test_bytes_that_strips_free_are_blocks_of_their_own() -> None:
    _, found = mapped("strips")
    assert program("strips").report.row_strips
    values = [block.value for block in found.blocks]
    assert len(set(values)) < len(values)


def test_live_bytes_of_a_program_that_a_person_can_check() -> None:
    """128 bytes of float become 32 of integers in the same place, then 32 others, then floats."""
    func = main_function(
        lowered(
            """
!q = !quant.uniform<i8:f32, 0.1>
func.func @forward(%x: tensor<1x32xf32>) -> tensor<1x32xf32> {
  %0 = quant.qcast %x : tensor<1x32xf32> to tensor<1x32x!q>
  %1 = quant.dcast %0 : tensor<1x32x!q> to tensor<1x32xf32>
  %2 = edge.add %1, %1 : (tensor<1x32xf32>, tensor<1x32xf32>) -> tensor<1x32xf32>
  %3 = quant.qcast %2 : tensor<1x32xf32> to tensor<1x32x!q>
  %4 = quant.dcast %3 : tensor<1x32x!q> to tensor<1x32xf32>
  func.return %4 : tensor<1x32xf32>
}
"""
        ).module("planned")
    )
    found = arena_map(func)
    names = [None if op is None else op.name.rpartition(".")[2] for op in found.columns]
    assert names[:2] == [None, "quantize_per_tensor"]
    assert names[3:] == ["dequantize_per_tensor", "return"]
    assert found.live == (128, 128, 64, 128, 128)


def test_a_function_without_places_is_refused() -> None:
    with pytest.raises(CompileError, match="has no place"):
        arena_map(main_function(program("kernels").module("cortex_m")))
