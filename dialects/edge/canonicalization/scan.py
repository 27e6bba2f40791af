"""Canonicalization of `edge.scan`: what its body does not need leaves its border.

Every pattern is exact for any element type.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.rewriter import InsertPoint

from cmopt.dialects.constants import is_known
from cmopt.dialects.edge import ScanOp, TakeOp, YieldOp
from cmopt.dialects.quant import SCastOp
from cmopt.dialects.shapes import int_of, ints_of


class ConstantsIntoScan(RewritePattern):
    """A constant that a scan takes as an invariant becomes a constant of its body."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ScanOp, rewriter: PatternRewriter) -> None:
        constant = [is_known(value) for value in op.invariants]
        if not any(constant):
            return
        block = op.body.block
        first = len(op.initial) + len(op.sequences)
        for value, argument in zip(op.invariants, op.captured, strict=True):
            if is_known(value):
                for made in _copies(value):
                    rewriter.insert_op(made, InsertPoint.at_start(block))
                    if made.results[0].type == value.type:
                        argument.replace_all_uses_with(made.results[0])
        kept = [value for value, drop in zip(op.invariants, constant, strict=True) if not drop]
        for index in reversed(range(len(constant))):
            if constant[index]:
                rewriter.erase_block_argument(block.args[first + index])
        _replace(op, rewriter, op.initial, op.sequences, kept, range(len(op.results)))


def _copies(value: SSAValue) -> list[ConstantOp | SCastOp]:
    """New ops that make a constant, each to be inserted in front of the one before."""
    owner = value.owner
    if isinstance(owner, SCastOp):
        inner = _copies(owner.input)
        cast = SCastOp(inner[0].results[0], value.type)
        made: list[ConstantOp | SCastOp] = [cast, *inner]
    else:
        assert isinstance(owner, ConstantOp)
        made = [owner.clone()]
    made[0].results[0].name_hint = value.name_hint
    return made


class DropUnused(RewritePattern):
    """Drop what nothing reads: sequences and invariants in the body, results behind the loop.

    A carried value stays if its final value or the value before is read.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ScanOp, rewriter: PatternRewriter) -> None:
        carries, walks = len(op.initial), len(op.initial) + len(op.sequences)
        block, end = op.body.block, op.end
        results = [
            index
            for index, result in enumerate(op.results)
            if result.uses or (index < carries and block.args[index].uses)
        ]
        operands = [
            index
            for index, argument in enumerate(block.args)
            if argument.uses or (index < carries and index in results)
        ]
        unused = len(op.operands) - len(operands) + len(op.results) - len(results)
        if not unused or not results:
            return
        rewriter.replace(end, YieldOp(*(end.values[index] for index in results)))
        for index in reversed(range(len(op.operands))):
            if index not in operands:
                rewriter.erase_block_argument(block.args[index])
        initial = [op.operands[i] for i in operands if i < carries]
        sequences = [op.operands[i] for i in operands if carries <= i < walks]
        invariants = [op.operands[i] for i in operands if i >= walks]
        _replace(op, rewriter, initial, sequences, invariants, results)


class ScanBackwards(RewritePattern):
    """A scan of flipped sequences, whose stacked results are flipped, goes backwards instead."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ScanOp, rewriter: PatternRewriter) -> None:
        sequences = [value.owner for value in op.sequences]
        flips = [use.operation for stack in op.stacked for use in stack.uses]
        if not sequences or not all(map(_is_flip, [*sequences, *flips])):
            return
        walked = [flip.input for flip in sequences if isinstance(flip, TakeOp)]
        if op.reverse is None:
            op.properties["reverse"] = UnitAttr()
        else:
            del op.properties["reverse"]
        for flip in flips:
            rewriter.replace(flip, (), (flip.operands[0],))
        _replace(op, rewriter, op.initial, walked, op.invariants, range(len(op.results)))


def _is_flip(op: object) -> bool:
    if not isinstance(op, TakeOp) or int_of(op.dim) != 0:
        return False
    indices = ints_of(op.indices)
    return indices == tuple(range(len(indices)))[::-1]


def _replace(
    op: ScanOp,
    rewriter: PatternRewriter,
    initial: Sequence[SSAValue],
    sequences: Sequence[SSAValue],
    invariants: Sequence[SSAValue],
    results: Sequence[int],
) -> None:
    """Replace a scan by one with its body and other operands. results: the indices of those of
    `op` that it has; all others have no use."""
    stacked: list[Attribute] = [op.results[i].type for i in results if i >= len(op.initial)]
    block = op.body.detach_block(0)
    new = ScanOp(
        initial, sequences, invariants, block, stacked,
        steps=op.count, reverse=op.reverse is not None,
    )  # fmt: skip
    places: dict[int, SSAValue] = dict(zip(results, new.results, strict=True))
    rewriter.replace(op, new, [places.get(index) for index in range(len(op.results))])


SCAN: tuple[RewritePattern, ...] = (ConstantsIntoScan(), DropUnused(), ScanBackwards())
"""The patterns of `edge.scan`."""
