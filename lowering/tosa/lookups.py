"""Makes lookups in tables, and clamps, part of the operations before them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import IntegerAttr, IntegerType, i8, i32
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from cmopt.arithmetic.lookup_tables import EVERY_INT8
from cmopt.dialects import tosa
from cmopt.dialects.shapes import element_of, int_of
from cmopt.dialects.tosa.constants import constant_array
from cmopt.lowering.tosa.builder import RegionBuilder, i16
from cmopt.lowering.tosa.region import COPY, constant_op
from cmopt.lowering.tosa.shapes import readers_of, root_of

Lookup = tosa.TableOp | tosa.ClampOp

_ALONE = (
    *(tosa.ClampOp, tosa.ConcatOp, tosa.MatMulOp, tosa.PadOp, tosa.SliceOp, tosa.TableOp),
    tosa.TileOp,
)
"""Ops that Vela does not compute a lookup together with."""


def join_lookups(block: Block) -> None:
    """Make one lookup of several in a row, and let none be an operation of its own; exact.

    Vela computes a table or a clamp as part of the operation before it, if nothing else reads that
    operation's result. A lookup that would be an operation of its own becomes part of a product
    with 1: that takes a cycle for each element of a U55, where a lookup alone takes 300 more, a U65
    2.5 and a U85 four times as many.
    """
    for op in _lookups(block, i8):
        _join(op)
    carried = [op for op in _lookups(block, i8, i16) if _is_alone(op.operands[0])]
    for number, op in enumerate(carried):
        _carry(op, number)


def _lookups(block: Block, *elements: Attribute) -> list[Lookup]:
    """The lookups in values of these types."""
    return [
        op for op in block.ops if isinstance(op, Lookup) and element_of(op.operands[0]) in elements
    ]


def entries_of(op: Lookup) -> NDArray[np.int8]:
    """The results for all int8 values, from -128 to 127."""
    if isinstance(op, tosa.ClampOp):
        return EVERY_INT8.clip(int_of(op.min_val), int_of(op.max_val)).astype(np.int8)
    assert isinstance(op.table.owner, tosa.ConstOp)
    return constant_array(op.table.owner.values).astype(np.int8)


def _join(op: Lookup) -> None:
    """Make one lookup of a lookup in the result of another, which nothing else reads."""
    inner = root_of(op.operands[0])
    if not isinstance(inner.owner, Lookup) or len(list(readers_of(inner))) > 1:
        return
    first, entries = inner.owner, entries_of(op)[entries_of(inner.owner).astype(np.int64) + 128]
    new: list[Operation]
    if isinstance(first, tosa.ClampOp) and isinstance(op, tosa.ClampOp):
        bounds = {"min_val": entries.min(), "max_val": entries.max()}
        properties = {name: IntegerAttr(int(bound), i8) for name, bound in bounds.items()}
        new = [tosa.ClampOp([first.operands[0]], first.output.type, properties)]
    else:
        table = constant_op(entries)
        new = [table, tosa.TableOp([first.operands[0], table.output], first.output.type)]
    _insert_before(new, first)
    new[-1].results[0].name_hint = op.output.name_hint
    inner.replace_all_uses_with(new[-1].results[0])
    op.output.replace_all_uses_with(op.operands[0])
    Rewriter.erase_op(first)
    Rewriter.erase_op(op)


def _is_alone(value: SSAValue) -> bool:
    """Whether Vela makes a lookup in a value an operation of its own."""
    made = root_of(value)
    if isinstance(made.owner, Block) or len(list(readers_of(made))) > 1:
        return True
    if isinstance(made.owner, tosa.RescaleOp):
        made = root_of(made.owner.input)
    return isinstance(made.owner, _ALONE)


def _carry(op: Lookup, number: int) -> None:
    """Let a lookup read a product with 1 of its own, numbered so that `cse` keeps it apart."""
    value, build = op.operands[0], RegionBuilder()
    element = element_of(value)
    assert isinstance(element, IntegerType)
    carried = build.scaled(value, 1.0, to=element)
    if number:
        (product,) = (op for op in build.block.ops if isinstance(op, tosa.MulOp))
        product.attributes[COPY] = IntegerAttr(number, i32)
    new = list(build.block.ops)
    for part in new:
        build.block.detach_op(part)
    _insert_before(new, op)
    op.operands[0] = carried


def _insert_before(new: list[Operation], place: Operation) -> None:
    for op in new:
        op.location = place.location
    Rewriter.insert_op(new, InsertPoint.before(place))
