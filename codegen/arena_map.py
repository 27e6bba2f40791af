"""Where each buffer of a planned function lies in a region of planned memory, and when."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property

from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Operation, SSAValue

from cmopt.codegen.lifetimes import Buffer, align, analyze
from cmopt.codegen.row_lifetimes import by_parts
from cmopt.codegen.step_facts import is_step
from cmopt.dialects.cortex_m import Place, place_of
from cmopt.dialects.program import ARENA_BYTES, ROW_STRIPS, region_bytes
from cmopt.support.diagnostics import CompileError


@dataclass(frozen=True)
class ArenaBlock:
    """Bytes `offset … offset + size − 1`, which hold a value at the columns `first … last`.

    value: what lies there; its views and parts are in the same bytes. is_kept: it is state.
    """

    value: SSAValue
    offset: int
    size: int
    first: int
    last: int
    is_kept: bool = False


@dataclass(frozen=True)
class ArenaMap:
    """The blocks of a planned function, in order of their first column.

    size: bytes of the region. columns: the time in order; None before the first step, when the
    inputs are there; then the op of each step; then the function's return. A delegate has two
    columns, because it has read everything before it writes. The steps of a loop come once.
    """

    size: int
    columns: tuple[Operation | None, ...]
    blocks: tuple[ArenaBlock, ...]

    @cached_property
    def live(self) -> tuple[int, ...]:
        """The bytes that hold a value at each column, in units of the plan's alignment."""
        at: list[list[tuple[int, int]]] = [[] for _ in self.columns]
        for block in self.blocks:
            for column in range(block.first, block.last + 1):
                at[column].append((block.offset, block.offset + align(block.size)))
        return tuple(map(_covered, at))

    @property
    def peak(self) -> int:
        """The first column at which the most bytes hold a value."""
        return self.live.index(max(self.live))


def _covered(ranges: list[tuple[int, int]]) -> int:
    """The number of bytes in any of some ranges."""
    total = end = 0
    for low, high in sorted(ranges):
        total += max(0, high - max(low, end))
        end = max(end, high)
    return total


def arena_map(func: FuncOp, region: str = "arena") -> ArenaMap:
    """The map of one region of a planned function. Lifetimes are those that the plan is made from.

    Bytes that are read for the last time part by part are a block for each part. Raises
    CompileError if a value has no place.
    """
    liveness = analyze(func)
    if ROW_STRIPS in func.attributes:
        by_parts(liveness)
    values = {buffer: buffer.values[0][0] for buffer in liveness.buffers if buffer.values}
    places = {buffer: _place(value, func) for buffer, value in values.items()}
    for inside in liveness.insides:
        if inside.part not in places:  # a part of a buffer that is read part by part
            places[inside.part] = places[inside.whole] + inside.delta
            values[inside.part] = values[inside.whole]
    steps = [t for t, op in enumerate(liveness.ops) if is_step(op) or isinstance(op, ReturnOp)]
    columns, times = (None, *(liveness.ops[time] for time in steps)), [-1, *steps]
    kept = set(liveness.kept)
    blocks = [
        ArenaBlock(values[b], places[b].offset, b.size, *_columns(b, times), is_kept=b in kept)
        for b in liveness.buffers
        if b.size and places[b].region == region
    ]
    if ARENA_BYTES not in func.attributes:
        raise CompileError(f"the function has no {ARENA_BYTES}", op=func, hint="run plan-memory")
    in_order = tuple(sorted(blocks, key=lambda b: (b.first, b.offset)))
    return ArenaMap(region_bytes(func, region), columns, in_order)


def _place(value: SSAValue, func: FuncOp) -> Place:
    place = place_of(value)
    if place is None:
        raise CompileError(f"a value of type {value.type} has no place", op=func)
    return place


def _columns(buffer: Buffer, times: list[int]) -> tuple[int, int]:
    """The first and the last column of a lifetime, at least one.

    times: of the columns, in order. Constants, views and the beginnings of loops have no column.
    """
    first = bisect_left(times, buffer.first)
    return first, max(first, bisect_right(times, buffer.last) - 1)
