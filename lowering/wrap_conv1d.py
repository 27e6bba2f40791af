"""Replace convolutions and pools over one dimension by those over two, which have kernels."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.edge import (
    AvgPool1dOp,
    AvgPool2dOp,
    Conv1dOp,
    Conv2dOp,
    EdgeOp,
    MaxPool1dOp,
    MaxPool2dOp,
    ReshapeOp,
    UnaryOp,
)
from cmopt.dialects.edge.canonicalization import CANONICALIZATION
from cmopt.dialects.shapes import ints, ints_of, shape_of
from cmopt.lowering.rewrite import apply_patterns

_IN_TWO: dict[type[EdgeOp], type[EdgeOp]] = {
    AvgPool1dOp: AvgPool2dOp,
    Conv1dOp: Conv2dOp,
    MaxPool1dOp: MaxPool2dOp,
}
_OF_A_SECOND_DIMENSION = {"kernel_size": 1, "stride": 1, "dilation": 1, "padding": 0}
"""The parameters of the second dimension, of size 1."""


class WrapWindow(RewritePattern):
    """`conv1d(x, w)` → `unwrap(conv2d(wrap(x), wrap(w)))`, where wrapping adds a unit dimension.

    The one dimension becomes the height. Exact: no sum gets another term.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(
        self, op: Conv1dOp | AvgPool1dOp | MaxPool1dOp, rewriter: PatternRewriter
    ) -> None:
        ops: list[Operation] = []
        operands: list[SSAValue] = []
        for index, value in enumerate(op.operands):
            if index < 2:  # not the bias
                ops.append(wrap := ReshapeOp.of(value, (*shape_of(value), 1)))
                value = wrap.output
            operands.append(value)
        properties: dict[str, Attribute] = dict(op.properties)
        for name, unit in _OF_A_SECOND_DIMENSION.items():
            if name in properties:
                given = ints_of(properties[name])
                properties[name] = ints([*given, *[unit] * len(given)])
        window = _IN_TWO[type(op)].create(
            operands=operands,
            result_types=[op.output.type],
            properties=properties,
            attributes=dict(op.attributes),
        )
        ops.append(window.with_inferred_type())
        rewriter.replace(op, [*ops, ReshapeOp([window.results[0]], op.output.type)])


class UnwrapLater(RewritePattern):
    """`f(unwrap(conv2d(…)))` → `unwrap(f(conv2d(…)))`, so that an activation follows its op."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: UnaryOp, rewriter: PatternRewriter) -> None:
        unwrap = op.input.owner
        if not isinstance(unwrap, ReshapeOp) or not op.input.has_one_use():
            return
        if not isinstance(unwrap.input.owner, tuple(_IN_TWO.values())):
            return
        inner = op.with_operands([unwrap.input])
        rewriter.replace(op, [inner, ReshapeOp([inner.results[0]], op.output.type)])


@dataclass(frozen=True)
class WrapConv1dPass(ModulePass):
    """Rewrite conv1d, avg_pool1d and max_pool1d as ops over two dimensions, the second of size 1.

    Wrapping and unwrapping are reshapes, which cancel between two such ops in a row. Weights are
    reshaped at compile time.
    """

    name = "wrap-conv1d"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, WrapWindow(), UnwrapLater(), *CANONICALIZATION[ReshapeOp])
