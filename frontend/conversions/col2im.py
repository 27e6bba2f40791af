"""`col2im`, which puts windows back to where they were cut out, and adds where they overlap."""

from __future__ import annotations

from functools import reduce

import torch
from xdsl.dialects.builtin import FloatAttr, f32
from xdsl.ir import SSAValue

from cmopt.dialects import edge
from cmopt.dialects.shapes import shape_of
from cmopt.frontend.call import Call, Converted


def col2im(call: Call) -> Converted:
    """[N, C·kh·kw, lh·lw] → [N, C, H, W].

    Windows that do not overlap are moved, with zeros in the gaps. If windows overlap, each element
    (i, j) of the kernel makes a plane, and the planes are added in PyTorch's order.
    """
    result = call.fake_result
    if result.dtype != torch.float32 or call.fake("self").dim() not in (2, 3) or 0 in result.shape:
        return None
    names = ("kernel_size", "dilation", "padding", "stride")
    kernel, dilation, padding, stride = (call.ints(name, 2) for name in names)
    windows = [
        (size + 2 * p - d * (k - 1) - 1) // s + 1
        for size, p, d, k, s in zip(
            result.shape[-2:], padding, dilation, kernel, stride, strict=True
        )
    ]
    batch = result.shape[0] if result.dim() == 4 else 1
    shape = (batch, result.shape[-3], *kernel, *windows)
    value = call.reshaped(call.tensor("self"), shape)
    if all(k == 1 or (d == 1 and k <= s) for k, d, s in zip(kernel, dilation, stride, strict=True)):
        planes = [_side_by_side(call, value, stride, [-p for p in padding])]
    else:
        planes = []
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                part = _line(call, _line(call, value, 2, i), 3, j)
                offset = [i * dilation[0] - padding[0], j * dilation[1] - padding[1]]
                planes.append(_side_by_side(call, part, stride, offset))
    total = reduce(lambda a, b: call.emit(edge.AddOp.of(a, b)), planes)
    return call.reshaped(total, tuple(result.shape))


def _side_by_side(call: Call, value: SSAValue, stride: list[int], offset: list[int]) -> SSAValue:
    """[N, C, kh, kw, lh, lw] → [N, C, H, W]: windows `stride` apart, the first at `offset`."""
    batch, channels, *kernel, rows, columns = shape_of(value)
    value = call.emit(edge.PermuteOp.of(value, [0, 1, 4, 2, 5, 3]))
    gaps = [s - k for s, k in zip(stride, kernel, strict=True)]
    value = _padded(call, value, {3: (0, gaps[0]), 5: (0, gaps[1])})
    value = call.reshaped(value, (batch, channels, rows * stride[0], columns * stride[1]))
    borders = {}
    for dim, start in zip((2, 3), offset, strict=True):
        size = call.fake_result.shape[dim - 4]
        borders[dim] = (start, size - start - shape_of(value)[dim])
    return _padded(call, value, borders)


def _padded(call: Call, value: SSAValue, borders: dict[int, tuple[int, int]]) -> SSAValue:
    """Zeros before and behind dimensions; a negative number cuts off."""
    for dim, (before, behind) in borders.items():
        cut = (max(0, -before), max(0, -behind))
        if any(cut):
            size = shape_of(value)[dim] - sum(cut)
            value = _part(call, value, dim, cut[0], size)
    rank = len(shape_of(value))
    low = [max(0, borders.get(d, (0, 0))[0]) for d in range(rank)]
    high = [max(0, borders.get(d, (0, 0))[1]) for d in range(rank)]
    if not any((*low, *high)):
        return value
    return call.emit(edge.PadOp.of(value, low, high, FloatAttr(0.0, f32)))


def _line(call: Call, value: SSAValue, dim: int, index: int) -> SSAValue:
    return _part(call, value, dim, index, 1)


def _part(call: Call, value: SSAValue, dim: int, start: int, size: int) -> SSAValue:
    if shape_of(value)[dim] == size:
        return value
    return call.emit(edge.SliceOp.of(value, dim, start, size))
