"""Which `edge` ops on quantized tensors have an integer kernel, and why the others have none.

`fall-back-to-float` asks for the reasons, and a user reads them in the report. The numbers are
those of `dialects/cortex_m/limits.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.accumulators import (
    binary_overflow,
    matrix_overflow,
    mean_overflow,
    product_overflow,
    sum_overflow,
)
from cmopt.dialects.constants import constant_of
from cmopt.dialects.cortex_m.limits import (
    LONGEST_SOFTMAX,
    LONGEST_STEP,
    MOST_BYTES,
    MOST_RANK,
    SMALLEST_SOFTMAX_SCALE,
)
from cmopt.dialects.edge import (
    AmaxOp,
    AminOp,
    AvgPool2dOp,
    BinaryOp,
    CatOp,
    Conv2dOp,
    ConvTranspose2dOp,
    ExpandOp,
    LinearOp,
    MatmulOp,
    MaxPool2dOp,
    MeanOp,
    PadOp,
    PermuteOp,
    ReductionOp,
    ReshapeOp,
    SliceOp,
    SoftmaxOp,
    SumOp,
    TakeOp,
    ToDimOrderOp,
    UnaryOp,
    data_format_of,
    spatial,
)
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import (
    MAX_CONSTANT_BYTES,
    int_of,
    ints_of,
    numel,
    shape_of,
    window_output,
)
from cmopt.lowering.averages import average_overflow, averages_once


def _is_int8(value: SSAValue) -> bool:
    """Quantized per tensor and stored in 8 bits."""
    element = quantized_element(value.type)
    return element is not None and element.storage.width.data == 8 and not element.is_per_axis


def _activations(op: Operation) -> str | None:
    for value in (op.operands[0], op.results[0]):
        if not _is_int8(value):
            return f"the kernel takes int8 per tensor, got {value.type}"
    return None


def _weights(op: Conv2dOp | LinearOp) -> str | None:
    if (weight := constant_of(op.weight)) is None:
        return "the weight is not a constant"
    element = quantized_element(op.weight.type)
    assert element is not None
    if element.storage.width.data != 8 or element.params.zero_points.any():
        return "the kernel takes symmetric int8 weights (zero point 0)"
    if element.is_per_axis and element.axis.data != 0:
        return "weights must be quantized per output channel"
    if op.bias is not None and constant_of(op.bias) is None:
        return "the bias is not a constant"
    return "the weight is empty" if weight.size == 0 else None


def _conv2d(op: Conv2dOp) -> str | None:
    from cmopt.lowering.cortex_m.convolution import window_of
    from cmopt.lowering.cortex_m.dispatch import right_calls

    if (reason := _activations(op) or _weights(op)) is not None:
        return reason
    top, bottom, left, right = ints_of(op.padding)
    format = data_format_of(op)
    kernel = spatial(shape_of(op.weight), format)[2:]
    for k, d, before, after in zip(
        kernel, ints_of(op.dilation), (top, left), (bottom, right), strict=True
    ):
        if max(before, after) > d * (k - 1):
            return f"padding {before}, {after} is wider than the kernel reaches ({d * (k - 1)})"
    if not right_calls(window_of(op), int_of(op.groups)):
        return "an axis, a filter or the channels are longer than the kernels can count"
    return matrix_overflow(op)


def _conv_transpose2d(op: ConvTranspose2dOp) -> str | None:
    """What `split-transposed-convolutions` leaves."""
    if int_of(op.groups) != 1:
        return "a transposed convolution in groups has no integer kernel"
    return "a transposed convolution needs constant symmetric weights, one scale an output channel"


def _linear(op: LinearOp) -> str | None:
    return _activations(op) or _weights(op) or matrix_overflow(op)


def kernel_ceil_mode(op: AvgPool2dOp) -> bool | None:
    """The ceil_mode with which the kernel gives the op's result; None where neither does.

    Padding that counts is input to the kernel, in which it lets a window begin.
    """
    format = data_format_of(op)
    sizes, counts = (spatial(shape_of(v), format)[2:] for v in (op.input, op.output))
    kernel, stride, pads = ints_of(op.kernel_size), ints_of(op.stride), ints_of(op.padding)[::2]
    for ceil_mode in (False, True):
        found = [
            window_output(size + 2 * pad, k, s, 0, ceil_mode=ceil_mode)
            if int_of(op.count_include_pad)
            else window_output(size, k, s, 2 * pad, ceil_mode=ceil_mode)
            for size, k, s, pad in zip(sizes, kernel, stride, pads, strict=True)
        ]
        if found == list(counts):
            return ceil_mode
    return None


def _avg_pool2d(op: AvgPool2dOp) -> str | None:
    if (reason := _activations(op)) is not None:
        return reason
    if averages_once(op):
        return average_overflow(op) or _uncountable(op)
    top, bottom, left, right = ints_of(op.padding)
    if (top, left) != (bottom, right):
        return "the average pool kernel pads symmetrically"
    if kernel_ceil_mode(op) is None:
        return "a window of ceil_mode would begin in the padding"
    return _long_window(op)


def _max_pool2d(op: MaxPool2dOp) -> str | None:
    if ints_of(op.dilation) != (1, 1):
        return "a dilated window lies in the padding"
    return _activations(op) or _long_window(op)


def _long_window(op: AvgPool2dOp | MaxPool2dOp) -> str | None:
    """The window or the stride is longer than the pool kernels can count."""
    if max((*ints_of(op.kernel_size), *ints_of(op.stride))) > LONGEST_STEP:
        return f"a pool's window and stride are {LONGEST_STEP} long at most"
    return None


def _uncountable(op: AvgPool2dOp) -> str | None:
    """No convolution can stand for the pool."""
    from cmopt.lowering.cortex_m.averages import can_be_summed

    return None if can_be_summed(op) else "an axis or a window is longer than the kernels can count"


def _binary(op: BinaryOp) -> str | None:
    if not all(_is_int8(value) for value in (op.lhs, op.rhs, op.output)):
        return "the kernel takes int8 per tensor"
    is_constant = any(constant_of(value) is not None for value in (op.lhs, op.rhs))
    if is_constant and (size := numel(shape_of(op.output))) > MAX_CONSTANT_BYTES:
        return f"a constant broadcast to {size} bytes is too large"
    return binary_overflow(op)


def _reduction(op: ReductionOp) -> str | None:
    from cmopt.dialects.permutations import simplest_permute
    from cmopt.lowering.lower_reductions import two_steps

    if (reason := _activations(op)) is not None:
        return reason
    shape, dims = shape_of(op.input), ints_of(op.dims)
    reduced_last = (*(d for d in range(len(shape)) if d not in dims), *dims)
    if (rank := len(simplest_permute(shape, reduced_last)[0])) > MOST_RANK:
        return f"the transpose kernel takes rank {MOST_RANK} at most, this needs {rank}"
    if isinstance(op, SumOp):
        return sum_overflow(op)
    count = numel(shape) // numel(shape_of(op.output))
    if isinstance(op, AmaxOp | AminOp) and count > LONGEST_STEP and two_steps(count) is None:
        return f"a pool counts {LONGEST_STEP} elements, and {count} is no product of two such"
    return mean_overflow(op.input, op.output, count, count) if isinstance(op, MeanOp) else None


def _matmul(op: MatmulOp) -> str | None:
    if not all(_is_int8(value) for value in (op.lhs, op.rhs, op.output)):
        return "the kernel takes int8 per tensor"
    return product_overflow(op)


def _softmax(op: SoftmaxOp) -> str | None:
    if (row := shape_of(op.input)[int_of(op.dim)]) > LONGEST_SOFTMAX:
        return f"the softmax kernel is defined for rows of {LONGEST_SOFTMAX} at most, not {row}"
    if (reason := _activations(op)) is not None:
        return reason
    element = quantized_element(op.input.type)
    assert element is not None
    return "the input's scale is too small" if element.scale < SMALLEST_SOFTMAX_SCALE else None


def _pad(op: PadOp) -> str | None:
    from cmopt.lowering.cortex_m.selection import simplest_pad

    if (reason := _activations(op)) is not None:
        return reason
    rank = len(simplest_pad(shape_of(op.input), ints_of(op.low), ints_of(op.high))[0])
    if rank <= MOST_RANK:
        return None
    return f"the pad kernel takes rank {MOST_RANK} at most, this needs {rank}"


def _take(op: TakeOp) -> str | None:
    return _activations(op) or (None if ints_of(op.indices) else "takes nothing")


def _cat(op: CatOp) -> str | None:
    return None if _is_int8(op.output) else "the parts must be int8 per tensor"


_RULES: dict[type[Operation], Callable[..., str | None]] = {
    AvgPool2dOp: _avg_pool2d,
    BinaryOp: _binary,
    Conv2dOp: _conv2d,
    ConvTranspose2dOp: _conv_transpose2d,
    ExpandOp: _activations,
    LinearOp: _linear,
    MatmulOp: _matmul,
    MaxPool2dOp: _max_pool2d,
    PadOp: _pad,
    PermuteOp: _activations,
    CatOp: _cat,
    ReductionOp: _reduction,
    ReshapeOp: lambda op: None,
    SliceOp: _activations,
    SoftmaxOp: _softmax,
    TakeOp: _take,
    ToDimOrderOp: lambda op: None,
    UnaryOp: _activations,
}


def no_kernel_reason(op: Operation) -> str | None:
    """Why an `edge` op on quantized tensors has no integer kernel; None where it has one."""
    if any(numel(shape_of(value)) > MOST_BYTES for value in (*op.operands, *op.results)):
        return "a tensor has more elements than the kernels can count"
    for kind in type(op).__mro__:
        if kind in _RULES:
            return _RULES[kind](op)
    return f"there is no int8 kernel for {op.name}"
