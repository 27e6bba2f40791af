"""Pools and reductions. NHWC; `pad` is [top, bottom, left, right]."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import I32, IntegerAttr, IntegerType, TensorType, i8, i32
from xdsl.dialects.tosa import NanMode, NanModeAttr
from xdsl.ir import TypeAttribute
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import I64Array
from cmopt.dialects.shapes import element_of, int_of, resized, shape_of, verify_ints
from cmopt.dialects.tosa.base import TosaOp, verify_one
from cmopt.dialects.tosa.windows import window_shape


class _PoolOp(TosaOp):
    """One result for each window of each channel: [N,H,W,C] to [N,OH,OW,C] of the same type."""

    input = operand_def(TensorType)
    kernel = prop_def(I64Array)
    stride = prop_def(I64Array)
    pad = prop_def(I64Array)
    output = result_def(TensorType)

    def infer_shape(self) -> Sequence[int]:
        if len(shape := shape_of(self.input)) != 4:
            raise VerifyException(f"input must have rank 4, got {self.input.type}")
        if element_of(self.input) not in (i8, IntegerType(16)):
            raise VerifyException(f"works on i8 and i16, got {self.input.type}")
        kernel = verify_ints("kernel", self.kernel, 2, 1)
        stride = verify_ints("stride", self.stride, 2, 1)
        pad = verify_ints("pad", self.pad, 4, 0)
        if max(pad[:2]) >= kernel[0] or max(pad[2:]) >= kernel[1]:
            raise VerifyException(f"padding {list(pad)} must be below the kernel {list(kernel)}")
        rows, columns = window_shape(shape[1:3], kernel, stride, pad, (1, 1))
        return (shape[0], rows, columns, shape[3])


@irdl_op_definition
class MaxPool2DOp(_PoolOp):
    """The largest element of each window."""

    name = "tosa.max_pool2d"

    nan_mode = opt_prop_def(NanModeAttr, default_value=NanModeAttr(NanMode.PROPAGATE))


@irdl_op_definition
class AvgPool2DOp(_PoolOp):
    """The mean of those elements of each window that are inside the input."""

    name = "tosa.avg_pool2d"

    input = operand_def(TensorType)
    input_zp = operand_def(TensorType)
    output_zp = operand_def(TensorType)
    acc_type = prop_def(TypeAttribute)

    def verify_(self) -> None:
        super().verify_()
        verify_one(self.input_zp, "input_zp", element_of(self.input))
        verify_one(self.output_zp, "output_zp", element_of(self.output))
        if self.acc_type != i32:
            raise VerifyException(f"integers are summed in i32, not in {self.acc_type}")


class _ReduceOp(TosaOp):
    """One result for all elements along `axis`, which keeps a size of 1."""

    input = operand_def(TensorType)
    axis = prop_def(IntegerAttr[I32])
    output = result_def(TensorType)

    def _verify_elements(self, *allowed: IntegerType) -> None:
        if element_of(self.input) not in allowed:
            types = " and ".join(map(str, allowed))
            raise VerifyException(f"works on {types}, got {self.input.type}")

    def infer_shape(self) -> Sequence[int]:
        shape, axis = shape_of(self.input), int_of(self.axis)
        if not 0 <= axis < len(shape):
            raise VerifyException(f"axis {axis} is outside rank {len(shape)}")
        return resized(shape, axis, 1)


@irdl_op_definition
class ReduceSumOp(_ReduceOp):
    """The sum, of int32."""

    name = "tosa.reduce_sum"

    def verify_(self) -> None:
        self._verify_elements(i32)
        super().verify_()


@irdl_op_definition
class ReduceMaxOp(_ReduceOp):
    """The largest element."""

    name = "tosa.reduce_max"

    nan_mode = opt_prop_def(NanModeAttr, default_value=NanModeAttr(NanMode.PROPAGATE))

    def verify_(self) -> None:
        self._verify_elements(i8, IntegerType(16), i32)
        super().verify_()


@irdl_op_definition
class ReduceMinOp(_ReduceOp):
    """The smallest element."""

    name = "tosa.reduce_min"

    nan_mode = opt_prop_def(NanModeAttr, default_value=NanModeAttr(NanMode.PROPAGATE))

    def verify_(self) -> None:
        self._verify_elements(i8, IntegerType(16), i32)
        super().verify_()
