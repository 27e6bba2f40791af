"""Compute linear layers of one input in one layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from cmopt.dialects.constants import constant_of, typed_constant
from cmopt.dialects.edge import BinaryOp, LinearOp, SliceOp
from cmopt.dialects.program import bodies
from cmopt.dialects.quant import UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import element_of, int_of, resized, shape_of
from cmopt.lowering.rewrite import recreated


def joined_type(values: Sequence[SSAValue]) -> UniformQuantizedType | None:
    """The element type of constants of this order, one below the other; None if there is none."""
    elements = [quantized_element(value.type) for value in values]
    first = elements[0]
    if first is None or not first.is_per_axis:
        return first if all(element == first for element in elements) else None
    scales: list[float] = []
    zero_points: list[int] = []
    for element in elements:
        if (
            element is None
            or element.axis.data != 0
            or element.storage_range != first.storage_range
        ):
            return None
        scales += element.params.scales.tolist()
        zero_points += element.params.zero_points.tolist()
    return UniformQuantizedType.get(
        first.storage, scales, zero_points, axis=0, storage_range=first.storage_range
    )


def joined_rows(values: Sequence[SSAValue]) -> tuple[list[Operation], SSAValue] | None:
    """Ops that make one constant of several, one below the other; None if they do not fit."""
    constants = [constant_of(value) for value in values]
    element = joined_type(values)
    if element is None or any(constant is None for constant in constants):
        return None
    rows = np.concatenate([constant for constant in constants if constant is not None])
    return typed_constant(rows, TensorType(element, rows.shape), values[0].name_hint)


def merge_linears(block: Block) -> None:
    """Merge the linear layers of one input and one type of result, if their constants fit."""
    groups: dict[object, list[LinearOp]] = {}
    for op in block.ops:
        if isinstance(op, LinearOp):
            key = op.input, element_of(op.output), len(op.operands), tuple(op.properties.items())
            groups.setdefault(key, []).append(op)
    for group in groups.values():
        if len(group) > 1:
            _merge(group)


def _merge(group: Sequence[LinearOp]) -> None:
    first = group[0]
    made = [joined_rows(values) for values in zip(*(op.operands[1:] for op in group), strict=True)]
    if any(one is None for one in made):
        return
    constants = [one for one in made if one is not None]
    sizes = [shape_of(op.output)[-1] for op in group]
    dim = len(shape_of(first.output)) - 1
    type = TensorType(element_of(first.output), resized(shape_of(first.output), dim, sum(sizes)))
    whole = recreated(first, [first.input, *(value for _, value in constants)], type)
    parts = _parts(whole.results[0], sizes)
    new_ops = [*(op for ops, _ in constants for op in ops), whole, *parts]
    _replace(group, new_ops, parts)


def merge_sums(block: Block) -> None:
    """`f(a[i], b[i])` for all parts of `a` and of `b` → parts of `f(a, b)`."""
    groups: dict[object, list[BinaryOp]] = {}
    for op in block.ops:
        if isinstance(op, BinaryOp) and len(_slices(op)) == len(op.operands):
            wholes = tuple(part.input for part in _slices(op))
            key = op.name, wholes, element_of(op.results[0]), tuple(op.properties.items())
            groups.setdefault(key, []).append(op)
    for group in groups.values():
        wholes = tuple(part.input for part in _slices(group[0]))
        shape, sizes = shape_of(wholes[0]), [shape_of(op.results[0])[-1] for op in group]
        dim = len(shape) - 1
        places = [{(int_of(p.dim), int_of(p.start)) for p in _slices(op)} for op in group]
        wanted = [{(dim, start)} for start in (0, *accumulate(sizes[:-1]))]
        is_all = places == wanted and sum(sizes) == shape[dim]
        if len(group) < 2 or not is_all or any(shape_of(whole) != shape for whole in wholes):
            continue
        type = TensorType(element_of(group[0].results[0]), shape)
        whole = recreated(group[0], wholes, type)
        parts = _parts(whole.results[0], sizes)
        _replace(group, [whole, *parts], parts)


def _slices(op: Operation) -> list[SliceOp]:
    """The operands of an op that are slices."""
    return [value.owner for value in op.operands if isinstance(value.owner, SliceOp)]


def _parts(whole: SSAValue, sizes: Sequence[int]) -> list[SliceOp]:
    dim = len(shape_of(whole)) - 1
    starts = (0, *accumulate(sizes[:-1]))
    return [SliceOp.of(whole, dim, a, n) for a, n in zip(starts, sizes, strict=True)]


def _replace(group: Sequence[Operation], new_ops: list[Operation], parts: list[SliceOp]) -> None:
    """Replace ops by parts of one op, which is made where the first of them was."""
    for new in new_ops:
        new.location = group[0].location
    Rewriter.insert_op(new_ops, InsertPoint.before(group[0]))
    for op, part in zip(group, parts, strict=True):
        part.output.name_hint = op.results[0].name_hint
        op.results[0].replace_all_uses_with(part.output)
        Rewriter.erase_op(op)


@dataclass(frozen=True)
class MergeGatesPass(ModulePass):
    """Merge linear layers of one input whose ranges are equal, and the sums of their results.

    The inverse of `split-gates`: fewer calls, and a tensor that holds all gates. Weights with a
    scale for each row fit always, others if their scales are equal. Sums whose operands the merged
    layers do not make stay as they are. The kernels compute the same integers.
    """

    name = "merge-gates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for body in list(bodies(op)):
            merge_linears(body.body.block)
            merge_sums(body.body.block)
