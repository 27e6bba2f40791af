"""edge.pad and edge.take → pad, and portable kernels that move bytes; exact."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.ir import SSAValue

from cmopt.dialects.cortex_m import PadOp as PadKernelOp
from cmopt.dialects.cortex_m import Properties
from cmopt.dialects.cortex_m.limits import MOST_RANK
from cmopt.dialects.edge import PadOp, TakeOp
from cmopt.dialects.edge.canonicalization.take_and_pad import stored_value
from cmopt.dialects.quant import storage_type
from cmopt.dialects.shapes import int_of, ints_of, shape_of
from cmopt.lowering.cortex_m.builder import KernelBuilder, int8_tensor
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.weights import require_stored


def pad(op: PadOp, b: KernelBuilder) -> SSAValue:
    """edge.pad of int8 → pad of as few dimensions as possible, of int16 → portable pad; exact."""
    if require_stored(op.input) == 16:
        border = [n for pair in zip(ints_of(op.low), ints_of(op.high), strict=True) for n in pair]
        pairs = zip(border[-2::-2], border[::-2], strict=True)  # the last dimension first
        amounts = [n for pair in pairs for n in pair]
        value, type = b.value(op.input), storage_type(op.output.type)
        fill = int(stored_value(op))
        return b.portable("aten.constant_pad_nd.default", value, amounts, fill, type=type)
    parts = simplest_pad(shape_of(op.input), ints_of(op.low), ints_of(op.high))
    # The kernel's lists have 4 entries. With rank 4 it needs no second case.
    if (lead := MOST_RANK - len(parts[0])) < 0:
        raise Unsupported(
            f"the pad kernel takes rank {MOST_RANK} at most, this needs {len(parts[0])}"
        )
    shape, low, high = ((fill,) * lead + p for fill, p in zip((1, 0, 0), parts, strict=True))
    source = b.view(b.value(op.input), shape)
    type = int8_tensor([a + n + b for a, n, b in zip(low, shape, high, strict=True)])
    properties: Properties = {
        "pre_pad": low,
        "post_pad": high,
        "pad_value": int(stored_value(op)),
    }
    return b.view(b.add(PadKernelOp([source], type, properties)), shape_of(op.output))


def padded(b: KernelBuilder, value: SSAValue, border: Sequence[int], zero: int) -> SSAValue:
    """An NHWC tensor, padded by [top, bottom, left, right] with its zero point."""
    n, h, w, c = shape_of(value)
    top, bottom, left, right = border
    type = int8_tensor((n, h + top + bottom, w + left + right, c))
    properties: Properties = {
        "pre_pad": (0, top, left, 0),
        "post_pad": (0, bottom, right, 0),
        "pad_value": zero,
    }
    return b.add(PadKernelOp([value], type, properties))


def simplest_pad(
    shape: Sequence[int], low: Sequence[int], high: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """(shape, low, high) of the same padding of bytes with as few dimensions as possible.

    A dimension that is not padded is merged with the one before it.
    """
    sizes: list[int] = []
    before: list[int] = []
    behind: list[int] = []
    for size, a, b in zip(shape, low, high, strict=True):
        if sizes and not a and not b:
            sizes[-1] *= size
            before[-1] *= size
            behind[-1] *= size
        else:
            sizes.append(size)
            before.append(a)
            behind.append(b)
    return tuple(sizes), tuple(before), tuple(behind)


def take(op: TakeOp, b: KernelBuilder) -> SSAValue:
    """edge.take → portable slice with a step, or index_select; exact."""
    require_stored(op.input)
    if not ints_of(op.indices):
        raise Unsupported("the result is empty")
    source, dim, type = b.value(op.input), int_of(op.dim), storage_type(op.output.type)
    if (steps := op.steps()) is not None:
        return b.portable("aten.slice_copy.Tensor", source, dim, *steps, type=type)
    indices = b.constant(np.array(ints_of(op.indices), np.int32), "indices")
    return b.portable("aten.index_select.default", source, dim, indices, type=type)
