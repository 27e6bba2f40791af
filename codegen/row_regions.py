"""Runs of calls that can be computed strip by strip, and what that costs.

A region is a run of consecutive calls. For each strip, every call in it computes the rows that the
later calls of the strip need. So rows at the borders of strips are computed twice. The results are
parts of joined values, and what the region reads from outside stays live until its last strip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Operation, SSAValue

from cmopt.codegen.lifetimes import ALIGNMENT
from cmopt.codegen.row_rules import Rows, RowUse, has_rows, height_of, row_bytes, row_uses
from cmopt.codegen.step_facts import multiplications
from cmopt.dialects.constants import is_constant
from cmopt.dialects.cortex_m import JoinOp, KernelOp, ScratchOp, SubviewOp, ViewOp, nbytes
from cmopt.dialects.program import states
from cmopt.dialects.shapes import shape_of


def base_of(value: SSAValue) -> SSAValue:
    """The value of which this is a view that keeps the rows; itself if it is none."""
    while isinstance(view := value.owner, ViewOp) and _keeps_rows(view):
        value = view.input
    return value


def _keeps_rows(view: ViewOp) -> bool:
    before, after = shape_of(view.input), shape_of(view.output)
    return has_rows(view.input) and has_rows(view.output) and before[:2] == after[:2]


@dataclass(frozen=True, eq=False)
class Call:
    """A call that can be computed for some rows, and what the search needs to know about it."""

    op: Operation
    uses: list[RowUse]
    bases: list[SSAValue]
    """The base of each operand in `uses`."""
    read: frozenset[SSAValue]
    """The bases of all operands."""
    overwritten: list[SSAValue]
    """The bases whose bytes the result may take."""
    height: int
    row_bytes: int
    row_products: int
    scratch: int

    @property
    def result(self) -> SSAValue:
        """The value that it makes."""
        return self.op.results[0]


def call_of(op: Operation) -> Call | None:
    """The call, or None if it cannot be computed for some rows."""
    if (uses := row_uses(op)) is None:
        return None
    result = op.results[0]
    names = op.INPLACE if isinstance(op, KernelOp) else ()
    return Call(
        op,
        uses,
        [base_of(op.operands[use.operand]) for use in uses],
        frozenset(map(base_of, op.operands)),
        [base_of(getattr(op, name)) for name in names],
        height_of(result),
        row_bytes(result),
        multiplications(op) // height_of(result),
        sum(nbytes(v.type) for v in op.operands if isinstance(v.owner, ScratchOp)),
    )


@dataclass
class Region:
    """A run of calls that can be split, with its results that are used outside."""

    calls: list[Call]
    outputs: list[SSAValue]
    freed: frozenset[SSAValue] = frozenset()
    """What it reads by rows from outside, and nothing after it: rows that no later strip reads are
    free."""

    @property
    def ops(self) -> list[Operation]:
        """The calls as they are in the function."""
        return [call.op for call in self.calls]

    @property
    def most_strips(self) -> int:
        """As many as the lowest output has rows."""
        return min(height_of(output) for output in self.outputs)


class Regions:
    """All regions among the calls of a function, in their order."""

    def __init__(self, ops: Sequence[Operation]):
        self.calls = [call_of(op) for op in ops]
        self.position = position = {op: index for index, op in enumerate(ops)}
        self._readers: dict[SSAValue, list[tuple[int, int, bool]]] = {}
        self._first_bad = [len(ops) + 1] * len(ops)
        """The first call that reads the result otherwise than by rows."""
        self._last_user = [-1] * len(ops)
        """The last call that reads the result; after all calls if it is returned."""
        for index, op in enumerate(ops):
            for result in op.results:
                for user, operand, by_rows in _readers(result):
                    at = position.get(user, len(ops))
                    self._last_user[index] = max(self._last_user[index], at)
                    if at < len(ops) and not (by_rows and self._reads_by_rows(at, operand)):
                        self._first_bad[index] = min(self._first_bad[index], at)
                    if isinstance(user, JoinOp) or (
                        isinstance(user, ReturnOp) and operand in _states(user)
                    ):
                        self.calls[index] = None  # Its place is given: no parts can be joined.

    def _is_freed(self, value: SSAValue, first: int, last: int) -> bool:
        """Whether all that reads a value from call `first` on reads it by rows, before `last`."""
        if value not in self._readers:
            root = value
            while isinstance(root.owner, ViewOp | SubviewOp):
                root = root.owner.input
            through = {(user, operand) for user, operand, by_rows in _readers(value) if by_rows}
            self._readers[value] = [
                (self.position.get(user, len(self.calls)), operand, (user, operand) in through)
                for user, operand, _ in _readers(root)
            ]
        readers = self._readers[value]
        return not is_constant(value) and all(
            at < first or (at < last and by_rows and self._reads_by_rows(at, operand))
            for at, operand, by_rows in readers
        )

    def _reads_by_rows(self, at: int, operand: int) -> bool:
        call = self.calls[at]
        return call is not None and any(use.operand == operand for use in call.uses)

    def region(self, first: int, last: int) -> Region | None:
        """The calls from `first` to before `last`, or None if they cannot be split.

        Values that the calls pass to each other are read by rows only, through views that keep
        rows.
        """
        calls, outputs = list[Call](), list[SSAValue]()
        for index in range(first, last):
            call = self.calls[index]
            if call is None or self._first_bad[index] < last:
                return None
            calls.append(call)
            if self._last_user[index] >= last:
                outputs.append(call.result)
        if not outputs:
            return None
        made = {call.result for call in calls}
        outside = {base for call in calls for base in call.bases if base not in made}
        freed = frozenset(base for base in outside if self._is_freed(base, first, last))
        return Region(calls, outputs, freed)


def _states(end: ReturnOp) -> set[int]:
    """The operands of a return that are the next values of state."""
    func = end.parent_op()
    return {state.result for state in states(func)} if isinstance(func, FuncOp) else set()


def region_of(ops: Sequence[Operation]) -> Region | None:
    """The region of all these calls, which are all of a function's or its first ones."""
    return Regions(ops).region(0, len(ops))


