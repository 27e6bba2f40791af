"""The buffers of a function, their lifetimes, and which of them share bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Operation, SSAValue

from cmopt.dialects.cortex_m import (
    DequantizePerTensorOp,
    JoinOp,
    KernelOp,
    ScratchOp,
    SubviewOp,
    ViewOp,
    itemsize,
    nbytes,
)
from cmopt.dialects.ethos_u import DelegateOp

ALIGNMENT = 16
"""Every buffer begins at a multiple of this many bytes, so that MVE loads are aligned."""


def align(size: int) -> int:
    """`size` rounded up to `ALIGNMENT`."""
    return -(-size // ALIGNMENT) * ALIGNMENT


@dataclass(eq=False)
class Buffer:
    """A range of bytes with one lifetime: a value, its views and its parts.

    Times are positions of ops in the block. A delegate takes two, because it has read everything
    before it writes. Both ends are included. Arguments live from −1, results to the return. Scratch
    lives during the one call that uses it.
    """

    size: int
    first: int
    last: int
    values: list[tuple[SSAValue, int]] = field(default_factory=list)
    """The values that live here, each with its offset."""
    alignment: int = 1
    """The alignment in bytes that the element type needs."""


@dataclass(frozen=True)
class TakeOver:
    """`successor` may begin `delta` bytes, also negative, after the beginning of `buffer`, whose
    life ends at the op that makes `successor`."""

    buffer: Buffer
    successor: Buffer
    delta: int


@dataclass(frozen=True)
class Inside:
    """`part`, an operand of a join, must begin `delta` bytes into `whole`, the join's result."""

    part: Buffer
    whole: Buffer
    delta: int


@dataclass
class Liveness:
    """The buffers of a function, in order of definition, and which may or must share bytes."""

    buffers: list[Buffer]
    take_overs: list[TakeOver]
    insides: list[Inside] = field(default_factory=list)
    candidates: list[TakeOver] = field(default_factory=list)
    """The take-overs that are possible if the buffer's life ends there in another order of ops."""

    @cached_property
    def neighbours(self) -> dict[Buffer, list[Buffer]]:
        """For each buffer, those that are live at the same time; empty buffers have none."""
        found: dict[Buffer, list[Buffer]] = {buffer: [] for buffer in self.buffers}
        live: list[Buffer] = []
        for buffer in sorted((b for b in self.buffers if b.size), key=lambda b: b.first):
            live = [other for other in live if other.last >= buffer.first]
            for other in live:
                found[buffer].append(other)
                found[other].append(buffer)
            live.append(buffer)
        return found


def in_place_delta(op: Operation, name: str) -> int | None:
    """Where the result of `op` may begin within the bytes of operand `name`; None if nowhere.

    A kernel that goes forward through its data may overwrite what it has read: the result begins
    with the operand. Dequantize makes four bytes from one, so its operand lies at the result's end.
    """
    if not isinstance(op, KernelOp) or name not in op.INPLACE:
        return None
    source, target = nbytes(getattr(op, name).type), nbytes(op.results[0].type)
    if isinstance(op, DequantizePerTensorOp):
        return -align(target - source)
    return 0 if target <= source else None


def analyze(func: FuncOp) -> Liveness:
    """Lifetimes of everything `func` computes, from the order of its ops."""
    block = func.body.block
    buffers: list[Buffer] = []
    insides: list[Inside] = []
    of: dict[SSAValue, Buffer] = {}
    start: dict[SSAValue, int] = {}

    def define(value: SSAValue, time: int) -> None:
        start[value] = 0
        of[value] = Buffer(nbytes(value.type), time, time, [(value, 0)], itemsize(value.type))
        buffers.append(of[value])

    for argument in block.args:
        define(argument, -1)
    take_overs: list[TakeOver] = []
    time = -1
    for op in block.ops:
        time += 1
        for operand in op.operands:
            if operand not in of:
                continue
            buffer = of[operand]
            if isinstance(operand.owner, ScratchOp):
                buffer.first = time
            buffer.last = max(buffer.last, time)
        if isinstance(op, ConstantOp | ReturnOp):
            continue
        if isinstance(op, ViewOp | SubviewOp) and op.input in of:
            buffer = of[op.output] = of[op.input]
            start[op.output] = start[op.input] + byte_offset(op)
            buffer.values.append((op.output, start[op.output]))
            continue
        if isinstance(op, DelegateOp):
            time += 1
        for result in op.results:
            define(result, time)
        if isinstance(op, JoinOp):
            parts = zip(op.inputs, op.byte_offsets(), strict=True)
            insides += [Inside(of[v], of[op.output], delta) for v, delta in parts if v in of]
        take_overs.extend(_take_overs(op, of, start))
    ended = [t for t in take_overs if t.buffer.last == t.successor.first]
    return Liveness(buffers, _one_each(ended), insides, take_overs)


def byte_offset(op: ViewOp | SubviewOp) -> int:
    """Where a view begins within its input."""
    return op.byte_offset if isinstance(op, SubviewOp) else 0


def _take_overs(
    op: Operation, of: dict[SSAValue, Buffer], start: dict[SSAValue, int]
) -> list[TakeOver]:
    """An operand may be a part of a buffer, if it is aligned and the op reads no other part."""
    if not isinstance(op, KernelOp):
        return []
    read, result = [of[value] for value in op.operands if value in of], []
    for name in op.INPLACE:
        value, delta = getattr(op, name), in_place_delta(op, name)
        if delta is None or value not in of:
            continue
        is_alone = start[value] % ALIGNMENT == 0 and read.count(of[value]) == 1
        if nbytes(value.type) == of[value].size or is_alone:
            result.append(TakeOver(of[value], of[op.results[0]], start[value] + delta))
    return result


def _one_each(candidates: list[TakeOver]) -> list[TakeOver]:
    """Take-overs that leave each buffer at most one predecessor and one successor."""
    chosen: list[TakeOver] = []
    taken: set[int] = set()
    for take_over in candidates:
        keys = {id(take_over.successor) * 2, id(take_over.buffer) * 2 + 1}
        if not keys & taken:
            chosen.append(take_over)
            taken |= keys
    return chosen
