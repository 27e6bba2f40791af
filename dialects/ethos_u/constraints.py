"""The TOSA ops that each NPU can do: one table for the partitioner and the verifier.

The source for U55 and U65 is `vela --supported-ops-report` of Vela 5.1. A U85 takes every integer
op of TOSA 1.0 at level 8K. A rule returns the reason against an op, or None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import combinations

import numpy as np
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, IntegerType, TensorType, i8, i32
from xdsl.ir import Attribute, Operation, SSAValue

from cmopt.dialects import tosa
from cmopt.dialects.shapes import element_of, int_of, ints_of, numel, shape_of
from cmopt.dialects.tosa.constants import constant_array

Rule = Callable[..., str | None]

FAMILIES = ("u55", "u65", "u85")
MAX_AXIS = 1 << 16
MAX_RANK = 6
MAX_WEIGHT_SUM = 127 << 16
MAX_PAD_BEFORE = 127
MAX_PAD_BEHIND = 255
"""The most padding that the registers of every family hold; Vela 5.1 drops the bits above."""

MAX_SLICED = 4
"""Dimensions of a slice. Vela aborts on some slices with more, if read in another shape."""

MAX_KERNEL = 8192
"""Level 8K: the longest kernel, stride and padding of a window."""


def family_of(npu: str) -> str:
    """ "u55" of "ethos-u55-128"."""
    return npu.split("-")[1] if npu.count("-") == 2 else ""


def why_not(op: Operation, npu: str) -> str | None:
    """Why the NPU cannot do a `tosa` op; None if it can."""
    family = family_of(npu)
    if family not in FAMILIES:
        return f"there is no NPU {npu!r}"
    table = _U85 if family == "u85" else _U55
    if type(op) not in table:
        return f"the Ethos-{family.upper()} has no {op.name}"
    for rule in (_level, *table[type(op)]):
        if (reason := rule(op)) is not None:
            return f"{op.name}: {reason}"
    return None


def _tensors(op: Operation) -> Iterable[SSAValue]:
    return (v for v in (*op.operands, *op.results) if isinstance(v.type, TensorType))


def _level(op: Operation) -> str | None:
    """The limits of level 8K for every op."""
    for value in _tensors(op):
        if (rank := len(shape_of(value))) > MAX_RANK:
            return f"tensors have rank {MAX_RANK} at most, not {rank}"
        if numel(shape_of(value)) >= 1 << 31:
            return "a tensor has 2^31 elements or more"
    return None


def _elements(*allowed: Attribute) -> Rule:
    """The first operand has one of these element types."""

    def rule(op: Operation) -> str | None:
        if (found := element_of(op.operands[0])) in allowed:
            return None
        return f"takes {' or '.join(map(str, allowed))}, not {found}"

    return rule


def _axes(*dims: int) -> Rule:
    """These dimensions of the first operand and of the result are at most 65,536 long."""

    def rule(op: Operation) -> str | None:
        for value in (op.operands[0], op.results[0]):
            shape = shape_of(value)
            if max((shape[d] for d in dims if d < len(shape)), default=1) > MAX_AXIS:
                return f"an axis of {list(shape)} is longer than {MAX_AXIS}"
        return None

    return rule


def _stride(limit: int) -> Rule:
    def rule(op: Operation) -> str | None:
        stride = ints_of(op.properties["stride"])
        return f"a stride is {limit} at most, not {max(stride)}" if max(stride) > limit else None

    return rule


def _padding(op: Operation) -> str | None:
    """The padding is at most 127 before an axis and 255 behind it."""
    top, bottom, left, right = ints_of(op.properties["pad"])
    if max(top, left) > MAX_PAD_BEFORE or max(bottom, right) > MAX_PAD_BEHIND:
        return (
            f"a padding of {top}, {bottom}, {left}, {right} is too wide: "
            f"{MAX_PAD_BEFORE} before and {MAX_PAD_BEHIND} behind at most"
        )
    return None


def _kernel_of(op: Operation) -> tuple[int, ...]:
    """(height, width) of a window."""
    if "kernel" in op.properties:
        return ints_of(op.properties["kernel"])
    weight = shape_of(op.operands[1])
    return weight[:2] if isinstance(op, tosa.DepthwiseConv2DOp) else weight[1:3]


def _kernel(height: int, area: int) -> Rule:
    def rule(op: Operation) -> str | None:
        rows, columns = _kernel_of(op)
        if rows > height or rows * columns > area:
            return (
                f"a window of {rows}×{columns} is too large: "
                f"{height} rows and {area} elements at most"
            )
        return None

    return rule


def _weights(op: tosa.ConvolutionOp) -> str | None:
    """The sum of a filter's absolute weights is bounded, and weights are constant."""
    owner = op.weight.owner
    if not isinstance(owner, tosa.ConstOp) or not isinstance(
        owner.values, DenseIntOrFPElementsAttr
    ):
        return "the weight must be a constant"
    if isinstance(op, tosa.DepthwiseConv2DOp):
        return None  # 4096 weights of 128 at most
    weight = constant_array(owner.values)
    largest = int(np.abs(weight.astype(np.int64)).sum(axis=(1, 2, 3)).max())
    if largest > MAX_WEIGHT_SUM:
        return f"the weights of a filter sum to {largest}, more than {MAX_WEIGHT_SUM}"
    return None


