"""Dilated max pools: CMSIS-NN's kernel takes adjacent elements only.

Their elements are brought together, or a small pool is a call of the portable kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, ModuleOp, TensorType, f32, i64
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.arithmetic.functions import activation_bounds
from cmopt.dialects.edge import ClampOp, MaxPool2dOp, TakeOp, is_nhwc
from cmopt.dialects.quant import SCastOp, quantized_element, storage_type
from cmopt.dialects.shapes import element_of, int_of, ints, ints_of, numel, shape_of
from cmopt.lowering.portable_calls import portable_call
from cmopt.lowering.rewrite import apply_patterns, recreated

MOST_RESULTS_OF_CALL = 256
"""The portable kernel also gives an index of 8 bytes for each result, and takes longer for it. So
only a small pool is worth one call instead of three."""


def lines_of(op: MaxPool2dOp, axis: int) -> list[int] | None:
    """The lines along an axis that the windows read, one window behind the other.

    Padding is replaced by another line of the same window: counting an element twice does not
    change the maximum. None if a window has no line inside the input.
    """
    dim = axis + (1 if is_nhwc(op) else 2)
    size, count = shape_of(op.input)[dim], shape_of(op.output)[dim]
    lines: list[int] = []
    for window in range(count):
        start = window * ints_of(op.stride)[axis] - ints_of(op.padding)[2 * axis]
        step, kernel = ints_of(op.dilation)[axis], ints_of(op.kernel_size)[axis]
        places = range(start, start + step * kernel, step)
        inside = [place for place in places if 0 <= place < size]
        if not inside:
            return None
        lines += [place if 0 <= place < size else inside[0] for place in places]
    return lines


def as_call(op: MaxPool2dOp) -> list[Operation] | None:
    """Ops that compute a small pool by the portable kernel on stored integers; exact.

    None if the pool is not small, changes the type, or pads the ends differently.
    """
    top, bottom, left, right = ints_of(op.padding)
    if numel(shape_of(op.output)) > MOST_RESULTS_OF_CALL or (top, left) != (bottom, right):
        return None
    if element_of(op.input) != element_of(op.output):
        return None
    stored = SCastOp(op.input, storage_type(op.input.type))
    geometry = [op.kernel_size, op.stride, None, op.dilation]
    arguments = [[top, left] if part is None else list(ints_of(part)) for part in geometry]
    call = portable_call(
        "aten.max_pool2d_with_indices.default",
        [stored.output, *arguments, bool(int_of(op.ceil_mode))],
        storage_type(op.output.type),
        TensorType(i64, shape_of(op.output)),
    )
    call.data_format = op.data_format if is_nhwc(op) else None
    ops: list[Operation] = [stored, call, result := SCastOp(call.outputs[0], op.output.type)]
    low, high = activation_bounds(op)
    if (low, high) != (None, None):
        bounds = {"min": low, "max": high}
        properties = {n: FloatAttr(bound, f32) for n, bound in bounds.items() if bound is not None}
        ops.append(ClampOp([result.output], op.output.type, properties))
    return ops


@dataclass
class GatherDilatedWindows(RewritePattern):
    """`max_pool2d(x) {dilation}` → `max_pool2d(take(x))` of windows that do not overlap; exact.

    Without an NPU, a small one becomes a call. A pool with a window without elements stays.
    """

    npu: str

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MaxPool2dOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.input.type) is None or ints_of(op.dilation) == (1, 1):
            return
        lines = [found for axis in (0, 1) if (found := lines_of(op, axis)) is not None]
        if len(lines) < 2:
            return
        if not self.npu and (call := as_call(op)) is not None:
            rewriter.replace(op, call)
            return
        value: SSAValue = op.input
        takes: list[Operation] = []
        for dim, picked in zip((1, 2) if is_nhwc(op) else (2, 3), lines, strict=True):
            takes.append(take := TakeOp.of(value, dim, picked))
            value = take.output
        pool = recreated(
            op,
            [value],
            op.output.type,
            stride=op.kernel_size,
            padding=ints([0, 0, 0, 0]),
            dilation=ints([1, 1]),
        )
        rewriter.replace(op, [*takes, pool])


@dataclass(frozen=True)
class GatherWindowsPass(ModulePass):
    """Replace quantized max pools with dilation by pools without it, of gathered elements.

    Without `npu`, a small pool becomes a call of the portable kernel on stored integers.
    """

    name = "gather-windows"

    npu: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, GatherDilatedWindows(self.npu))
