"""Elementwise kernels: quantize, dequantize, add, mul, div, lookup, minimum, maximum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, IntegerType, TensorType, f32
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def

from cmopt.dialects.cortex_m.base import KernelOp, View
from cmopt.dialects.cortex_m.limits import extremum_limit
from cmopt.dialects.quant import MAX_SCALE, MIN_SCALE
from cmopt.dialects.shapes import broadcast_shape, element_of, int_of, shape_of

ADD_LEFT_SHIFT = 20
"""Bits by which ExecuTorch's quantized_add shifts its inputs left before it scales them."""

_ANY_UNARY = {"input": View.ANY, "output": View.ANY}
_ANY_BINARY = {"input": View.ANY, "other": View.ANY, "output": View.ANY}


class _BorderOp(KernelOp):
    """A conversion between float32 and int8 or int16. The shape stays."""

    input = operand_def(TensorType)
    scale = prop_def(FloatAttr)
    zero_point = prop_def(IntegerAttr)
    quant_min = prop_def(IntegerAttr)
    quant_max = prop_def(IntegerAttr)
    output = result_def(TensorType)

    VIEWS: ClassVar[Mapping[str, View]] = _ANY_UNARY
    INPLACE: ClassVar[tuple[str, ...]] = ("input",)
    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    def _verify(self, integer: str, floating: str) -> None:
        if element_of(getattr(self, integer)) not in (IntegerType(8), IntegerType(16)):
            raise self.error(f"{integer} must be a tensor of i8 or i16")
        if element_of(getattr(self, floating)) != f32:
            raise self.error(f"{floating} must be a tensor of f32")
        self.require_shape("output", shape_of(self.input))
        if not MIN_SCALE <= self.scale.value.data <= MAX_SCALE:
            raise self.error("scale and its inverse must be normal numbers of float32")
        width = int(element_of(getattr(self, integer)).bitwidth)  # type: ignore[attr-defined]
        self.require_zero_points("quant_min", "quant_max", "zero_point", width=width)
        low, high = int_of(self.quant_min), int_of(self.quant_max)
        if low > high:
            raise self.error(f"quant_min {low} is above quant_max {high}")


@irdl_op_definition
class QuantizePerTensorOp(_BorderOp):
    """`clamp(nearbyint(x * (1 / scale)) + zero_point, quant_min, quant_max)`.

    In the interpreter and the host's kernel, infinities saturate and NaN gives the zero point.
    The stock kernel on MVE wraps if `x / scale` exceeds 16 bits, and rounds some ties differently.
    Its result for NaN is not known.
    """

    name = "cortex_m.quantize_per_tensor"

    def verify_(self) -> None:
        self._verify("output", "input")


@irdl_op_definition
class DequantizePerTensorOp(_BorderOp):
    """`(q - zero_point) * scale`."""

    name = "cortex_m.dequantize_per_tensor"

    def verify_(self) -> None:
        self._verify("input", "output")


class _BinaryOp(KernelOp):
    """Two int8 tensors of one shape."""

    input = operand_def(TensorType)
    other = operand_def(TensorType)
    output = result_def(TensorType)

    VIEWS: ClassVar[Mapping[str, View]] = _ANY_BINARY
    INPLACE: ClassVar[tuple[str, ...]] = ("input", "other")
    assembly_format = "$input `,` $other attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        self.require_int8("input", "other", "output")
        self.require_shape("other", shape_of(self.input))
        self.require_shape("output", shape_of(self.input))


class _BroadcastingOp(_BinaryOp):
    """Two int8 tensors of one shape, or [N,H,W,C] and [1,1,1,C]: one call for each pixel."""

    @property
    def broadcasts(self) -> bool:
        """Whether `other` is repeated for each pixel of `input`."""
        shape, other = shape_of(self.input), shape_of(self.other)
        return len(shape) == 4 and other == (1, 1, 1, shape[3]) != shape

    def view(self, name: str) -> View:
        return View.CHANNELS_LAST if self.broadcasts else super().view(name)

    def verify_(self) -> None:
        if not self.broadcasts:
            super().verify_()
            return
        self.require_int8("input", "other", "output")
        self.require_shape("output", shape_of(self.input))