def _one_image(op: Operation) -> str | None:
    batch = shape_of(op.operands[0])[0]
    return None if batch == 1 else f"takes one image at a time, not {batch}"


def _padded_average(op: tosa.AvgPool2DOp) -> str | None:
    rows, columns = ints_of(op.kernel)
    if any(ints_of(op.pad)) and max(rows, columns) > 8:
        return f"a padded window is 8×8 at most, not {rows}×{columns}"
    return None


def _transposed_stride(op: tosa.TransposeConv2DOp) -> str | None:
    stride = ints_of(op.stride)
    rows, columns = _kernel_of(op)
    _, height, width, _ = shape_of(op.input)
    if stride in ((1, 1), (2, 2)):
        return None
    if (stride == (1, 2) and height == rows == 1) or (stride == (2, 1) and width == columns == 1):
        return None
    return f"strides are 1, 1 or 2, 2, not {stride[0]}, {stride[1]}"


def _transpose(op: tosa.TransposeOp) -> str | None:
    """Any permutation of 8 or 16 bits, if no product of N - 2 axes exceeds 65,536."""
    shape = shape_of(op.input1)
    if element_of(op.input1) == i32:
        return "transposes of 32 bits are not delegated"
    moved = [d for d, size in enumerate(shape) if size != 1]
    if len(moved) <= 3:
        longest = max(shape, default=1)
        return None if longest <= MAX_AXIS else f"an axis of {longest} is longer than {MAX_AXIS}"
    largest = max(math.prod(axes) for axes in combinations(shape, len(shape) - 2))
    if largest > MAX_AXIS:
        return f"{len(shape) - 2} axes of {list(shape)} multiply to {largest}, over {MAX_AXIS}"
    return None


def _slice(op: tosa.SliceOp) -> str | None:
    if (rank := len(shape_of(op.input1))) <= MAX_SLICED:
        return None
    return f"slices have {MAX_SLICED} dimensions at most, not {rank}"


def _reverse(op: tosa.ReverseOp) -> str | None:
    rank = len(shape_of(op.input1))
    return "cannot reverse the last axis" if int_of(op.axis) == rank - 1 else None


