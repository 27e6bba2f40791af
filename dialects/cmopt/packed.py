"""Layers of int8 whose weights have 4 bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, TensorType
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def

from cmopt.dialects.cortex_m.base import KernelOp, View
from cmopt.dialects.cortex_m.convolution import verify_pairs, verify_window
from cmopt.dialects.cortex_m.limits import LONGEST_STEP, MOST_BYTES
from cmopt.dialects.packed_weights import packed_bytes
from cmopt.dialects.shapes import int_of, ints_of, numel, shape_of


def packed_scratch_bytes(
    filter: tuple[int, ...], padding: tuple[int, ...], filters: int = 1
) -> int:
    """Working memory of `cmopt.packed_conv2d` that unpacks so many filters at a time.

    filter: its height, width and depth. Windows of more than a pixel take four bytes a weight.
    """
    size, is_pixel = numel(filter), filter[:2] == (1, 1) and not any(padding)
    return filters * size + (0 if is_pixel else 4 * (-(-size // 4) * 4))


@irdl_op_definition
class PackedConv2dOp(KernelOp):
    """A convolution of int8 with weights of 4 bits, also for linear layers.

    It computes what `cortex_m.quantized_conv2d` does with a byte for each weight, bit for bit.
    `weight` has the bytes of [O,KH,KW,C/groups], two weights in each: weight i of the row-major
    array is in byte i // 2, in the lower 4 bits if i is even. O is the number of output channels,
    [KH,KW] the `kernel_size`. A sum begins with `sums`: the bias, and `input_offset` times the sum
    of the filter's weights. Other operands and properties are as in `quantized_conv2d`.

    The kernel unpacks as many filters at a time as `scratch` has room for, one at least, and
    computes their channels in one pass over the input.
    """

    name = "cmopt.packed_conv2d"

    input = operand_def(TensorType)
    weight = operand_def(TensorType)
    sums = operand_def(TensorType)
    requantize_multipliers = operand_def(TensorType)
    requantize_shifts = operand_def(TensorType)
    scratch = operand_def(TensorType)
    kernel_size = prop_def(DenseArrayBase)
    groups = prop_def(IntegerAttr)
    stride = prop_def(DenseArrayBase)
    padding = prop_def(DenseArrayBase)
    dilation = prop_def(DenseArrayBase)
    input_offset = prop_def(IntegerAttr)
    output_offset = prop_def(IntegerAttr)
    activation_min = prop_def(IntegerAttr)
    activation_max = prop_def(IntegerAttr)
    output = result_def(TensorType)

    VIEWS: ClassVar[Mapping[str, View]] = {
        "input": View.CHANNELS_LAST,
        "output": View.CHANNELS_LAST,
    }
    assembly_format = (
        "$input `,` $weight `sums` $sums "
        "`requantize` $requantize_multipliers `,` $requantize_shifts `scratch` $scratch "
        "attr-dict `:` functional-type(operands, results)"
    )

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """[O,KH,KW,C/groups]."""
        kh, kw = ints_of(self.kernel_size)
        channels = shape_of(self.input)[3] // int_of(self.groups)
        return shape_of(self.output)[3], kh, kw, channels

    def verify_(self) -> None:
        self.require_int8("input", "weight", "output", "scratch")
        self.require_integers(32, "sums", "requantize_multipliers", "requantize_shifts")
        self.require_rank(4, "input", "output")
        self.require_rank(1, "weight", "scratch")
        self.require_activation()
        self.require_offsets("input_offset")
        self.require_zero_points("output_offset")
        verify_pairs(self)
        channels, out = shape_of(self.input)[3], shape_of(self.output)[3]
        self._verify_filters(channels, out)
        for name in ("sums", "requantize_multipliers", "requantize_shifts"):
            self.require_shape(name, (out,))
        self.require_multipliers("requantize_multipliers")
        self.require_shifts("requantize_shifts")
        verify_window(self, self.weight_shape[1:3])

    def _verify_filters(self, channels: int, out: int) -> None:
        """Check the kernel size, the groups, and what follows from them: bytes and scratch."""
        kernel = ints_of(self.kernel_size)
        if len(kernel) != 2 or not all(1 <= taps <= LONGEST_STEP for taps in kernel):
            raise self.error(f"kernel_size must be two integers in 1..{LONGEST_STEP}")
        if (groups := int_of(self.groups)) < 1 or channels % groups or out % groups:
            raise self.error(f"{channels} and {out} channels do not have {groups} groups")
        if channels < 1 or (count := numel(self.weight_shape)) > MOST_BYTES:
            raise self.error(f"a filter bank has 1 to {MOST_BYTES} weights")
        if shape_of(self.weight) != (size := packed_bytes(count),):
            raise self.error(f"{count} weights are in {size} bytes, got {self.weight.type}")
        needed = packed_scratch_bytes(self.weight_shape[1:], ints_of(self.padding))
        if numel(shape_of(self.scratch)) < needed:
            raise self.error(f"scratch must have {needed} bytes at least, got {self.scratch.type}")


__all__ = ["PackedConv2dOp", "packed_scratch_bytes"]
