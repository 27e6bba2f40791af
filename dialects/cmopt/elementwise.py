"""Elementwise kernels with int16 operands or results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from xdsl.dialects.builtin import IntegerAttr, IntegerType, TensorType
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def

from cmopt.dialects.cortex_m.base import KernelOp, View
from cmopt.dialects.cortex_m.limits import LONGEST_SHIFT
from cmopt.dialects.shapes import element_of, shape_of

WIDE_ADD_LEFT_SHIFT = 15
"""Bits by which `cmopt.quantized_add` shifts its inputs left before it scales them."""

TABLE_LENGTHS = (513, 1282)
"""Entries of the tables of `cmopt.lookup`; see `arithmetic/interpolated_tables.py`."""

_ANY_UNARY = {"input": View.ANY, "output": View.ANY}
_ANY_BINARY = {"input": View.ANY, "other": View.ANY, "output": View.ANY}


class _BinaryOp(KernelOp):
    """Two int16 tensors of one shape."""

    input = operand_def(TensorType)
    other = operand_def(TensorType)
    output = result_def(TensorType)

    VIEWS: ClassVar[Mapping[str, View]] = _ANY_BINARY
    INPLACE: ClassVar[tuple[str, ...]] = ("input", "other")
    assembly_format = "$input `,` $other attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        self.require_integers(16, "input", "other", "output")
        self.require_shape("other", shape_of(self.input))
        self.require_shape("output", shape_of(self.input))


@irdl_op_definition
class QuantizedAddOp(_BinaryOp):
    """`arm_elementwise_add_s16`, left shift `WIDE_ADD_LEFT_SHIFT`.

    A negative multiplier subtracts its operand.
    """

    name = "cmopt.quantized_add"

    self_multiplier = prop_def(IntegerAttr)
    self_shift = prop_def(IntegerAttr)
    other_multiplier = prop_def(IntegerAttr)
    other_shift = prop_def(IntegerAttr)
    output_multiplier = prop_def(IntegerAttr)
    output_shift = prop_def(IntegerAttr)
    activation_min = prop_def(IntegerAttr)
    activation_max = prop_def(IntegerAttr)

    def verify_(self) -> None:
        super().verify_()
        self.require_activation(16)
        self.require_multipliers("self_multiplier", "other_multiplier", "output_multiplier")
        self.require_range(-LONGEST_SHIFT, 0, "self_shift", "other_shift")
        self.require_range(-LONGEST_SHIFT, LONGEST_SHIFT, "output_shift")


@irdl_op_definition
class QuantizedMulOp(_BinaryOp):
    """`arm_elementwise_mul_s16`."""

    name = "cmopt.quantized_mul"

    output_multiplier = prop_def(IntegerAttr)
    output_shift = prop_def(IntegerAttr)
    activation_min = prop_def(IntegerAttr)
    activation_max = prop_def(IntegerAttr)

    def verify_(self) -> None:
        super().verify_()
        self.require_activation(16)
        self.require_multipliers("output_multiplier")
        self.require_range(-LONGEST_SHIFT, LONGEST_SHIFT, "output_shift")


@irdl_op_definition
class QuantizedHypotOp(_BinaryOp):
    """`sqrt(a² + b²)` times a factor, rounded once: exact up to the last rounding.

    `floor(sqrt((a² + b²) · 2^30))` times `output_multiplier · 2^(output_shift - 31 - 15)`.
    """

    name = "cmopt.quantized_hypot"

    output_multiplier = prop_def(IntegerAttr)
    output_shift = prop_def(IntegerAttr)

    def verify_(self) -> None:
        super().verify_()
        self.require_multipliers("output_multiplier")
        self.require_range(-16, 15, "output_shift")


@irdl_op_definition
class LookupOp(KernelOp):
    """A function of one int16 value by a table of int16, with interpolation.

    513 entries have places at equal distances, 1282 entries have 64 in each octave.
    """

    name = "cmopt.lookup"
    VIEWS: ClassVar[Mapping[str, View]] = _ANY_UNARY
    INPLACE: ClassVar[tuple[str, ...]] = ("input",)

    input = operand_def(TensorType)
    table = operand_def(TensorType)
    output = result_def(TensorType)

    assembly_format = "$input `table` $table attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        self.require_integers(16, "input", "table", "output")
        self.require_shape("output", shape_of(self.input))
        if shape_of(self.table) not in [(length,) for length in TABLE_LENGTHS]:
            lengths = " or ".join(map(str, TABLE_LENGTHS))
            raise self.error(f"table must have {lengths} entries, got {self.table.type}")


@irdl_op_definition
class RequantizeOp(KernelOp):
    """`(q - input_zero_point) · multiplier · 2^(shift - 31) + output_zero_point`, clamped.

    Input and output are int8 or int16. The product has 64 bits and is rounded once, half up.
    """

    name = "cmopt.requantize"
    VIEWS: ClassVar[Mapping[str, View]] = _ANY_UNARY

    input = operand_def(TensorType)
    input_zero_point = prop_def(IntegerAttr)
    multiplier = prop_def(IntegerAttr)
    shift = prop_def(IntegerAttr)
    output_zero_point = prop_def(IntegerAttr)
    activation_min = prop_def(IntegerAttr)
    activation_max = prop_def(IntegerAttr)
    output = result_def(TensorType)

    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        widths = {}
        for name in ("input", "output"):
            element = element_of(getattr(self, name))
            if element not in (IntegerType(8), IntegerType(16)):
                raise self.error(f"{name} must be a tensor of i8 or i16")
            assert isinstance(element, IntegerType)
            widths[name] = 1 << (element.width.data - 1)
        self.require_shape("output", shape_of(self.input))
        for name, half in widths.items():
            self.require_range(-half, half - 1, f"{name}_zero_point")
        self.require_activation(8 if widths["output"] == 128 else 16)
        self.require_range(0, 2**31 - 1, "multiplier")
        self.require_range(-LONGEST_SHIFT, 16, "shift")
