"""edge.pad and edge.take → pad, and portable kernels that move bytes; exact."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import Attribute
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.cortex_m import PadOp as PadKernelOp
from cmopt.dialects.cortex_m import Properties
from cmopt.dialects.edge import OperandAttr, PadOp, TakeOp
from cmopt.dialects.edge.canonicalization.take_and_pad import stored_value
from cmopt.dialects.quant import quantized_element, storage_type
from cmopt.dialects.shapes import int_of, ints_of, shape_of
from cmopt.lowering.cortex_m.common import Builder, int8_tensor
from cmopt.lowering.cortex_m.movement import portable_call


class ConvertPad(RewritePattern):
    """edge.pad of int8 → pad of as few dimensions as describe it; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PadOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.input.type) is None:
            return
        parts = simplest_pad(shape_of(op.input), ints_of(op.low), ints_of(op.high))
        # The kernel's lists are 4 long; a rank of 4 spares it a second case.
        lead = 4 - len(parts[0])
        shape, low, high = ((fill,) * lead + p for fill, p in zip((1, 0, 0), parts, strict=True))
        build = Builder(op, rewriter)
        source = build.view(build.storage(op.input), shape)
        type = int8_tensor([a + n + b for a, n, b in zip(low, shape, high, strict=True)])
        properties: Properties = {
            "pre_pad": low,
            "post_pad": high,
            "pad_value": int(stored_value(op)),
        }
        padded = build.add(PadKernelOp([source], type, properties))
        build.finish(build.view(padded, shape_of(op.output)))


def simplest_pad(
    shape: Sequence[int], low: Sequence[int], high: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """(shape, low, high) of the same padding of bytes with as few dimensions as possible.

    A dimension that is not padded becomes one with the one before it.
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


class ConvertTake(RewritePattern):
    """edge.take of int8 → portable slice with a step, or index_select; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: TakeOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.input.type) is None:
            return
        build = Builder(op, rewriter)
        operands = [build.storage(op.input)]
        type = storage_type(op.output.type)
        arguments: list[Attribute] = [operand(0), IntegerAttr(int_of(op.dim), i64)]
        if (steps := op.steps()) is not None:
            arguments += [IntegerAttr(n, i64) for n in steps]
            target = "aten.slice_copy.Tensor"
        else:
            indices = np.array(ints_of(op.indices), np.int32)
            operands.append(build.constant(indices, "indices"))
            arguments.append(operand(1))
            target = "aten.index_select.default"
        build.finish(build.add(portable_call(target, operands, arguments, type)))


def operand(index: int) -> OperandAttr:
    """Where operand `index` stands among a call's arguments."""
    return OperandAttr(IntegerAttr(index, i64))


PATTERNS: tuple[RewritePattern, ...] = (ConvertPad(), ConvertTake())
