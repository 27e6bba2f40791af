"""The buffers of a function, their lifetimes, and which of them share bytes."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, SSAValue

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
from cmopt.dialects.edge import ScanOp, YieldOp
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.program import states
from cmopt.support.diagnostics import CompileError

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
    """The buffers of a function, in order of definition, and which may or must share bytes.

    ops: the op at each time. kept: the buffers of state, which is live at all times.
    """

    buffers: list[Buffer]
    take_overs: list[TakeOver]
    insides: list[Inside] = field(default_factory=list)
    ops: list[Operation] = field(default_factory=list)
    kept: list[Buffer] = field(default_factory=list)
    candidates: list[TakeOver] = field(default_factory=list)
    """The take-overs that are possible if the buffer's life ends there in another order of ops."""
    reads: dict[Buffer, list[tuple[int, int, int]]] = field(default_factory=dict)
    """The bytes that calls read, from one offset to before another, at a time; without loops."""
    viewed: dict[Buffer, int] = field(default_factory=dict)
    """When the last view or part of a buffer begins to exist."""

    def of_values(self, values: Container[SSAValue], *, inside: bool) -> Liveness:
        """That of the buffers which hold one of some values, or with `inside` false none of them.

        A buffer and its parts must be on the same side.
        """

        def stays(buffer: Buffer) -> bool:
            return any(value in values for value, _ in buffer.values) == inside

        return Liveness(
            [buffer for buffer in self.buffers if stays(buffer)],
            [t for t in self.take_overs if stays(t.buffer) and stays(t.successor)],
            [tied for tied in self.insides if stays(tied.whole)],
            self.ops,
            [buffer for buffer in self.kept if stays(buffer)],
            [t for t in self.candidates if stays(t.buffer) and stays(t.successor)],
            {buffer: reads for buffer, reads in self.reads.items() if stays(buffer)},
            {buffer: time for buffer, time in self.viewed.items() if stays(buffer)},
        )

    @cached_property
    def shared(self) -> dict[tuple[Buffer, Buffer], int]:
        """The distance at which a successor may take over the bytes of a buffer."""
        return {(over.buffer, over.successor): over.delta for over in self.take_overs}

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
    """Where a result of `op` may begin within the bytes of operand `name`; None if nowhere.

    A kernel that goes forward through its data may overwrite what it has read: the result begins
    with the operand. Dequantize makes four bytes from one, so its operand lies at the result's end.
    """
    if not isinstance(op, KernelOp) or name not in op.INPLACE:
        return None
    source, target = nbytes(getattr(op, name).type), nbytes(op.result_over(name).type)
    if isinstance(op, DequantizePerTensorOp):
        return -align(target - source)
    return 0 if target <= source else None


def analyze(func: FuncOp) -> Liveness:
    """Lifetimes of everything `func` computes, from the order of its ops."""
    timeline = _Timeline()
    for argument in func.body.block.args:
        timeline.define(argument, -1)
    timeline.block(func.body.block)
    kept = []
    for state in states(func):
        buffer = timeline.of[state.argument]
        buffer.last = timeline.time
        kept.append(buffer)
        timeline.tie(state.next, state.argument)
    # The place of a state is its own all the time.
    ended = [
        t
        for t in timeline.take_overs
        if t.buffer.last == t.successor.first and t.buffer not in kept
    ]
    return Liveness(
        timeline.buffers,
        _one_each(ended),
        timeline.insides,
        timeline.ops,
        kept,
        timeline.take_overs,
        {} if timeline.has_loops else timeline.reads,
        timeline.viewed,
    )


