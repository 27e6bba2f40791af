"""Check a memory plan: no value is read after another was written over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from xdsl.context import Context
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import IntegerAttr, ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from cmopt.codegen.lifetimes import in_place_delta
from cmopt.dialects.constants import is_constant
from cmopt.dialects.cortex_m import (
    REGIONS,
    JoinOp,
    KernelOp,
    ScratchOp,
    SubviewOp,
    ViewOp,
    itemsize,
    nbytes,
    place_of,
)
from cmopt.dialects.edge import ScanOp, YieldOp
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.program import ARENA_BYTES, functions, region_bytes, states, terminator
from cmopt.support.diagnostics import CompileError


class PlanChecker:
    """Goes through a function like the runtime and tracks which bytes hold which value.

    It does not depend on how the plan was made: a write destroys the values it overlaps, a read
    must find its value intact, and an op may overwrite an operand only if its kernel allows it.
    """

    def __init__(self, func: FuncOp):
        self.func = func
        size = func.attributes.get(ARENA_BYTES)
        if not isinstance(size, IntegerAttr):
            raise CompileError(
                f"the function has no {ARENA_BYTES}", op=func, hint="run plan-memory"
            )
        self.sizes = {region: region_bytes(func, region) for region in REGIONS}
        self.starts = dict(zip(REGIONS, accumulate(self.sizes.values(), initial=0), strict=False))
        """Where each region begins if they are one after the other."""
        self.whole: dict[SSAValue, tuple[int, int]] = {}
        self.overwritten_by: dict[SSAValue, Operation] = {}

    def span(self, value: SSAValue, op: Operation) -> tuple[int, int]:
        """The byte range of a value; raises if it is not aligned or not inside its region."""
        place, size = place_of(value), nbytes(value.type)
        if place is None:
            raise CompileError(f"a value of type {value.type} has no place", op=op)
        offset, most = place.offset, self.sizes[place.region]
        if offset % itemsize(value.type) or offset + size > most:
            raise CompileError(
                f"bytes {offset}..{offset + size} are not aligned or not inside the "
                f"{place.region} of {most}",
                op=op,
            )
        start = self.starts[place.region] + offset
        return start, start + size

    def write(self, value: SSAValue, op: Operation) -> None:
        """`op` writes `value`; every other value in these bytes is gone."""
        start, end = self.span(value, op)
        if start == end:
            return
        for other, (low, high) in list(self.whole.items()):
            if low < end and start < high:
                del self.whole[other]
                self.overwritten_by[other] = op
        self.whole[value] = (start, end)

    def read(self, value: SSAValue, op: Operation) -> None:
        """`op` reads `value`, which must still be intact."""
        if is_constant(value) or value in self.whole or nbytes(value.type) == 0:
            return
        culprit = self.overwritten_by.get(value)
        by = f"'{culprit.name}' wrote over it" if culprit is not None else "it was never written"
        raise CompileError(f"operand {op.operands.index(value)} is gone: {by}", op=op)

    def call(self, op: Operation) -> None:
        """A kernel call: operands, scratch and results are disjoint, except in-place results."""
        outputs = [*op.results, *(v for v in op.operands if isinstance(v.owner, ScratchOp))]
        for operand in op.operands:
            if operand in outputs:
                continue
            self.read(operand, op)
            if operand not in self.whole:
                continue
            low, high = self.whole[operand]
            for output in outputs:
                start, end = self.span(output, op)
                if max(low, start) < min(high, end) and not self._may_overlap(
                    op, operand, start - low
                ):
                    raise CompileError("writes over an operand it has not finished reading", op=op)
        for output in outputs:
            self.write(output, op)

    def delegate(self, op: DelegateOp) -> None:
        """A call of the NPU, which copies its operands, computes and then writes its results."""
        for operand in op.operands:
            self.read(operand, op)
        spans = sorted(self.span(result, op) for result in op.results)
        if any(end > start for (_, end), (start, _) in pairwise(spans)):
            raise CompileError("two results share bytes", op=op)
        for result in op.results:
            self.write(result, op)

    def _may_overlap(self, op: Operation, operand: SSAValue, delta: int) -> bool:
        if not isinstance(op, KernelOp):
            return False
        names = [name for name in op.INPLACE if getattr(op, name) is operand]
        return bool(names) and all(in_place_delta(op, name) == delta for name in names)

    def check(self) -> None:
        """Raise `CompileError` at the first op for which the plan is wrong."""
        for value in (*self.func.body.block.args, *terminator(self.func).operands):
            if (place := place_of(value)) is not None and place.region != "arena":
                raise CompileError("inputs, outputs and state must be in the arena", op=self.func)
        for argument in self.func.body.block.args:
            start, end = self.span(argument, self.func)
            if any(low < end and start < high for low, high in self.whole.values()):
                raise CompileError("two arguments share bytes", op=self.func)
            self.whole[argument] = (start, end)
        self.block(self.func.body.block)
        for state in states(self.func):
            if place_of(state.argument) != place_of(state.next):
                raise CompileError("a state and its next value must have one place", op=self.func)

    def loop(self, op: ScanOp) -> None:
        """A loop. The second step finds what the first one left."""
        for value in (*op.initial, *op.sequences, *op.invariants):
            self.read(value, op)
        for stack in op.stacked:
            self.write(stack, op)
        carried: Sequence[SSAValue] = op.initial
        for _ in range(min(op.count, 2)):
            self._pass_on(carried, op.carried, op)
            self._pass_on(op.invariants, op.captured, op)
            for part in op.slices:
                self.write(part, op)
            self.block(op.body.block)
            carried = op.renewed
            for value in (*op.sequences, *op.invariants, *op.stacked):
                if value not in self.whole and not is_constant(value) and nbytes(value.type):
                    culprit = self.overwritten_by[value]
                    raise CompileError(f"the loop's '{culprit.name}' writes over {value}", op=op)
        self._pass_on(carried, op.final, op)

    def _pass_on(self, given: Sequence[SSAValue], taken: Sequence[SSAValue], op: ScanOp) -> None:
        """Values that become others in the same place."""
        for value, name in zip(given, taken, strict=True):
            if not is_constant(value) and place_of(value) != place_of(name):
                raise CompileError(f"{value} and {name} must have one place", op=op)
            self.whole[name] = self.span(name, op)

    def block(self, block: Block) -> None:
        """The ops of a function or a loop."""
        for op in block.ops:
            if isinstance(op, ConstantOp | ScratchOp):
                continue
            if isinstance(op, ScanOp):
                self.loop(op)
            elif isinstance(op, ReturnOp | YieldOp):
                for value in op.operands:
                    self.read(value, op)
            elif isinstance(op, ViewOp | SubviewOp | JoinOp):
                for value in op.operands:
                    self.read(value, op)
                if not any(is_constant(value) for value in op.operands):
                    self.whole[op.results[0]] = self.span(op.results[0], op)
            elif isinstance(op, DelegateOp):
                self.delegate(op)
            else:
                self.call(op)


@dataclass(frozen=True)
class VerifyPlanPass(ModulePass):
    """Check that every read of a planned function finds its bytes as they were written."""

    name = "verify-plan"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in functions(op):
            PlanChecker(func).check()
