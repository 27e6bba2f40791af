"""Pooling kernels. Activations are [N,H,W,C], int8; padding is (top, left)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from xdsl.dialects.builtin import BoolAttr, DenseArrayBase, IntegerAttr, TensorType
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def

from cmopt.dialects.cortex_m.base import KernelOp, View
from cmopt.dialects.cortex_m.limits import LONGEST_STEP
from cmopt.dialects.shapes import int_of, ints_of, shape_of, window_output

_NHWC = {"input": View.CHANNELS_LAST, "output": View.CHANNELS_LAST}


def verify_pool(op: Any) -> None:
    """Check the window of a pool: NHWC `input` and `output`, `kernel_size`, `stride`, `padding`.

    Raises VerifyException.
    """
    op.require_rank(4, "input", "output")
    (n, h, w, c), (on, oh, ow, oc) = shape_of(op.input), shape_of(op.output)
    if (n, c) != (on, oc):
        raise op.error(f"output {op.output.type} must keep batch {n} and channels {c}")
    for name in ("kernel_size", "stride", "padding"):
        values = ints_of(getattr(op, name))
        if len(values) != 2:
            raise op.error(f"{name} must be two integers, got {list(values)}")
        if max(values) > LONGEST_STEP:
            raise op.error(f"{name} is {LONGEST_STEP} at most, got {list(values)}")
    for size, out, i in ((h, oh, 0), (w, ow, 1)):
        kernel, stride, pad = (ints_of(a)[i] for a in (op.kernel_size, op.stride, op.padding))
        is_empty = out > 0 and size < 1
        if is_empty or stride < 1 or pad < 0 or pad >= kernel or (out - 1) * stride - pad >= size:
            raise op.error(
                f"output size {out} does not fit input {size}, kernel {kernel}, "
                f"stride {stride}, padding {pad}"
            )


class _PoolOp(KernelOp):
    """Windows over height and width. The quantization stays."""

    input = operand_def(TensorType)
    kernel_size = prop_def(DenseArrayBase)
    stride = prop_def(DenseArrayBase)
    padding = prop_def(DenseArrayBase)
    ceil_mode = prop_def(BoolAttr)
    output = result_def(TensorType)

    VIEWS: ClassVar[Mapping[str, View]] = _NHWC

    def _verify(self) -> None:
        self.require_int8("input", "output")
        verify_pool(self)


@irdl_op_definition
class QuantizedAvgPool2dOp(_PoolOp):
    """`arm_avgpool_s8`: divides by the number of positions inside the input. The type stays.

    The kernel ignores `zero_point`, `multiplier` and `shift`; they are 0 here. The output has
    PyTorch's size, which the operator checks; a window is no longer than its padded input, because
    the operator rounds negative quotients toward 0.
    """

    name = "cortex_m.quantized_avg_pool2d"

    input = operand_def(TensorType)  # before scratch: operands have the order of definition
    scratch = operand_def(TensorType)
    zero_point = prop_def(IntegerAttr)
    multiplier = prop_def(IntegerAttr)
    shift = prop_def(IntegerAttr)

    assembly_format = "$input `scratch` $scratch attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        self._verify()
        self.require_int8("scratch")
        self._require_size()

    def _require_size(self) -> None:
        ceil_mode = bool(int_of(self.ceil_mode))
        sizes, outputs = shape_of(self.input)[1:3], shape_of(self.output)[1:3]
        windows = zip(*map(ints_of, (self.kernel_size, self.stride, self.padding)), strict=True)
        for size, output, (kernel, stride, pad) in zip(sizes, outputs, windows, strict=True):
            if kernel > size + 2 * pad:
                raise self.error(f"a window of {kernel} is longer than its input, {size + 2 * pad}")
            expected = window_output(size, kernel, stride, 2 * pad, ceil_mode=ceil_mode)
            if output != expected:
                raise self.error(f"the kernel gives {expected} outputs of {size}, not {output}")


@irdl_op_definition
class QuantizedMaxPool2dOp(_PoolOp):
    """`arm_max_pool_s8`; dilation 1, no ceil mode, zero point in equals zero point out."""

    name = "cortex_m.quantized_max_pool2d"

    dilation = prop_def(DenseArrayBase)
    input_zero_point = prop_def(IntegerAttr)
    output_zero_point = prop_def(IntegerAttr)
    activation_min = prop_def(IntegerAttr)
    activation_max = prop_def(IntegerAttr)

    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        self._verify()
        self.require_activation()
        if ints_of(self.dilation) != (1, 1):
            raise self.error("the kernel takes dilation 1 only")
        if int_of(self.ceil_mode):
            raise self.error("the kernel has no ceil_mode")
        if int_of(self.input_zero_point) != int_of(self.output_zero_point):
            raise self.error("input and output zero point must be equal")
        self.require_zero_points("input_zero_point")