class _Timeline:
    """The ops of a function one after the other; those of a loop come once.

    A loop begins at its op and ends at its terminator. In between, its sequences, invariants and
    stacked results are live. A carried value has one place: it holds the initial value, then the
    value of each step, then the final one. In a step this place is free from the last use of the
    old value to the making of the new one.
    """

    def __init__(self) -> None:
        self.buffers: list[Buffer] = []
        self.take_overs: list[TakeOver] = []
        self.insides: list[Inside] = []
        self.ops: list[Operation] = []
        self.of: dict[SSAValue, Buffer] = {}
        self.start: dict[SSAValue, int] = {}
        self.reads: dict[Buffer, list[tuple[int, int, int]]] = {}
        self.viewed: dict[Buffer, int] = {}
        self.has_loops = False

    @property
    def time(self) -> int:
        return len(self.ops) - 1

    def define(self, value: SSAValue, time: int) -> None:
        """A value with bytes of its own."""
        self.start[value] = 0
        size, alignment = nbytes(value.type), itemsize(value.type)
        self.of[value] = Buffer(size, time, time, [(value, 0)], alignment)
        self.buffers.append(self.of[value])

    def alias(self, value: SSAValue, base: SSAValue, offset: int = 0) -> None:
        """A value that is in the bytes of `base`, from `offset` on."""
        if base in self.of:
            buffer = self.of[value] = self.of[base]
            self.start[value] = self.start[base] + offset
            buffer.values.append((value, self.start[value]))

    def read(self, values: Iterable[SSAValue]) -> None:
        """Some values are read now."""
        for value in values:
            if value in self.of:
                buffer, start = self.of[value], self.start[value]
                buffer.last = max(buffer.last, self.time)
                read = start, start + nbytes(value.type), self.time
                self.reads.setdefault(buffer, []).append(read)

    def view(self, op: ViewOp | SubviewOp) -> None:
        """A view is made, which reads no byte."""
        buffer = self.of[op.input]
        buffer.last = max(buffer.last, self.time)
        self.viewed[buffer] = self.time
        self.alias(op.output, op.input, byte_offset(op))

    def tie(self, value: SSAValue, base: SSAValue) -> None:
        """`value` must begin where `base` does."""
        if value in self.of and base in self.of and self.of[value] is not self.of[base]:
            distance = self.start[base] - self.start[value]
            self.insides.append(Inside(self.of[value], self.of[base], distance))

    def block(self, block: Block) -> None:
        """The ops of a function or a loop."""
        for op in block.ops:
            self.ops.append(op)
            for operand in op.operands:
                if operand in self.of and isinstance(operand.owner, ScratchOp):
                    self.of[operand].first = self.time
            if isinstance(op, ViewOp | SubviewOp):
                if op.input not in self.of:
                    raise CompileError(
                        "is a view of a constant, which has no place",
                        op=op,
                        hint="run canonicalize before plan-memory",
                    )
                self.view(op)
                continue
            self.read(op.operands)
            if isinstance(op, ScanOp):
                self.loop(op)
            elif not isinstance(op, ConstantOp | ReturnOp | YieldOp):
                self.call(op)

    def call(self, op: Operation) -> None:
        """An op that makes values."""
        if isinstance(op, DelegateOp):
            self.ops.append(op)
        for result in op.results:
            self.define(result, self.time)
        if isinstance(op, JoinOp):
            # An operand that is a part of another value stays where that is: `plan` refuses it.
            parts = zip(op.inputs, op.byte_offsets(), strict=True)
            whole = self.of[op.output]
            self.insides += [Inside(self.of[v], whole, d) for v, d in parts if v in self.of]
        self.take_overs.extend(_take_overs(op, self.of, self.start))

    def loop(self, op: ScanOp) -> None:
        """A loop, whose op is at this time."""
        self.has_loops = True
        for result in op.stacked:
            self.define(result, self.time)
        for argument, value in zip(op.carried, op.initial, strict=True):
            self.alias(argument, value)
        for argument in op.slices:
            self.define(argument, self.time)
        for argument, value in zip(op.captured, op.invariants, strict=True):
            self.alias(argument, value)
        self.block(op.body.block)
        self.read((*op.sequences, *op.invariants, *op.stacked))
        for argument, value, final in zip(op.carried, op.renewed, op.final, strict=True):
            self.tie(value, argument)
            self.alias(final, value)


def byte_offset(op: ViewOp | SubviewOp) -> int:
    """Where a view begins within its input."""
    return op.byte_offset if isinstance(op, SubviewOp) else 0


def _take_overs(
    op: Operation, of: dict[SSAValue, Buffer], start: dict[SSAValue, int]
) -> list[TakeOver]:
    """An operand may be a part of a buffer, if it is aligned and the op reads no other part.

    A buffer that the op also reads as an operand that may not be overwritten stays.
    """
    if not isinstance(op, KernelOp):
        return []
    read, result = [of[value] for value in op.operands if value in of], []
    taken = {getattr(op, name) for name in op.INPLACE}
    kept = {of[value] for value in op.operands if value in of and value not in taken}
    for name in op.INPLACE:
        value, delta = getattr(op, name), in_place_delta(op, name)
        if delta is None or value not in of:
            continue
        is_alone = start[value] % ALIGNMENT == 0 and read.count(of[value]) == 1
        is_whole = nbytes(value.type) == of[value].size and of[value] not in kept
        if is_whole or is_alone:
            result.append(TakeOver(of[value], of[op.result_over(name)], start[value] + delta))
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
