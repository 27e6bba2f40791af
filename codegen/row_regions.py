"""Runs of calls that can be computed strip by strip, and what that costs.

A region is a run of consecutive calls. For each strip, every call in it computes the rows that the
later calls of the strip need. So rows at the borders of strips are computed twice. The results are
parts of joined values, and what the region reads from outside stays live until its last strip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.ir import Operation, SSAValue

from cmopt.codegen.lifetimes import ALIGNMENT
from cmopt.codegen.row_rules import Rows, RowUse, has_rows, height_of, row_bytes, row_uses
from cmopt.codegen.step_facts import multiplications
from cmopt.dialects.cortex_m import KernelOp, ScratchOp, SubviewOp, ViewOp, nbytes
from cmopt.dialects.shapes import shape_of


def base_of(value: SSAValue) -> SSAValue:
    """The value of which this is a view that keeps the rows; itself if it is none."""
    while isinstance(view := value.owner, ViewOp) and _keeps_rows(view):
        value = view.input
    return value


def _keeps_rows(view: ViewOp) -> bool:
    before, after = shape_of(view.input), shape_of(view.output)
    return has_rows(view.input) and has_rows(view.output) and before[:2] == after[:2]


@dataclass
class Region:
    """A run of calls that can be split, with its results that are used outside."""

    ops: list[Operation]
    uses: list[list[RowUse]]
    outputs: Sequence[SSAValue]

    @property
    def most_strips(self) -> int:
        """As many as the lowest output has rows."""
        return min(height_of(output) for output in self.outputs)


def region_of(ops: Sequence[Operation]) -> Region | None:
    """The region of these calls, or None if they cannot be split.

    Values that the calls pass to each other are read by rows only, through views that keep rows.
    """
    inside = {op.results[0]: op for op in ops if len(op.results) == 1}
    uses: list[list[RowUse]] = []
    for op in ops:
        found = row_uses(op)
        if found is None:
            return None
        uses.append(found)
        by_rows = {use.operand for use in found}
        for index, value in enumerate(op.operands):
            if base_of(value) not in inside:
                if _root(value) in inside:
                    return None
            elif index not in by_rows:
                return None
    members = set(ops)
    outputs = [value for value in inside if _is_used_outside(value, members)]
    return Region(list(ops), uses, outputs) if outputs else None


def _root(value: SSAValue) -> SSAValue:
    while isinstance(value.owner, ViewOp | SubviewOp):
        value = value.owner.input
    return value


def _is_used_outside(value: SSAValue, members: set[Operation]) -> bool:
    for use in value.uses:
        user = use.operation
        if isinstance(user, ViewOp):
            if _is_used_outside(user.output, members):
                return True
        elif user not in members:
            return True
    return False


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

    def extra_products(self) -> int:
        """The products that are computed more than once."""
        total = 0
        for op in self.region.ops:
            result = op.results[0]
            rows = int((self.last[result] - self.first[result]).sum()) - height_of(result)
            total += rows * (multiplications(op) // height_of(result))
        return total

    def extra_calls(self) -> int:
        """The calls more than without strips."""
        return len(self.region.ops) * (self.strips - 1)

    def peak(self) -> int:
        """The most bytes of values of the region, outputs included, and scratch at one time."""
        region, live, most = self.region, np.zeros(self.strips, np.int64), 0
        last_user = {}
        for op in region.ops:
            for value in op.operands:
                last_user[base_of(value)] = op
        outputs = set(region.outputs)
        made = np.zeros(self.strips, np.int64)
        for output in region.outputs:
            each = (self.last[output] - self.first[output]) * row_bytes(output)
            made += np.cumsum(each) - each
        for op in region.ops:
            new = self._bytes(op.results[0], outputs)
            scratch = sum(nbytes(v.type) for v in op.operands if isinstance(v.owner, ScratchOp))
            dying = {
                base: self._bytes(base, outputs)
                for base in dict.fromkeys(map(base_of, op.operands))
                if last_user[base] is op and base in self.first and base not in outputs
            }
            saved = np.zeros(self.strips, np.int64)
            for name in op.INPLACE if isinstance(op, KernelOp) else ():
                base = base_of(getattr(op, name))
                if base in dying:
                    saved = np.maximum(saved, np.minimum(dying[base], new))
            most = max(most, int((made + live + new - saved).max()) + scratch)
            live = live + new - sum(dying.values())
            if op.results[0] not in last_user and op.results[0] not in outputs:
                live = live - new
        return most

    def _bytes(self, value: SSAValue, outputs: set[SSAValue]) -> Rows:
        size = (self.last[value] - self.first[value]) * row_bytes(value)
        return size if value in outputs else -(-size // ALIGNMENT) * ALIGNMENT


def split(region: Region, strips: int) -> Split | None:
    """The region in equal strips of its outputs.

    None if an output would be needed beyond them, or if a strip would read padding only.
    """
    first: dict[SSAValue, Rows] = {}
    last: dict[SSAValue, Rows] = {}
    members = set(region.ops)
    parts = {output: spread(height_of(output), strips) for output in region.outputs}
    for output, (low, high) in parts.items():
        first[output], last[output] = low, high
    for op, uses in zip(reversed(region.ops), reversed(region.uses), strict=True):
        result = op.results[0]
        if result not in first:
            return None
        if result in parts and not _is_part(parts[result], first[result], last[result]):
            return None
        for use in uses:
            base = base_of(op.operands[use.operand])
            low, high = use.rows(first[result], last[result], height_of(base))
            if (low >= high).any():
                return None  # A strip would read padding only.
            if base.owner not in members:
                continue
            first[base] = np.minimum(first.get(base, low), low)
            last[base] = np.maximum(last.get(base, high), high)
    return Split(region, strips, first, last)


def _is_part(part: tuple[Rows, Rows], first: Rows, last: Rows) -> bool:
    return bool((part[0] == first).all() and (part[1] == last).all())
