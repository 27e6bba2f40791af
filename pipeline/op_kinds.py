"""What kind of work an op is: on the NPU or the core, in float, a cast, a move or a view."""

from __future__ import annotations

from xdsl.dialects.builtin import Float32Type
from xdsl.ir import Operation, SSAValue

from cmopt.dialects.cortex_m import (
    DequantizePerTensorOp,
    JoinOp,
    QuantizePerTensorOp,
    SubviewOp,
    TransposeOp,
    ViewOp,
)
from cmopt.dialects.edge import PermuteOp, ReshapeOp, ScanOp
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.quant import DCastOp, QCastOp, SCastOp
from cmopt.dialects.shapes import element_of

_CASTS = QCastOp | DCastOp | SCastOp | QuantizePerTensorOp | DequantizePerTensorOp
_MOVES = PermuteOp | TransposeOp
_VIEWS = ViewOp | SubviewOp | JoinOp | ReshapeOp


def is_float_operand(value: SSAValue) -> bool:
    """Whether a value is float data."""
    return isinstance(element_of(value), Float32Type)


def kind_of(op: Operation, stage: str) -> str:
    """ "npu", "loop", "cast", "view", "move", "float" or "core", for an op of a stage."""
    if isinstance(op, DelegateOp) or isinstance(op.parent_op(), DelegateOp):
        return "npu"
    if isinstance(op, ScanOp):
        return "loop"
    if isinstance(op, _CASTS):
        return "cast"
    if isinstance(op, _VIEWS):
        return "view"
    # In PyTorch's own form everything is float between quantize and dequantize.
    if stage != "edge" and any(map(is_float_operand, (*op.operands, *op.results))):
        return "float"
    return "move" if isinstance(op, _MOVES) else "core"
