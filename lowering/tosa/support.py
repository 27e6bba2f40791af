"""Which `edge` ops on quantized tensors an NPU can do, and why the others not."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import StringAttr, f32
from xdsl.ir import Block, Operation, SSAValue

from cmopt.dialects.constants import constant_of, typed_constant
from cmopt.dialects.edge import AvgPool2dOp, CallOp, Conv2dOp, MaxPool2dOp, is_nhwc, permuted_type
from cmopt.dialects.ethos_u import why_not
from cmopt.dialects.quant import DCastOp, QCastOp, quantized_element
from cmopt.dialects.shapes import NCHW_TO_NHWC, element_of
from cmopt.dialects.signature import NPU_REASON
from cmopt.lowering.rewrite import recreated
from cmopt.lowering.tosa.builder import NotInTosa, RegionBuilder
from cmopt.lowering.tosa.rules import lower


def npu_reason(op: Operation, npu: str) -> str | None:
    """Why an op on quantized tensors cannot run on an NPU; None where it can.

    Decided by lowering it to TOSA and looking at what comes out.
    """
    if isinstance(op, CallOp):
        return f"{op.target.data} has no lowering to TOSA"
    if isinstance(op, QCastOp | DCastOp) and not _is_requantization(op):
        return "converts between float and integers, the NPU has integers only"
    if not op.results or quantized_element(op.results[0].type) is None:
        return _reason_without_quantization(op)
    build = RegionBuilder()
    try:
        lower(op, build)
    except NotInTosa as error:
        return str(error)
    finally:
        parts = list(build.block.ops)
    return next((reason for part in parts if (reason := why_not(part, npu)) is not None), None)


def _reason_without_quantization(op: Operation) -> str:
    """What was found when the op was expanded to float, else what it computes in."""
    if isinstance(found := op.attributes.get(NPU_REASON), StringAttr):
        return found.data
    elements = {element_of(value) for value in op.results}
    if elements <= {f32}:
        return "computes in float"
    return f"computes in {', '.join(sorted(map(str, elements)))}, which is not quantized"


def _is_requantization(op: Operation) -> bool:
    return isinstance(op, QCastOp) and isinstance(op.input.owner, DCastOp)


def why_not_delegated(op: Operation, npu: str) -> str | None:
    """Why an op cannot run on the NPU, or None; `npu` is empty where there is none.

    A window op that is still NCHW is asked for in the form it will have.
    """
    if not npu:
        return "there is no NPU"
    if not isinstance(op, Conv2dOp | AvgPool2dOp | MaxPool2dOp) or is_nhwc(op):
        return npu_reason(op, npu)
    if (twin := nhwc_twin(op)) is None:
        return "the weight is not a constant"
    try:
        return npu_reason(twin, npu)
    finally:
        twin.drop_all_references()


def nhwc_twin(op: Conv2dOp | AvgPool2dOp | MaxPool2dOp) -> Operation | None:
    """The NHWC form of an NCHW window op, in no block; None where a weight is not constant."""
    block = Block(arg_types=[permuted_type(op.input.type, NCHW_TO_NHWC)])
    operands: list[SSAValue] = [block.args[0], *op.operands[1:]]
    if isinstance(op, Conv2dOp):
        if (weight := constant_of(op.weight)) is None:
            return None
        type = permuted_type(op.weight.type, NCHW_TO_NHWC)
        _, operands[1] = typed_constant(np.transpose(weight, NCHW_TO_NHWC), type)
    result = permuted_type(op.output.type, NCHW_TO_NHWC)
    return recreated(op, operands, result, data_format=StringAttr("NHWC"))