def _resize(op: tosa.ResizeOp) -> str | None:
    if op.mode.data != "NEAREST_NEIGHBOR":
        return "bilinear resampling is not delegated"
    scale = tosa.sizes_of(op.scale)
    factors = {n // d if n % d == 0 else 0 for n, d in zip(scale[::2], scale[1::2], strict=True)}
    return None if factors <= {1, 2, 4, 8} else f"factors are 2, 4 or 8, not {sorted(factors)}"


def _rounds(op: tosa.ArithmeticRightShiftOp) -> str | None:
    """ExecuTorch 1.5.1 tests `>>` on a U55 with a tolerance of 1, because its hardware rounds in
    any case."""
    return None if int_of(op.round) else "shifts to the right are rounded"


def _matmul_axes(op: tosa.MatMulOp) -> str | None:
    """Vela 5.1 silently drops the high bits of a longer axis."""
    longest = max(*shape_of(op.a)[1:], shape_of(op.b)[2])
    return None if longest <= MAX_AXIS else f"an axis of {longest} is longer than {MAX_AXIS}"


_INT8 = _elements(i8)
_NARROW = _elements(i8, IntegerType(16))
_DATA = _elements(i8, IntegerType(16), i32)
_ANY: tuple[Rule, ...] = ()
_WINDOW = (_axes(1, 2, 3), _stride(3), _padding)
_CONVOLUTION = (_NARROW, _axes(3), _stride(3), _padding, _kernel(64, 4096), _weights)

_U55: dict[type[Operation], tuple[Rule, ...]] = {
    tosa.AddOp: _ANY,
    tosa.ArithmeticRightShiftOp: (_elements(i32), _rounds),
    tosa.AvgPool2DOp: (_NARROW, _one_image, *_WINDOW, _kernel(256, 1 << 16), _padded_average),
    tosa.CastOp: _ANY,
    tosa.ClampOp: (_DATA,),
    tosa.ClzOp: (_elements(i32),),
    tosa.ConcatOp: (_DATA,),
    tosa.ConstOp: _ANY,
    tosa.ConstShapeOp: _ANY,
    tosa.Conv2DOp: _CONVOLUTION,
    tosa.DepthwiseConv2DOp: _CONVOLUTION,
    tosa.LogicalLeftShiftOp: (_elements(i32),),
    tosa.MatMulOp: (_INT8, _matmul_axes),
    tosa.MaxPool2DOp: (_NARROW, *_WINDOW, _kernel(256, 1 << 16)),
    tosa.MaximumOp: _ANY,
    tosa.MinimumOp: _ANY,
    tosa.MulOp: _ANY,
    tosa.PadOp: (_DATA,),
    tosa.ReduceMaxOp: (_NARROW,),
    tosa.ReduceMinOp: (_NARROW,),
    tosa.ReduceSumOp: (_elements(i32),),
    tosa.RescaleOp: (_elements(i8, IntegerType(16), i32, IntegerType(48)),),
    tosa.ReshapeOp: (_DATA,),
    tosa.ResizeOp: (_NARROW, _one_image, _resize),
    tosa.ReverseOp: (_NARROW, _reverse),
    tosa.SliceOp: (_DATA, _slice),
    tosa.SubOp: _ANY,
    tosa.TableOp: (_NARROW,),
    tosa.TileOp: (_DATA,),
    tosa.TransposeConv2DOp: (
        _NARROW, _axes(1, 2, 3), _transposed_stride, _kernel(64, 4096), _weights
    ),
    tosa.TransposeOp: (_transpose,),
}  # fmt: skip

_LEVEL_WINDOW = (_axes(3), _stride(MAX_KERNEL), _kernel(MAX_KERNEL, MAX_KERNEL * MAX_KERNEL))

_U85: dict[type[Operation], tuple[Rule, ...]] = {
    **dict.fromkeys(_U55, _ANY),
    tosa.AvgPool2DOp: (*_LEVEL_WINDOW, _padding),
    tosa.Conv2DOp: (*_LEVEL_WINDOW, _padding, _weights),
    tosa.DepthwiseConv2DOp: (*_LEVEL_WINDOW, _padding, _weights),
    tosa.MaxPool2DOp: (*_LEVEL_WINDOW, _padding),
    tosa.TransposeConv2DOp: (*_LEVEL_WINDOW, _weights),
}
