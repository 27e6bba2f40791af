"""Normalization of rows of int8 or int16."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from xdsl.dialects.builtin import BoolAttr, IntegerAttr, IntegerType, TensorType
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def

from cmopt.dialects.cortex_m.base import KernelOp, View
from cmopt.dialects.shapes import element_of, int_of, numel, shape_of

MOST_FRACTION_BITS = 24
"""Fraction bits of a result before it is rounded. More would not change it."""

LARGEST_NORM_BIAS = 1 << 30
"""Magnitude of an entry of the bias: what the normalized element adds is below 2^29."""

EPSILON_SHIFTS = (-96, 96)
"""The least and the largest. A smaller epsilon is nothing next to an energy of 1; with a larger one
each result is the bias."""


def longest_norm_row(width: int) -> int:
    """Elements of a row of integers of `width` bits: N times their range has 31 bits."""
    return 1 << (31 - width)


def norm_root_bits(row: int) -> int:
    """The least n for which a normalized element of a row of N is at most 2^n: sqrt(N) <= 2^n."""
    return ((row - 1).bit_length() + 1) // 2


@irdl_op_definition
class LayerNormOp(KernelOp):
    """Each row of `row` elements, divided by the root of its mean square, times weight, plus bias.

    input: int8 or int16; output: int8 or int16. weight, bias: int32, with an entry for each element
    of a row, or one for all. Of the N stored values q of a row:

        d = N·q − Σq,  energy = N·Σq² − (Σq)²                      if centered
        d = N·(q − zero point),  energy = N·Σ(q − zero point)²     else
        u = d / sqrt(energy + epsilon) · 2^(29 − n)
        output = (u · weight · 2^-32 + bias) · 2^-fraction_bits, rounded down and clamped

    with epsilon = epsilon_multiplier · 2^epsilon_shift and n = `norm_root_bits(N)`. Sums are exact,
    in 64 bits. The reciprocal of the root is right to 2^-28. u and its product with the weight are
    rounded to integers, half up. The output's zero point and half a step are in the bias.

    The result is less than 1/2 + 2^(1 - fraction_bits) steps off the exact value, plus 2^-28 of
    that value without its bias.
    """

    name = "cmopt.layer_norm"
    VIEWS: ClassVar[Mapping[str, View]] = {"input": View.ANY, "output": View.ANY}
    INPLACE: ClassVar[tuple[str, ...]] = ("input",)

    input = operand_def(TensorType)
    weight = operand_def(TensorType)
    bias = operand_def(TensorType)
    row = prop_def(IntegerAttr)
    centered = prop_def(BoolAttr)
    input_zero_point = prop_def(IntegerAttr)
    epsilon_multiplier = prop_def(IntegerAttr)
    epsilon_shift = prop_def(IntegerAttr)
    fraction_bits = prop_def(IntegerAttr)
    activation_min = prop_def(IntegerAttr)
    activation_max = prop_def(IntegerAttr)
    output = result_def(TensorType)

    assembly_format = (
        "$input `weight` $weight `bias` $bias attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        widths = {name: self._width(name) for name in ("input", "output")}
        self.require_integers(32, "weight", "bias")
        self.require_shape("output", shape_of(self.input))
        self.require_range(1, longest_norm_row(widths["input"]), "row")
        row, shape = int_of(self.row), shape_of(self.input)
        if row not in [numel(shape[dim:]) for dim in range(len(shape) + 1)]:
            raise self.error(f"a row of {row} is not the last dimensions of {list(shape)}")
        for name in ("weight", "bias"):
            if shape_of(getattr(self, name)) not in [(1,), (row,)]:
                given = list(shape_of(getattr(self, name)))
                raise self.error(f"{name} shape {given} should be [{row}] or [1]")
        self.require_zero_points("input_zero_point", width=widths["input"])
        self.require_range(0, 2**31 - 1, "epsilon_multiplier")
        self.require_range(*EPSILON_SHIFTS, "epsilon_shift")
        self.require_range(1, MOST_FRACTION_BITS, "fraction_bits")
        self.require_activation(widths["output"])
        self.require_numbers("bias", -LARGEST_NORM_BIAS, LARGEST_NORM_BIAS)
        self.require_multipliers("weight")

    def _width(self, name: str) -> int:
        for width in (8, 16):
            if element_of(getattr(self, name)) == IntegerType(width):
                return width
        raise self.error(f"{name} must be a tensor of i8 or i16")
