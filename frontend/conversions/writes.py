"""Operators that replace elements of a tensor at places that are known now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch.fx import Node
from torch.fx.node import map_arg
from xdsl.ir import SSAValue

from cmopt.dialects import edge
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.frontend.call import Call, Converted
from cmopt.frontend.conversions.choice import chosen, index_of

Picked: TypeAlias = NDArray[np.int64]

MOST_PARTS = 8
"""With more parts, one gather is faster than a copy for each part."""

MOST_PARTS_BEFORE_CALL = 3
"""With more parts, one call of the operator's own kernel is better than a copy for each part."""

_HAVE_KERNEL = ("aten.index_put.default", "aten.scatter.src")
"""Operators for whose places ExecuTorch has a kernel. It takes any, one element after another."""

_SECOND = ("src", "values")

Part: TypeAlias = tuple[bool, int, int]
"""Lines of the result along a dimension that come from the first operand, or from the second; where
they begin in the first operand, or in the result; and their count."""


def replacement(call: Call) -> Converted:
    """An operator whose result has elements of its first operand and of another, at known places.

    PyTorch runs the operator on element numbers. If each line along one dimension comes from one
    operand, the result is a `cat` of lines. Otherwise elements are taken from a `cat` of all of
    them. None if the operator does more than replace, or if its own kernel needs fewer calls.
    """
    first, name = call["self"], next(n for n in _SECOND if n in call.arguments)
    values = call.stored(first), call.stored(call[name])
    if call.arguments.get("accumulate") or len({element_of(value) for value in values}) > 1:
        return None
    if 0 in shape_of(values[0]) or 0 in shape_of(values[1]):
        return values[0]
    if (picked := _picked(call, name)) is None:
        return None
    found = [(dim, parts) for dim in range(picked.ndim) if (parts := _parts_along(picked, dim))]
    if found:
        dim, parts = min(found, key=lambda each: len(each[1]))
        most = MOST_PARTS_BEFORE_CALL if call.name in _HAVE_KERNEL else MOST_PARTS
        if len(parts) <= most:
            return _joined(call, values, picked, dim, parts)
    if call.name in _HAVE_KERNEL:
        return None
    every = [call.reshaped(value, (torch.Size(shape_of(value)).numel(),)) for value in values]
    return chosen(call, call.emit(edge.CatOp.of(every, 0)), picked)


def _picked(call: Call, second: str) -> Picked | None:
    """For each element of the result, the number of its element among both operands' elements."""
    shapes = [tuple(call.fake(name).shape) for name in ("self", second)]
    sizes = [torch.Size(shape).numel() for shape in shapes]
    labels = torch.split(torch.arange(sum(sizes)), sizes)
    operands = {
        name: label.reshape(shape)
        for name, label, shape in zip(("self", second), labels, shapes, strict=True)
    }
    try:
        rest = {
            name: map_arg(value, lambda node: index_of(call.importer.known[node]))
            for name, value in call.arguments.items()
            if name not in operands
        }
    except KeyError:  # an index that is computed at run time
        return None
    found: torch.Tensor = call.target(**operands, **rest)
    return found.numpy().astype(np.int64)


def _parts_along(picked: Picked, dim: int) -> list[Part] | None:
    """The parts along a dimension; None if some line has elements of both operands, or is not a
    line of the first."""
    lines = np.moveaxis(picked, dim, 0).reshape(picked.shape[dim], -1)
    own = np.moveaxis(np.arange(picked.size).reshape(picked.shape), dim, 0).reshape(lines.shape)
    is_first = lines < picked.size
    starts: list[tuple[bool, int]] = []
    for place, line in enumerate(lines):
        if not is_first[place].any():
            starts.append((False, place))
            continue
        if not is_first[place].all():
            return None
        source = int(np.unravel_index(line[0], picked.shape)[dim])
        if not np.array_equal(line, own[source]):
            return None
        starts.append((True, source))
    parts: list[Part] = []
    for is_of_first, start in starts:
        if parts and parts[-1][0] == is_of_first and start == parts[-1][1] + parts[-1][2]:
            parts[-1] = (is_of_first, parts[-1][1], parts[-1][2] + 1)
        else:
            parts.append((is_of_first, start, 1))
    return parts


def _joined(
    call: Call, values: Sequence[SSAValue], picked: Picked, dim: int, parts: list[Part]
) -> Converted:
    """The parts, one behind the other along a dimension."""
    pieces = []
    for is_first, start, count in parts:
        piece: SSAValue | None
        if not is_first:
            numbers = picked.take(range(start, start + count), dim) - picked.size
            piece = chosen(call, values[1], numbers)
        elif count == picked.shape[dim]:
            piece = values[0]
        else:
            piece = call.emit(edge.SliceOp.of(values[0], dim, start, count))
        if piece is None:
            return None
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else call.emit(edge.CatOp.of(pieces, dim))


def filled(call: Call) -> Converted:
    """A tensor that is filled with one number, which is known now."""
    value = call["value"]
    number = call.importer.known.get(value) if isinstance(value, Node) else torch.tensor(value)
    if number is None:
        return None
    result = number.to(call.fake_result.dtype).expand(call.fake_result.shape).contiguous()
    call.importer.known[call.node] = result
    return call.constant(result)


def copied(call: Call) -> Converted:
    """The source of a copy, expanded."""
    value = call.tensor("src")
    if element_of(value) != element_of(call.result_type):
        return None
    if value.type == call.result_type:
        return value
    return call.emit(edge.ExpandOp([value], call.result_type))
