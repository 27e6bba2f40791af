"""Bring convolutions and pools on quantized tensors to the layout of their kernels."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.edge import (
    Conv2dOp,
    ConvTranspose2dOp,
    PermuteOp,
    Window2dOp,
    is_nhwc,
    weight_to_nhwc,
)
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import NCHW_TO_NHWC, NHWC_TO_NCHW
from cmopt.lowering.rewrite import apply_patterns


class ConvertToNhwc(RewritePattern):
    """NCHW op → permute, the NHWC form of the same op, permute back."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: Window2dOp, rewriter: PatternRewriter) -> None:
        if is_nhwc(op):
            return
        if quantized_element(op.input.type) is None:
            return
        input = PermuteOp.of(op.input, NCHW_TO_NHWC)
        new_ops, operands = [input], [input.output, *op.operands[1:]]
        if isinstance(op, Conv2dOp | ConvTranspose2dOp):
            weight = PermuteOp.of(op.weight, weight_to_nhwc(op))
            weight.output.name_hint = op.weight.name_hint
            new_ops.append(weight)
            operands[1] = weight.output
        nhwc = op.with_operands(operands, data_format=StringAttr("NHWC"))
        nhwc.results[0].name_hint = op.output.name_hint
        rewriter.replace(op, [*new_ops, nhwc, PermuteOp.of(nhwc.results[0], NHWC_TO_NCHW)])


@dataclass(frozen=True)
class ConvertToNhwcPass(ModulePass):
    """Rewrite quantized convolutions and pools from NCHW to NHWC with permutes around.

    Float ops keep PyTorch's layout, because they become portable kernels.
    """

    name = "convert-to-nhwc"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, ConvertToNhwc())
