"""Repeat the body of a loop for each step."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.edge import CatOp, ReshapeOp, ScanOp, SliceOp
from cmopt.dialects.shapes import shape_of
from cmopt.lowering.rewrite import apply_patterns


@dataclass
class UnrollScan(RewritePattern):
    """A loop of at most `steps` steps becomes the ops of all its steps."""

    steps: int

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ScanOp, rewriter: PatternRewriter) -> None:
        if op.count > self.steps:
            return
        new_ops: list[Operation] = []
        carried: list[SSAValue] = list(op.initial)
        parts: list[list[SSAValue]] = [[] for _ in op.stacked]

        def append(new: Operation) -> SSAValue:
            new.location = op.location
            new_ops.append(new)
            return new.results[0]

        for t in op.order:
            slices = []
            for sequence, argument in zip(op.sequences, op.slices, strict=True):
                piece = append(SliceOp.of(sequence, 0, t, 1))
                slices.append(append(ReshapeOp.of(piece, shape_of(argument))))
            given = [*carried, *slices, *op.invariants]
            values: dict[SSAValue, SSAValue] = dict(zip(op.body.block.args, given, strict=True))
            for inner in op.body.block.ops:
                if inner is not op.end:
                    new_ops.append(inner.clone(values))
            carried = [values.get(value, value) for value in op.renewed]
            for part, value in zip(parts, op.parts, strict=True):
                row = (1, *shape_of(value))
                part.append(append(ReshapeOp.of(values.get(value, value), row)))
        stacked = [append(CatOp.of([*p][:: op.order.step], 0)) for p in parts]
        rewriter.replace(op, new_ops, [*carried, *stacked])


@dataclass(frozen=True)
class UnrollScansPass(ModulePass):
    """Unroll loops of at most `steps` steps. No bit changes."""

    name = "unroll-scans"

    steps: int = 1

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, UnrollScan(self.steps))
