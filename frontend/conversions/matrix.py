"""Products of two computed tensors, and softmax."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import BoolAttr, IntegerAttr, i64
from xdsl.ir import SSAValue

from cmopt.dialects import edge
from cmopt.dialects.shapes import shape_of
from cmopt.frontend.call import Call, Converted
from cmopt.frontend.conversions.convolution import linear_of_constant


def _repeated(call: Call, value: SSAValue, batch: Sequence[int]) -> SSAValue:
    """Matrices repeated to a batch they broadcast to."""
    matrix = shape_of(value)[-2:]
    missing = len(batch) + 2 - len(shape_of(value))
    value = call.reshaped(value, (*(1,) * missing, *shape_of(value)))
    for dim, size in enumerate(batch):
        if shape_of(value)[dim] != size:
            value = call.emit(edge.TakeOp.of(value, dim, [0] * size))
    assert shape_of(value) == (*batch, *matrix)
    return value


def matmul(call: Call) -> Converted:
    """`matmul`, `bmm`, `mm` of any ranks: a vector is a matrix of one row or column.

    If all lhs matrices of the batch have the same rhs, their rows form one matrix.
    """
    if (linear := linear_of_constant(call)) is not None:
        return linear
    names = ("self", "other" if "other" in call.arguments else "mat2")
    result = call.result_type
    if not call.fake_result.dtype.is_floating_point or 0 in result.get_shape():
        return None
    lhs, rhs = (call.tensor(name) for name in names)
    if 0 in (*shape_of(lhs), *shape_of(rhs)):
        return None
    if len(shape_of(lhs)) == 1:
        lhs = call.reshaped(lhs, (1, *shape_of(lhs)))
    if len(shape_of(rhs)) == 1:
        rhs = call.reshaped(rhs, (*shape_of(rhs), 1))
    *lhs_batch, rows, depth = shape_of(lhs)
    *rhs_batch, _, columns = shape_of(rhs)
    if math.prod(rhs_batch) == 1:
        lhs = call.reshaped(lhs, (math.prod(lhs_batch) * rows, depth))
        rhs = call.reshaped(rhs, (depth, columns))
    else:
        batch = tuple(call.fake_result.shape[: max(len(lhs_batch), len(rhs_batch))])
        lhs, rhs = _repeated(call, lhs, batch), _repeated(call, rhs, batch)
    product = call.emit(edge.MatmulOp.of(lhs, rhs, False))
    return call.reshaped(product, result.get_shape())


def softmax(call: Call) -> Converted:
    """`softmax` in the operand's own type."""
    fake = call.fake("self")
    if fake.dim() == 0 or fake.dtype != call.fake_result.dtype:
        return None
    return call.emit(edge.SoftmaxOp.of(call.tensor("self"), call["dim"] % fake.dim()))


def log_softmax(call: Call) -> Converted:
    """`log_softmax` in the operand's own type, as `_log_softmax`, which has a portable kernel."""
    if call.fake("self").dtype != call.fake_result.dtype:
        return None
    operand, dim = edge.OperandAttr(IntegerAttr(0, i64)), IntegerAttr(call["dim"], i64)
    arguments = [operand, dim, BoolAttr.from_bool(False)]
    target = "aten._log_softmax.default"
    return call.emit(edge.CallOp(target, [call.tensor("self")], arguments, [call.result_type]))
