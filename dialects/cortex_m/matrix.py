"""Fully connected, batched matrix product, softmax, transpose, pad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, IntegerType, TensorType
from xdsl.irdl import (
    AttrSizedOperandSegments,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    prop_def,
    result_def,
)

from cmopt.dialects.constants import constant_of
from cmopt.dialects.cortex_m.base import PROPERTIES_IN_DICTIONARY, KernelOp, View
from cmopt.dialects.cortex_m.limits import (
    LARGEST_MULTIPLIER,
    LONGEST_SHIFT,
    LONGEST_SOFTMAX,
    MOST_RANK,
    transpose_limit,
)
from cmopt.dialects.shapes import (
    element_of,
    int_of,
    ints_of,
    permuted,
    shape_of,
    verify_permutation,
)


@irdl_op_definition
class QuantizedLinearOp(KernelOp):
    """`arm_fully_connected_s8`: input [..., I], weights [O, I], one multiplier and shift.

    MVE reads only `kernel_sum` (`input_offset · Σw + bias`). DSP and scalar cores read only `bias`.
    An op has the one that its target reads.
    """

    name = "cortex_m.quantized_linear"

    input = operand_def(TensorType)
    weights = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    kernel_sum = opt_operand_def(TensorType)
    input_offset = prop_def(IntegerAttr)
    filter_offset = prop_def(IntegerAttr)
    output_offset = prop_def(IntegerAttr)
    requantize_multipliers = prop_def(DenseArrayBase)
    requantize_shifts = prop_def(DenseArrayBase)
    activation_max = prop_def(IntegerAttr)
    activation_min = prop_def(IntegerAttr)
    output = result_def(TensorType)

    irdl_options = (*PROPERTIES_IN_DICTIONARY, AttrSizedOperandSegments(as_property=True))
    assembly_format = (
        "$input `,` $weights (`bias` $bias^ `:` type($bias))? "
        "(`kernel_sum` $kernel_sum^ `:` type($kernel_sum))? attr-dict "
        "`:` `(` type($input) `,` type($weights) `)` `->` type($output)"
    )

    def verify_(self) -> None:
        self.require_int8("input", "weights", "output")
        self.require_rank(2, "weights")
        shape, (out, depth) = shape_of(self.input), shape_of(self.weights)
        if not shape or shape[-1] != depth:
            raise self.error(f"weights {[out, depth]} do not fit input {list(shape)}")
        self.require_shape("output", (*shape[:-1], out))
        for value, name in ((self.bias, "bias"), (self.kernel_sum, "kernel_sum")):
            if value is not None:
                if element_of(value) != IntegerType(32):
                    raise self.error(f"{name} must be a tensor of i32, got {value.type}")
                self.require_shape(name, (out,))
        if self.bias is not None and self.kernel_sum is not None:
            raise self.error("give bias or kernel_sum: each ISA's kernel reads one of them only")
        if (
            len(ints_of(self.requantize_multipliers)) != 1
            or len(ints_of(self.requantize_shifts)) != 1
        ):
            raise self.error("the kernel takes one multiplier and one shift; use quantized_conv2d")
        self.require_activation()
        self.require_offsets("input_offset", "filter_offset")
        self.require_zero_points("output_offset")
        self.require_multipliers("requantize_multipliers")
        self.require_shifts("requantize_shifts")
        self._verify_kernel_sum()

    def _verify_kernel_sum(self) -> None:
        """Check that a bias of 32 bits and the weights give the sum, if both are constant."""
        if self.kernel_sum is None:
            return
        given, weights = constant_of(self.kernel_sum), constant_of(self.weights)
        if given is None or weights is None:
            return
        bias = given.astype(np.int64)
        bias -= int_of(self.input_offset) * weights.astype(np.int64).sum(axis=1)
        if np.any(np.abs(bias) >= 1 << 31):
            raise self.error("kernel_sum is not that of the weights: no bias of 32 bits gives it")


@irdl_op_definition
class QuantizedBatchMatmulOp(KernelOp):
    """`arm_batch_matmul_s8`: lhs [B,M,K], rhs_transposed [B,N,K] → [B,M,N].

    `lhs_zero_point` and `rhs_zero_point` are negated zero points: the kernel adds them.
    """

    name = "cortex_m.quantized_batch_matmul"

    lhs = operand_def(TensorType)
    rhs_transposed = operand_def(TensorType)
    scratch = operand_def(TensorType)
    lhs_zero_point = prop_def(IntegerAttr)
    rhs_zero_point = prop_def(IntegerAttr)
    output_zero_point = prop_def(IntegerAttr)
    output_multiplier = prop_def(IntegerAttr)
    output_shift = prop_def(IntegerAttr)
    output = result_def(TensorType)

    assembly_format = (
        "$lhs `,` $rhs_transposed `scratch` $scratch attr-dict "
        "`:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        self.require_int8("lhs", "rhs_transposed", "output", "scratch")
        self.require_rank(3, "lhs", "rhs_transposed", "output")
        (b, m, k), (rb, n, rk) = shape_of(self.lhs), shape_of(self.rhs_transposed)
        if (b, k) != (rb, rk):
            raise self.error(f"rhs_transposed {[rb, n, rk]} should be [{b}, N, {k}]")
        self.require_shape("output", (b, m, n))
        self.require_offsets("lhs_zero_point", "rhs_zero_point")
        self.require_zero_points("output_zero_point")
        self.require_multipliers("output_multiplier")
        self.require_shifts("output_shift")


@irdl_op_definition
class SoftmaxOp(KernelOp):
    """`arm_softmax_s8` over the last dimension; output scale 1/256, zero point −128."""

    name = "cortex_m.softmax"
    INPLACE: ClassVar[tuple[str, ...]] = ("input",)

    input = operand_def(TensorType)
    dim = prop_def(IntegerAttr)
    input_zero_point = prop_def(IntegerAttr)
    output_zero_point = prop_def(IntegerAttr)
    input_multiplier = prop_def(IntegerAttr)
    input_shift = prop_def(IntegerAttr)
    diff_min = prop_def(IntegerAttr)
    output = result_def(TensorType)

    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        self.require_int8("input", "output")
        self.require_shape("output", shape_of(self.input))
        if int_of(self.dim) != len(shape_of(self.input)) - 1:
            raise self.error("the kernel works over the last dimension only")
        if int_of(self.output_zero_point) != -128:
            raise self.error("output_zero_point must be -128")
        self.require_range(0, LONGEST_SHIFT, "input_shift")
        self.require_range(0, LARGEST_MULTIPLIER, "input_multiplier")
        self.require_range(-LARGEST_MULTIPLIER, 0, "diff_min")
        self.require_zero_points("input_zero_point")
        if not 1 <= (row := shape_of(self.input)[-1]) <= LONGEST_SOFTMAX:
            raise self.error(f"a row has 1 to {LONGEST_SOFTMAX} elements, got {row}")


@irdl_op_definition
class TransposeOp(KernelOp):
    """`arm_transpose_s8`: `out.shape[i] = in.shape[perm[i]]`, rank at most 4."""

    name = "cortex_m.transpose"
    VIEWS: ClassVar[Mapping[str, View]] = {"input": View.CONTIGUOUS, "output": View.CONTIGUOUS}

    input = operand_def(TensorType)
    perm = prop_def(DenseArrayBase)
    output = result_def(TensorType)

    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        self.require_int8("input", "output")
        perm, shape = ints_of(self.perm), shape_of(self.input)
        if not 1 <= len(shape) <= MOST_RANK:
            raise self.error(f"the kernel takes rank 1 to {MOST_RANK}, got {self.input.type}")
        verify_permutation(perm, len(shape))
        self.require_shape("output", permuted(shape, perm))
        if (reason := transpose_limit(shape, perm)) is not None:
            raise self.error(reason)


@irdl_op_definition
class PadOp(KernelOp):
    """`arm_pad_s8`: constant padding. Each list has 4 entries, right-aligned to the dimensions."""

    name = "cortex_m.pad"
    VIEWS: ClassVar[Mapping[str, View]] = {
        "input": View.CHANNELS_LAST,
        "output": View.CHANNELS_LAST,
    }

    input = operand_def(TensorType)
    pre_pad = prop_def(DenseArrayBase)
    post_pad = prop_def(DenseArrayBase)
    pad_value = prop_def(IntegerAttr)
    output = result_def(TensorType)

    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        self.require_int8("input", "output")
        self.require_range(-128, 127, "pad_value")
        shape, pre, post = shape_of(self.input), ints_of(self.pre_pad), ints_of(self.post_pad)
        if len(pre) != 4 or len(post) != 4 or min((*pre, *post)) < 0 or len(shape) > 4:
            raise self.error("pre_pad and post_pad must be 4 integers ≥ 0, input rank at most 4")
        lead = 4 - len(shape)
        if any((*pre[:lead], *post[:lead])):
            raise self.error(f"padding on dimensions that {self.input.type} does not have")
        padded = [a + d + b for a, d, b in zip(pre[lead:], shape, post[lead:], strict=True)]
        self.require_shape("output", padded)
