"""Compute quantized ops without an integer kernel in float."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr, TensorType, f32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.constants import is_constant
from cmopt.dialects.edge import EdgeOp, ExpandOp, MapOp
from cmopt.dialects.program import NPU_REASON, REASON
from cmopt.dialects.quant import DCastOp, QCastOp, quantized_element
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.lowering.legality import no_kernel_reason, why_not_delegated
from cmopt.lowering.rewrite import apply_patterns, recreated
from cmopt.support.targets import STOCK


@dataclass
class ExpandUnsupported(RewritePattern):
    """`op(q…)` → `qcast(op(dcast(q)…))` with the reason; exact: it is the op's definition.

    A map becomes the ops of its body. Ops that the NPU can do stay, if there is an NPU.
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
        casts = [DCastOp(v, TensorType(f32, shape_of(v))) for v in op.operands]
        operands = [cast.output for cast in casts]
        if isinstance(op, MapOp):
            real, result = _body(op, operands[0])
        else:
            real = [recreated(op, operands, TensorType(f32, shape_of(op.results[0])))]
            result = real[0].results[0]
        reasons: dict[str, Attribute] = {REASON: StringAttr(reason)}
        if self.npu:
            reasons[NPU_REASON] = StringAttr(npu_reason)
        for part in real:
            if not is_constant(part.results[0]):
                part.attributes.update(reasons)
        rewriter.replace(op, [*casts, *real, QCastOp(result, op.results[0].type)])


def _body(op: MapOp, argument: SSAValue) -> tuple[list[Operation], SSAValue]:
    """The ops of a map's body for the whole tensor, and their result."""
    values: dict[SSAValue, SSAValue] = {op.body.block.args[0]: argument}
    ops: list[Operation] = []
    for inner in op.body.block.ops:
        if inner is op.end:
            break
        operands = [values[v] for v in inner.operands]
        shape = max((shape_of(v) for v in operands), key=len, default=())
        type = TensorType(element_of(inner.results[0]), shape)
        ops.append(twin := recreated(inner, operands, type))
        twin.location = inner.location
        twin.results[0].name_hint = inner.results[0].name_hint
        values[inner.results[0]] = twin.results[0]
    result = values[op.end.values[0]]
    if shape_of(result) != shape_of(op.output):
        ops.append(repeated := ExpandOp.of(result, shape_of(op.output)))
        result = repeated.output
    return ops, result


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