@irdl_op_definition
class QuantizedAddOp(_BroadcastingOp):
    """`arm_elementwise_add_s8`, left shift `ADD_LEFT_SHIFT`; input zero points are subtracted.

    A negative multiplier subtracts its operand.
    """

    name = "cortex_m.quantized_add"

    self_zero_point = prop_def(IntegerAttr)
    self_multiplier = prop_def(IntegerAttr)
    self_shift = prop_def(IntegerAttr)
    other_zero_point = prop_def(IntegerAttr)
    other_multiplier = prop_def(IntegerAttr)
    other_shift = prop_def(IntegerAttr)
    output_zero_point = prop_def(IntegerAttr)
    output_multiplier = prop_def(IntegerAttr)
    output_shift = prop_def(IntegerAttr)
    activation_min = prop_def(IntegerAttr)
    activation_max = prop_def(IntegerAttr)

    def verify_(self) -> None:
        super().verify_()
        self.require_activation()
        self.require_zero_points("self_zero_point", "other_zero_point", "output_zero_point")
        self.require_multipliers("self_multiplier", "other_multiplier", "output_multiplier")
        self.require_shifts("self_shift", "other_shift", "output_shift")


@irdl_op_definition
class QuantizedMulOp(_BroadcastingOp):
    """`arm_elementwise_mul_s8`; the kernel has no activation range, so it clamps to int8."""

    name = "cortex_m.quantized_mul"

    self_zero_point = prop_def(IntegerAttr)
    other_zero_point = prop_def(IntegerAttr)
    output_zero_point = prop_def(IntegerAttr)
    output_multiplier = prop_def(IntegerAttr)
    output_shift = prop_def(IntegerAttr)

    def verify_(self) -> None:
        super().verify_()
        self.require_zero_points("self_zero_point", "other_zero_point", "output_zero_point")
        self.require_multipliers("output_multiplier")
        self.require_shifts("output_shift")


@irdl_op_definition
class QuantizedDivOp(_BinaryOp):
    """`round((a - za) / (b - zb) * output_scale) + output_zero_point`, in float32.

    If `b` is `zb`, the quotient is 0 and the result is the output's zero point. All three tensors
    are int8, or all are int16.
    """

    name = "cortex_m.quantized_div"

    self_zero_point = prop_def(IntegerAttr)
    other_zero_point = prop_def(IntegerAttr)
    output_zero_point = prop_def(IntegerAttr)
    output_scale = prop_def(FloatAttr)

    def verify_(self) -> None:
        is_wide = element_of(self.output) == IntegerType(16)
        self.require_zero_points(
            "self_zero_point", "other_zero_point", "output_zero_point", width=16 if is_wide else 8
        )
        if not abs(self.output_scale.value.data) <= MAX_SCALE:
            raise self.error("output_scale must be a finite number of float32")
        if not is_wide:
            super().verify_()
            return
        for name in ("input", "other"):
            if element_of(getattr(self, name)) != IntegerType(16):
                raise self.error(f"{name} must be a tensor of i16, as output is")
            self.require_shape(name, shape_of(self.output))


class _ExtremumOp(_BinaryOp):
    """Two int8 tensors of rank 4 at most, under NumPy broadcasting."""

    def verify_(self) -> None:
        self.require_int8("input", "other", "output")
        first, second = shape_of(self.input), shape_of(self.other)
        if (shape := broadcast_shape(first, second)) is None:
            raise self.error(f"shapes {list(first)} and {list(second)} do not broadcast")
        self.require_shape("output", shape)
        if (limit := extremum_limit(first, second)) is not None:
            raise self.error(limit)


@irdl_op_definition
class MinimumOp(_ExtremumOp):
    """Elementwise minimum; all three tensors share one scale and zero point."""

    name = "cortex_m.minimum"


@irdl_op_definition
class MaximumOp(_ExtremumOp):
    """Elementwise maximum; all three tensors share one scale and zero point."""

    name = "cortex_m.maximum"


@irdl_op_definition
class QuantizedActivationOp(KernelOp):
    """`lut[q + 128]`: any function of one int8 value, requantization included."""

    name = "cortex_m.quantized_activation"
    VIEWS: ClassVar[Mapping[str, View]] = _ANY_UNARY
    INPLACE: ClassVar[tuple[str, ...]] = ("input",)

    input = operand_def(TensorType)
    lut = operand_def(TensorType)
    output = result_def(TensorType)

    assembly_format = "$input `lut` $lut attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        self.require_int8("input", "lut", "output")
        self.require_shape("lut", (256,))
        self.require_shape("output", shape_of(self.input))
