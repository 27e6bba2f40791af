"""How each kernel call reads the rows of its operands, and the call for some of its rows.

Rows are positions along dimension 1 of a tensor whose dimension 0 has size 1, so that some rows are
one range of bytes. A call on some rows gives the bytes that the whole call gives there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import BoolAttr, IntegerAttr, TensorType
from xdsl.ir import Attribute, Operation, SSAValue

from cmopt.dialects import cmopt as own
from cmopt.dialects.constants import constant_of, constant_op
from cmopt.dialects.cortex_m import (
    DequantizePerTensorOp,
    MaximumOp,
    MinimumOp,
    PadOp,
    QuantizedActivationOp,
    QuantizedAddOp,
    QuantizedAvgPool2dOp,
    QuantizedConv2dOp,
    QuantizedDepthwiseConv2dOp,
    QuantizedDivOp,
    QuantizedMaxPool2dOp,
    QuantizedMulOp,
    QuantizePerTensorOp,
    ScratchOp,
    itemsize,
)
from cmopt.dialects.edge import CallOp
from cmopt.dialects.shapes import (
    element_of,
    int_of,
    ints,
    ints_of,
    numel,
    resized,
    shape_of,
    window_output,
)
from cmopt.lowering.cortex_m.dispatch import Window, is_right
from cmopt.lowering.rewrite import recreated
from cmopt.lowering.rules import Unsupported
from cmopt.support.targets import Isa

Rows = NDArray[np.int64]
"""A number of a row for each strip."""


@dataclass(frozen=True)
class RowUse:
    """Output row `r` reads the rows from `stride · r − before` on, `extent` of them.

    Rows that do not exist are padding. With `picks`, output row `r` reads row `picks[r]` only.
    """

    operand: int
    """The index of the operand."""
    stride: int = 1
    before: int = 0
    extent: int = 1
    picks: tuple[int, ...] | None = None
    """Never smaller than the one before."""

    def rows(self, first: Rows, last: Rows, height: int) -> tuple[Rows, Rows]:
        """The existing rows that output rows `first … last − 1` read; the ends are excluded."""
        if self.picks is not None:
            picks = np.asarray(self.picks)
            return picks[first], picks[last - 1] + 1
        low = self.stride * first - self.before
        high = self.stride * (last - 1) - self.before + self.extent
        return np.maximum(low, 0), np.minimum(high, height)


_ELEMENTWISE = (
    QuantizePerTensorOp, DequantizePerTensorOp, QuantizedActivationOp, QuantizedAddOp,
    QuantizedMulOp, QuantizedDivOp, MinimumOp, MaximumOp, own.LookupOp, own.RequantizeOp,
    own.QuantizedAddOp, own.QuantizedMulOp, own.QuantizedHypotOp,
)  # fmt: skip
_CONVOLUTIONS = (QuantizedConv2dOp, QuantizedDepthwiseConv2dOp)
_POOLS = (QuantizedMaxPool2dOp, QuantizedAvgPool2dOp)
_SELECT = "aten.index_select.default"
_CALLS_ALONG = {"aten.index_select.default": 1, "aten.cat.default": 1, "aten.slice_copy.Tensor": 1}
"""Calls on one dimension, and the argument that is this dimension."""


def has_rows(value: SSAValue | Attribute) -> bool:
    """Whether a tensor has rows that are ranges of its bytes."""
    shape = shape_of(value)
    return len(shape) >= 2 and shape[0] == 1 and min(shape) > 0


def height_of(value: SSAValue) -> int:
    """The number of rows."""
    return shape_of(value)[1]


def row_bytes(value: SSAValue) -> int:
    """The bytes of one row."""
    size = itemsize(value.type)
    for dim in shape_of(value)[2:]:
        size *= dim
    return size


def row_uses(op: Operation) -> list[RowUse] | None:
    """How an op reads the rows of its operands; those that are not in the list are read whole.

    None if the op cannot be computed in strips of rows: it has no rule, or no rows.
    """
    if len(op.results) != 1 or not has_rows(op.results[0]):
        return None
    for kinds, rule in _RULES:
        if isinstance(op, kinds):
            uses = rule(op)
            if uses is None or not all(has_rows(op.operands[use.operand]) for use in uses):
                return None
            return uses
    return None


def _elementwise(op: Operation) -> list[RowUse] | None:
    """Operands of one row for all rows are read whole: constants and values for each channel."""
    shape, uses = shape_of(op.results[0]), []
    for index, value in enumerate(op.operands):
        if isinstance(op, QuantizedActivationOp | own.LookupOp) and index > 0:
            continue
        read = shape_of(value)
        if read[:2] == shape[:2] and len(read) == len(shape):
            uses.append(RowUse(index))
        elif len(read) >= len(shape) - 1 and read[1 - len(shape)] != 1:
            return None
    return uses if uses and shape[1] > 1 else None


def _norm(op: Operation) -> list[RowUse] | None:
    """What it normalizes lies within one row."""
    assert isinstance(op, own.LayerNormOp)
    within = numel(shape_of(op.output)[2:])
    return [RowUse(0)] if height_of(op.output) > 1 and int_of(op.row) <= within else None


def _window_uses(op: Operation, kernel: int, dilation: int) -> list[RowUse]:
    stride, before = (ints_of(op.properties[name])[0] for name in ("stride", "padding"))
    return [RowUse(0, stride, before, dilation * (kernel - 1) + 1)]


def _convolution(op: Operation) -> list[RowUse] | None:
    shape = op.weight_shape if isinstance(op, own.PackedConv2dOp) else shape_of(op.operands[1])
    return _window_uses(op, shape[1], ints_of(op.properties["dilation"])[0])


def _pool(op: Operation) -> list[RowUse] | None:
    return _window_uses(op, ints_of(op.properties["kernel_size"])[0], 1)


def _pad(op: Operation) -> list[RowUse] | None:
    rank = len(shape_of(op.results[0]))
    before, after = (ints_of(op.properties[name])[-rank:] for name in ("pre_pad", "post_pad"))
    if before[0] or after[0]:
        return None
    return [RowUse(0, 1, before[1])]


def _call(op: Operation) -> list[RowUse] | None:
    assert isinstance(op, CallOp)
    index = _CALLS_ALONG.get(op.target.data)
    if index is None or op.data_format is not None:
        return None
    rank = len(shape_of(op.results[0]))
    argument = op.arguments.data[index]
    dim = argument.value.data % rank if isinstance(argument, IntegerAttr) else 0
    if op.target.data == _SELECT:
        return _selection(op, dim)
    if dim in (0, 1):
        return None
    if any(shape_of(v)[:2] != shape_of(op.results[0])[:2] for v in op.operands):
        return None
    return [RowUse(operand) for operand in range(len(op.operands))]


def _selection(op: CallOp, dim: int) -> list[RowUse] | None:
    """Picked positions of a dimension; picked rows must be constant and in order."""
    picks = constant_of(op.operands[1])
    if dim == 0 or len(op.operands) != 2:
        return None
    if dim != 1:
        return [RowUse(0)]
    rows = () if picks is None else tuple(int(pick) for pick in picks)
    if not rows or min(rows) < 0 or list(rows) != sorted(rows):
        return None
    return [RowUse(0, picks=rows)]


_RULES: tuple[tuple[type | tuple[type, ...], Callable[[Operation], list[RowUse] | None]], ...] = (
    (_ELEMENTWISE, _elementwise),
    (own.LayerNormOp, _norm),
    ((*_CONVOLUTIONS, own.PackedConv2dOp), _convolution),
    (_POOLS, _pool),
    (PadOp, _pad),
    (CallOp, _call),
)


def on_rows(
    op: Operation, operands: Mapping[int, tuple[SSAValue, int]], first: int, last: int, isa: Isa
) -> list[Operation]:
    """The ops that compute rows `first … last − 1` of the result of `op`; the last is the call.

    operands: for each operand of `row_uses`, the rows that it reads and the number of the first.
    Raises Unsupported if a kernel would compute these rows wrongly.
    """
    values, new = list(op.operands), list[Operation]()
    for index, (value, _) in operands.items():
        values[index] = value
    old = op.results[0].type
    assert isinstance(old, TensorType)
    type = TensorType(old.element_type, list(resized(old.get_shape(), 1, last - first)))
    changed: dict[str, Attribute] = {}
    if isinstance(op, (*_CONVOLUTIONS, own.PackedConv2dOp, *_POOLS)):
        top = _top_padding(op, operands[0][1], first)
        changed["padding"] = ints((top, ints_of(op.properties["padding"])[1]))
        if isinstance(op, _CONVOLUTIONS):
            window = _window(op, values[0], type, changed["padding"])
            if not is_right(window):
                raise Unsupported("CMSIS-NN computes this strip wrongly on some core")
            _replace_scratch(op, values, new, window.scratch(isa))
        elif isinstance(op, own.PackedConv2dOp):
            _replace_scratch(op, values, new, None)
        elif isinstance(op, QuantizedAvgPool2dOp):
            changed["ceil_mode"] = _ceil_mode(op, values[0], type, top)
            _replace_scratch(op, values, new, None)
    if isinstance(op, CallOp) and (use := (row_uses(op) or [])[0]).picks is not None:
        picks = np.asarray(use.picks[first:last]) - operands[0][1]
        like = constant_of(op.operands[1])
        assert like is not None
        new.append(constant_op(picks.astype(like.dtype), op.operands[1].name_hint))
        values[1] = new[-1].results[0]
    if isinstance(op, PadOp):
        changed |= _paddings(op, values[0], operands[0][1], first, last)
    call = recreated(op, values, type, **changed)
    call.location = op.location
    call.results[0].name_hint = op.results[0].name_hint
    return [*new, call]


def _top_padding(op: Operation, start: int, first: int) -> int:
    """Rows of padding above the rows from `start` on for the output rows from `first` on."""
    use = (row_uses(op) or [])[0]
    return start - (use.stride * first - use.before)


def _window(op: Operation, source: SSAValue, type: TensorType, padding: Attribute) -> Window:
    return Window(
        shape_of(source),
        shape_of(op.operands[1]),
        tuple(type.get_shape()),
        ints_of(op.properties["stride"]),
        ints_of(padding),
        ints_of(op.properties["dilation"]),
        isinstance(op, QuantizedDepthwiseConv2dOp),
    )


def _replace_scratch(
    op: Operation, values: list[SSAValue], new: list[Operation], size: int | None
) -> None:
    """Give a call scratch of its own, of `size` bytes or as many as before."""
    for index, value in enumerate(op.operands):
        if isinstance(value.owner, ScratchOp):
            bytes = shape_of(value)[0] if size is None else size
            scratch = ScratchOp(TensorType(element_of(value), [bytes]))
            scratch.output.name_hint, scratch.location = value.name_hint, op.location
            new.append(scratch)
            values[index] = scratch.output


def _ceil_mode(op: Operation, source: SSAValue, type: TensorType, top: int) -> Attribute:
    """The operator computes its output's sizes from this mode and compares them. Raises
    Unsupported if neither mode gives the rows of the strip."""
    sizes = zip(shape_of(source)[1:3], type.get_shape()[1:3],
                ints_of(op.properties["kernel_size"]), ints_of(op.properties["stride"]),
                (top, ints_of(op.properties["padding"])[1]), strict=True)  # fmt: skip
    geometry = list(sizes)
    for mode in (False, True):
        if all(
            window_output(size, kernel, stride, 2 * pad, ceil_mode=mode) == out
            for size, out, kernel, stride, pad in geometry
        ):
            return BoolAttr.from_bool(mode)
    raise Unsupported("the average pool kernel pads symmetrically")


def _paddings(
    op: Operation, source: SSAValue, start: int, first: int, last: int
) -> dict[str, Attribute]:
    """The rows of a pad that are in a strip."""
    rank = len(shape_of(op.results[0]))
    before, after = (list(ints_of(op.properties[name])) for name in ("pre_pad", "post_pad"))
    axis = len(before) - rank + 1
    above = start + before[axis] - first
    below = (last - first) - above - height_of(source)
    before[axis], after[axis] = above, below
    return {"pre_pad": ints(before), "post_pad": ints(after)}
