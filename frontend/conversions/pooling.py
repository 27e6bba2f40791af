"""Pools, and means that are pools."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import BoolAttr
from xdsl.ir import Attribute, SSAValue

from cmopt.dialects import edge
from cmopt.dialects.shapes import ints, shape_of
from cmopt.frontend.call import Call, Converted
from cmopt.frontend.overloads import reads_more_than_first


def _batched(call: Call, value: SSAValue, axes: int = 2) -> SSAValue:
    """The operand, with a batch axis added in front if it has none."""
    shape = shape_of(value)
    return call.reshaped(value, [*[1] * (axes + 2 - len(shape)), *shape])


def _pool(
    call: Call, op: type[edge.WindowOp], value: SSAValue, properties: dict[str, Attribute]
) -> SSAValue:
    """A pool, reshaped to the call's result shape."""
    return call.reshaped(call.emit(op.of([value], properties)), shape_of(call.result_type))


def _average(
    call: Call,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    *,
    ceil_mode: bool,
    count_include_pad: bool,
) -> Converted:
    value = _batched(call, call.tensor("input" if "input" in call.arguments else "self"))
    properties: dict[str, Attribute] = {
        "kernel_size": ints(kernel),
        "stride": ints(stride),
        "padding": ints([amount for amount in padding for _ in range(2)]),
        "ceil_mode": BoolAttr.from_bool(ceil_mode),
        "count_include_pad": BoolAttr.from_bool(count_include_pad),
    }
    return _pool(call, edge.AvgPool2dOp, value, properties)


def _is_float(call: Call) -> bool:
    return call.fake_result.dtype.is_floating_point


def _average_1d(
    call: Call, kernel: int, stride: int, padding: int, *, ceil_mode: bool, count_include_pad: bool
) -> Converted:
    value = _batched(call, call.tensor("self"), axes=1)
    properties: dict[str, Attribute] = {
        "kernel_size": ints([kernel]),
        "stride": ints([stride]),
        "padding": ints([padding, padding]),
        "ceil_mode": BoolAttr.from_bool(ceil_mode),
        "count_include_pad": BoolAttr.from_bool(count_include_pad),
    }
    return _pool(call, edge.AvgPool1dOp, value, properties)


def avg_pool1d(call: Call) -> Converted:
    if not _is_float(call):
        return None
    (kernel,) = call.ints("kernel_size", 1)
    (stride,) = call.ints("stride", 1) if call["stride"] else (kernel,)
    (padding,) = call.ints("padding", 1)
    modes = {name: bool(call[name]) for name in ("ceil_mode", "count_include_pad")}
    return _average_1d(call, kernel, stride, padding, **modes)


def adaptive_avg_pool1d(call: Call) -> Converted:
    length, out_length = call.fake("self").shape[-1], call.fake_result.shape[-1]
    if not _is_float(call) or not out_length or length % out_length:
        return None
    kernel = length // out_length
    return _average_1d(call, kernel, kernel, 0, ceil_mode=False, count_include_pad=True)


def avg_pool2d(call: Call) -> Converted:
    if call["divisor_override"] is not None or not _is_float(call):
        return None
    kernel = call.ints("kernel_size", 2)
    return _average(
        call,
        kernel,
        call.ints("stride", 2) if call["stride"] else kernel,
        call.ints("padding", 2),
        ceil_mode=bool(call["ceil_mode"]),
        count_include_pad=bool(call["count_include_pad"]),
    )


def adaptive_avg_pool2d(call: Call) -> Converted:
    """An average pool if the output size divides the input size: then all windows are alike."""
    height, width = call.fake("self").shape[-2:]
    out_height, out_width = call.fake_result.shape[-2:]
    if not _is_float(call) or not out_height or not out_width:
        return None
    if height % out_height or width % out_width:
        return None
    kernel = [height // out_height, width // out_width]
    return _average(call, kernel, kernel, [0, 0], ceil_mode=False, count_include_pad=True)


def max_pool2d(call: Call) -> Converted:
    if not _is_float(call):
        return None
    value = _batched(call, call.tensor("self"))
    kernel = call.ints("kernel_size", 2)
    properties: dict[str, Attribute] = {
        "kernel_size": ints(kernel),
        "stride": ints(call.ints("stride", 2) if call["stride"] else kernel),
        "padding": ints([amount for amount in call.ints("padding", 2) for _ in range(2)]),
        "dilation": ints(call.ints("dilation", 2)),
        "ceil_mode": BoolAttr.from_bool(bool(call["ceil_mode"])),
    }
    return _pool(call, edge.MaxPool2dOp, value, properties)


def max_pool1d(call: Call) -> Converted:
    if not _is_float(call):
        return None
    value = _batched(call, call.tensor("self"), axes=1)
    kernel, padding = call.ints("kernel_size", 1), call.ints("padding", 1)
    properties: dict[str, Attribute] = {
        "kernel_size": ints(kernel),
        "stride": ints(call.ints("stride", 1) if call["stride"] else kernel),
        "padding": ints(padding * 2),
        "dilation": ints(call.ints("dilation", 1)),
        "ceil_mode": BoolAttr.from_bool(bool(call["ceil_mode"])),
    }
    return _pool(call, edge.MaxPool1dOp, value, properties)


def max_pool2d_with_indices(call: Call) -> Converted:
    """Only if nothing reads the indices."""
    if reads_more_than_first(call.node):
        return None
    values = max_pool2d(call)
    return None if values is None else [values]  # type: ignore[list-item]


def equal_windows(size: int, out: int) -> tuple[list[int], int]:
    """The elements of each window of an adaptive pool, one window after the other, and the length
    of each.

    Shorter windows repeat their last element, which does not change a maximum.
    """
    ranges = [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]
    longest = max(end - start for start, end in ranges)
    return [min(start + k, end - 1) for start, end in ranges for k in range(longest)], longest


def adaptive_max_pool2d(call: Call) -> Converted:
    """A pool of windows of equal length."""
    if not _is_float(call) or reads_more_than_first(call.node):
        return None
    value = _batched(call, call.tensor("self"))
    kernel = []
    for dim, out in zip((2, 3), call.fake_result.shape[-2:], strict=True):
        size = shape_of(value)[dim]
        if not size or not out:
            return None
        lines, longest = equal_windows(size, out)
        if lines != list(range(size)):
            value = call.emit(edge.TakeOp.of(value, dim, lines))
        kernel.append(longest)
    properties: dict[str, Attribute] = {
        "kernel_size": ints(kernel),
        "stride": ints(kernel),
        "padding": ints([0, 0, 0, 0]),
        "dilation": ints([1, 1]),
        "ceil_mode": BoolAttr.from_bool(False),
    }
    return [_pool(call, edge.MaxPool2dOp, value, properties)]