def _readers(value: SSAValue, *, by_rows: bool = True) -> Iterator[tuple[Operation, int, bool]]:
    """The ops that read a value, with the operand; whether they read it through views that keep
    the rows. Joins and the return come too."""
    for use in value.uses:
        user = use.operation
        if isinstance(user, ViewOp):
            yield from _readers(user.output, by_rows=by_rows and _keeps_rows(user))
        elif isinstance(user, SubviewOp):
            yield from _readers(user.output, by_rows=False)
        elif isinstance(user, JoinOp):
            yield user, use.index, False
            yield from _readers(user.output, by_rows=False)
        else:
            yield user, use.index, by_rows and not isinstance(user, ReturnOp)


def spread(height: int, strips: int) -> tuple[Rows, Rows]:
    """The first row of each strip and the row after its last, as equal as possible."""
    borders = np.arange(strips + 1, dtype=np.int64) * height // strips
    return borders[:-1], borders[1:]


@dataclass
class Split:
    """A region in strips: the rows that each call computes for each strip."""

    region: Region
    strips: int
    first: dict[SSAValue, Rows]
    last: dict[SSAValue, Rows]
    freed: Rows
    """The bytes that are free when a strip begins, of what the region reads from outside."""

    def extra_products(self) -> int:
        """The products that are computed more than once."""
        return sum(
            (int((self.last[call.result] - self.first[call.result]).sum()) - call.height)
            * call.row_products
            for call in self.region.calls
        )

    def extra_calls(self) -> int:
        """The calls more than without strips."""
        return len(self.region.calls) * (self.strips - 1)

    def peak(self, *, frees: bool = True) -> int:
        """The most bytes of values of the region, outputs included, and scratch at one time.

        frees: less what its strips have freed until then.
        """
        calls, outputs = self.region.calls, set(self.region.outputs)
        last_user = {value: call for call in calls for value in call.read}
        size: dict[SSAValue, Rows] = {}
        made = np.zeros(self.strips, np.int64)
        for call in calls:
            size[call.result] = self._bytes(call, is_output=call.result in outputs)
            if call.result in outputs:
                made += np.cumsum(size[call.result]) - size[call.result]
        live, most = made - self.freed if frees else made, -(1 << 62)
        for call in calls:
            new = size[call.result]
            dying = [
                value
                for value in call.read
                if value in size and last_user[value] is call and value not in outputs
            ]
            used = live + new
            overwritten = [np.minimum(size[v], new) for v in call.overwritten if v in dying]
            if overwritten:
                used = used - np.maximum.reduce(overwritten)
            most = max(most, int(used.max()) + call.scratch)
            live = live + new
            for value in dying:
                live = live - size[value]
            if call.result not in last_user and call.result not in outputs:
                live = live - new
        return most

    def _bytes(self, call: Call, *, is_output: bool) -> Rows:
        size = (self.last[call.result] - self.first[call.result]) * call.row_bytes
        return size if is_output else -(-size // ALIGNMENT) * ALIGNMENT


def split(region: Region, strips: int) -> Split | None:
    """The region in equal strips of its outputs.

    None if an output would be needed beyond them, or if a strip would read padding only.
    """
    first: dict[SSAValue, Rows] = {}
    last: dict[SSAValue, Rows] = {}
    outside: dict[SSAValue, Rows] = {}
    members = {call.result: call for call in region.calls}
    parts = {output: spread(height_of(output), strips) for output in region.outputs}
    for output, (low, high) in parts.items():
        first[output], last[output] = low, high
    for call in reversed(region.calls):
        result = call.result
        if result not in first:
            return None
        if result in parts and not _is_part(parts[result], first[result], last[result]):
            return None
        for use, base in zip(call.uses, call.bases, strict=True):
            height = members[base].height if base in members else height_of(base)
            low, high = use.rows(first[result], last[result], height)
            if (low >= high).any():
                return None  # A strip would read padding only.
            if base not in members:
                if base in region.freed:
                    outside[base] = np.minimum(outside[base], low) if base in outside else low
                continue
            first[base] = np.minimum(first[base], low) if base in first else low
            last[base] = np.maximum(last[base], high) if base in last else high
    freed = np.zeros(strips, np.int64)
    for base, low in outside.items():
        freed += low * row_bytes(base)
    return Split(region, strips, first, last, freed)


def _is_part(part: tuple[Rows, Rows], first: Rows, last: Rows) -> bool:
    return bool((part[0] == first).all() and (part[1] == last).all())
