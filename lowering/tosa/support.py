"""Which `edge` ops on quantized tensors an NPU can do, and why the others not."""

from __future__ import annotations

from xdsl.ir import Operation

from cmopt.dialects.edge import CallOp
from cmopt.dialects.ethos_u import why_not
from cmopt.dialects.quant import DCastOp, QCastOp, quantized_element
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
        return "computes in float"
    build = RegionBuilder()
    try:
        lower(op, build)
    except NotInTosa as error:
        return str(error)
    finally:
        parts = list(build.block.ops)
    return next((reason for part in parts if (reason := why_not(part, npu)) is not None), None)


def _is_requantization(op: Operation) -> bool:
    return isinstance(op, QCastOp) and isinstance(op.input.owner, DCastOp)


def can_be_delegated(op: Operation, npu: str) -> bool:
    """Whether an op can run on the NPU, if there is one (`npu` is not empty)."""
    return bool(npu) and npu_reason(op, npu) is None
