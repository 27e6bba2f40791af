"""A pass that makes ops of the dialect `example`."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.edge import PowOp
from cmopt.lowering.rewrite import apply_patterns
from cmopt_example.dialect import CubeOp


class FuseCube(RewritePattern):
    """`edge.pow{exponent = 3.0}` → `example.cube`; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PowOp, rewriter: PatternRewriter) -> None:
        if op.exponent.value.data == 3:
            rewriter.replace(op, CubeOp([op.input], op.output.type))


@dataclass(frozen=True)
class FuseCubesPass(ModulePass):
    """Make third powers ops of their own."""

    name = "fuse-cubes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, FuseCube())
