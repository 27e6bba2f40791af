"""The op that scales between quantized types, and from accumulators to quantized types."""

from __future__ import annotations

from xdsl.dialects.builtin import BoolAttr, IntegerType, TensorType, i8, i32
from xdsl.dialects.tosa import RoundingMode, RoundingModeAttr
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.shapes import element_of, int_of, shape_of
from cmopt.dialects.tosa.base import verify_one
from cmopt.dialects.tosa.enums import EnumDictOp


@irdl_op_definition
class RescaleOp(EnumDictOp):
    """`(input - input_zp) * multiplier / 2^shift + output_zp`, saturated to the result's type.

    Multiplier (i32, or i16 without `scale32`) and shift (i8) hold one element; with `per_channel`,
    one for each element of the last dimension.
    """

    name = "tosa.rescale"

    input = operand_def(TensorType)
    multiplier = operand_def(TensorType)
    shift = operand_def(TensorType)
    input_zp = operand_def(TensorType)
    output_zp = operand_def(TensorType)
    scale32 = prop_def(BoolAttr)
    rounding_mode = prop_def(RoundingModeAttr)
    per_channel = prop_def(BoolAttr)
    input_unsigned = prop_def(BoolAttr)
    output_unsigned = prop_def(BoolAttr)
    output = result_def(TensorType)

    def infer_element(self) -> Attribute:
        return element_of(self.output)

    def verify_(self) -> None:
        shape, scale32 = shape_of(self.input), bool(int_of(self.scale32))
        per_channel = bool(int_of(self.per_channel))
        if per_channel and not shape:
            raise VerifyException("per_channel needs a tensor with dimensions")
        sizes = [shape[-1] if per_channel else 1]
        for name, value, element in (
            ("multiplier", self.multiplier, i32 if scale32 else IntegerType(16)),
            ("shift", self.shift, i8),
        ):
            if value.type != (expected := TensorType(element, sizes)):
                raise VerifyException(f"{name} must be {expected}, got {value.type}")
        if element_of(self.input) == IntegerType(48) and scale32:
            raise VerifyException("an i48 is scaled by i16 multipliers: scale32 must be false")
        if self.rounding_mode.data == RoundingMode.DOUBLE_ROUND and not scale32:
            raise VerifyException("DOUBLE_ROUND needs scale32")
        unsigned = int_of(self.input_unsigned), int_of(self.output_unsigned)
        elements = element_of(self.input), element_of(self.output)
        if all(unsigned) or (any(unsigned) and not {*elements} <= {i8, IntegerType(16)}):
            raise VerifyException(
                "only one of input and result may be unsigned, and both must be i8 or i16"
            )
        verify_one(self.input_zp, "input_zp", element_of(self.input))
        verify_one(self.output_zp, "output_zp", element_of(self.output))
        super().verify_()
