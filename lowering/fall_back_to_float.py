"""Compute quantized ops without an integer kernel in float."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr, TensorType, f32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.edge import EdgeOp
from cmopt.dialects.program import NPU_REASON, REASON
from cmopt.dialects.quant import DCastOp, QCastOp, quantized_element
from cmopt.dialects.shapes import shape_of
from cmopt.lowering.legality import no_kernel_reason, why_not_delegated
from cmopt.lowering.rewrite import apply_patterns
from cmopt.support.targets import STOCK


@dataclass
class ExpandUnsupported(RewritePattern):
    """`op(q…)` → `qcast(op(dcast(q)…))` with the reason; exact: it is the op's definition.

    Ops that the NPU can do stay, if there is an NPU.
    """

    npu: str = ""
    kernels: str = STOCK

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: EdgeOp, rewriter: PatternRewriter) -> None:
        if not op.results or quantized_element(op.results[0].type) is None:
            return
        if (reason := no_kernel_reason(op, self.kernels)) is None:
            return
        if (npu_reason := why_not_delegated(op, self.npu)) is None:
            return
        casts: list[Operation] = []
        operands: list[SSAValue] = []
        for operand in op.operands:
            cast = DCastOp(operand, TensorType(f32, shape_of(operand)))
            casts.append(cast)
            operands.append(cast.output)
        reasons: dict[str, Attribute] = {REASON: StringAttr(reason)}
        if self.npu:
            reasons[NPU_REASON] = StringAttr(npu_reason)
        result = TensorType(f32, shape_of(op.results[0]))
        real = op.create(
            operands=operands,
            result_types=[result],
            properties=dict(op.properties),
            attributes={**op.attributes, **reasons},
        )
        rewriter.replace(op, [*casts, real, QCastOp(real.results[0], op.results[0].type)])


@dataclass(frozen=True)
class FallBackToFloatPass(ModulePass):
    """Expand quantized ops without an integer kernel to dequantize → float op → quantize.

    With `npu`, ops that the NPU can do stay. `kernels` is the operator library of the core.
    """

    name = "fall-back-to-float"

    npu: str = ""
    kernels: str = STOCK

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, ExpandUnsupported(self.npu, self.kernels))
