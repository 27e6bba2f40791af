"""What the conversion patterns share: fixed-point multipliers, storage values, clamps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import IntegerType, TensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter

from cmopt.dialects.cortex_m import KernelOp, ScratchOp, ViewOp
from cmopt.dialects.edge import AvgPool2dOp, Conv2dOp, MaxPool2dOp
from cmopt.dialects.quant import SCastOp, UniformQuantizedType, quantized_element, storage_type
from cmopt.dialects.shapes import shape_of
from cmopt.interpreters.arrays import Array, quantize
from cmopt.interpreters.functions import activation_bounds
from cmopt.lowering.constants import constant_op

I8 = IntegerType(8)


def fixed_point(real: float) -> tuple[int, int]:
    """A positive real as (multiplier, shift): `multiplier / 2^31 · 2^shift`, multiplier in Q31.

    The nearest such number, as CMSIS-NN and TFLite choose it. The kernels shift by 31 bits at
    most: what is less than 2^-32 is 0, as its product with any 32-bit accumulator rounds to 0.
    """
    mantissa, shift = math.frexp(real)
    if shift < -31:
        return 0, 0
    multiplier = round(mantissa * (1 << 31))
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    return multiplier, shift


def element(value: SSAValue) -> UniformQuantizedType:
    """The quantized element type of a value that must have one."""
    result = quantized_element(value.type)
    assert result is not None, value.type
    return result


def is_nhwc(op: Conv2dOp | AvgPool2dOp | MaxPool2dOp) -> bool:
    """Whether a window op has been rewritten to the layout of the kernels."""
    return op.data_format is not None and op.data_format.data == "NHWC"


def activation_range(op: Operation, output: UniformQuantizedType) -> tuple[int, int]:
    """The integer clamp of an op with `activation_min` / `activation_max`.

    Quantization is monotone, so clamping before it and clamping to the quantized bounds after it
    are the same.
    """
    low, high = output.storage_range
    bounds = [
        None if bound is None else int(quantize(np.array([bound], np.float32), output)[0])
        for bound in activation_bounds(op)
    ]
    low, high = (low if bounds[0] is None else bounds[0], high if bounds[1] is None else bounds[1])
    return min(low, high), high  # Where the bounds cross, the upper one wins.


class Builder:
    """Collects the ops that replace one `edge` op, with storage types at its border."""

    def __init__(self, op: Operation, rewriter: PatternRewriter):
        self.op = op
        self.rewriter = rewriter
        self.ops: list[Operation] = []

    def add(self, op: Operation) -> SSAValue:
        """Append an op; gives its first result."""
        self.ops.append(op)
        return op.results[0]

    def storage(self, value: SSAValue) -> SSAValue:
        """A quantized value as its storage integers."""
        return self.add(SCastOp(value, storage_type(value.type)))

    def constant(self, array: Array, hint: str | None = None) -> SSAValue:
        """A plain constant."""
        return self.add(constant_op(array, hint))

    def scratch(self, size: int) -> SSAValue:
        """Working memory of `size` bytes."""
        value = self.add(ScratchOp(TensorType(I8, [size])))
        value.name_hint = "scratch"
        return value

    def view(self, value: SSAValue, shape: Sequence[int]) -> SSAValue:
        """The same bytes under `shape`."""
        if shape_of(value) == tuple(shape):
            return value
        return self.add(ViewOp(value, int8_tensor(shape)))

    def finish(self, kernel: KernelOp | SSAValue) -> None:
        """Replace the op by what was collected, its result cast back to the quantized type."""
        value = self.add(kernel) if isinstance(kernel, KernelOp) else kernel
        value.name_hint = self.op.results[0].name_hint
        result = self.add(SCastOp(value, self.op.results[0].type))
        self.rewriter.replace(self.op, self.ops, (result,))


def int8_tensor(shape: Sequence[int]) -> Attribute:
    """`tensor<…xi8>`."""
    return TensorType(I8, list(shape))
