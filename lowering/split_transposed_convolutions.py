"""Compute a transposed convolution as an ordinary one with an output channel for each phase.

Where CMSIS-NN's kernel for transposed convolutions is right, `is_better_in_one_call` decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.arrays import Array
from cmopt.dialects.constants import constant_of, is_known, typed_constant
from cmopt.dialects.cortex_m import nbytes
from cmopt.dialects.edge import (
    CatOp,
    Conv2dOp,
    ConvTranspose2dOp,
    PermuteOp,
    ReshapeOp,
    SliceOp,
    optional,
)
from cmopt.dialects.program import Body, bodies
from cmopt.dialects.quant import UniformQuantizedType, quantized_element, storage_type
from cmopt.dialects.shapes import element_of, int_of, ints, ints_of, numel, shape_of
from cmopt.lowering.cortex_m.dispatch import Window, best_call
from cmopt.lowering.cortex_m.transposed_convolution import window_of
from cmopt.lowering.kernel_form import in_kernel_form
from cmopt.lowering.legality import no_kernel_reason, why_not_delegated
from cmopt.lowering.rewrite import apply_patterns
from cmopt.support.targets import STOCK, Isa, Target, get_target

BYTES_OF_A_CALL = 128
"""Memory that the runtime's own tables take for a call that moves bytes (measured: 130 to 190)."""


@dataclass(frozen=True)
class Axis:
    """One axis of a transposed convolution: `size` inputs, `taps` weights `dilation` apart.

    Output o has phase o mod stride. The outputs of one phase are an ordinary convolution of the
    input with every stride-th weight, in reverse order. phases: those that are computed together.
    """

    size: int
    taps: int
    stride: int
    padding: int
    dilation: int
    output: int
    phases: range

    def with_phase(self, phase: int) -> Axis:
        """The same axis, of which only one phase is computed."""
        return replace(self, phases=range(phase, phase + 1))

    def readers(self) -> dict[tuple[int, int], int]:
        """(phase, offset) → tap: output t·stride + phase reads input t + offset with this tap.

        The phases count from the first that is computed.
        """
        found = {}
        for i, phase in enumerate(self.phases):
            for tap in range(self.taps):
                distance = phase + self.padding - tap * self.dilation
                if distance % self.stride == 0:
                    found[i, distance // self.stride] = tap
        return found

    @property
    def offsets(self) -> range:
        """The inputs that output 0 of these phases reads: the window of the convolution."""
        offsets = [offset for _, offset in self.readers()]
        return range(min(offsets), max(offsets) + 1)

    @property
    def steps(self) -> int:
        """The number of outputs of each phase. The last one may lie behind the end."""
        return -(-self.output // self.stride)

    @property
    def border(self) -> tuple[int, int]:
        """Padding before and behind the input; negative if input elements are not read."""
        return -self.offsets[0], self.steps - 1 + self.offsets[-1] - (self.size - 1)


def phase_weights(weight: Array, groups: int, rows: Axis, columns: Axis) -> Array:
    """[C,O,KH,KW] of a transposed convolution → [groups·phases·O,C/groups,KH',KW'] of the
    ordinary one; O is of one group."""
    channels, outputs = weight.shape[0] // groups, weight.shape[1]
    window = (len(rows.offsets), len(columns.offsets))
    shape = (groups, len(rows.phases), len(columns.phases), outputs, channels, *window)
    phases = np.zeros(shape, weight.dtype)
    apart = weight.reshape(groups, channels, *weight.shape[1:]).swapaxes(1, 2)
    for (row, down), i in rows.readers().items():
        for (column, across), j in columns.readers().items():
            y, x = down - rows.offsets[0], across - columns.offsets[0]
            phases[:, row, column, :, :, y, x] = apart[..., i, j]
    return phases.reshape(-1, channels, *window)


def for_each_phase(values: Array, groups: int, count: int, outputs: int) -> Array:
    """One value for each output channel, in the order of `phase_weights`.

    values: one for each of the groups' channels, or for each of the `outputs` of a group.
    """
    apart = np.broadcast_to(values.reshape(-1, 1, outputs), (groups, 1, outputs))
    return np.tile(apart, (1, count, 1)).reshape(-1)


def repeated_type(
    type: Attribute, groups: int, count: int, outputs: int, shape: tuple[int, ...]
) -> TensorType:
    """A constant's type with its output channels on the first axis, in `phase_weights`' order."""
    element = quantized_element(type)
    assert element is not None
    if element.is_per_axis:
        scales, zeros = (
            for_each_phase(values, groups, count, outputs).tolist()
            for values in (element.params.scales, element.params.zero_points)
        )
        low, high = element.storage_range
        element = UniformQuantizedType.get(
            element.storage, scales, zeros, axis=0, storage_range=(low, high)
        )
    return TensorType(element, shape)


def is_splittable(op: ConvTranspose2dOp) -> bool:
    """Whether `op` is quantized, with constant symmetric weights, one scale per output channel."""
    element, weight = quantized_element(op.weight.type), constant_of(op.weight)
    if element is None or weight is None or not weight.size or element.params.zero_points.any():
        return False
    if element.is_per_axis and element.axis.data != 1:
        return False
    return op.bias is None or is_known(op.bias)


@dataclass
class SplitIntoPhases(RewritePattern):
    """`conv_transpose2d(x, w)` → `interleave(conv2d(x, w'))`, w' with a channel for each phase.

    It does not multiply inserted zeros, and the interleaving is one permute. Exact except for the
    order of the sum in float32. For quantized ops with constant weights.

    With an NPU, all whose convolutions it can do, with a convolution for each phase of the rows: it
    writes its rows between those of the others, and nothing is copied. TOSA's own transposed
    convolution took 1.2 to 6 times the cycles for 10 shapes, because Vela rescales its sums apart.
    """

    target: Target
    arenas: dict[Operation, int]
    """For each function, its `arena_floor`."""
    kernels: str = STOCK

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ConvTranspose2dOp, rewriter: PatternRewriter) -> None:
        if not is_splittable(op):
            return
        rows, columns = axes_of(op)
        npu = self.target.npu
        build = None if npu is None else on_npu(op, rows, columns, npu.name)
        if build is None:
            if self._is_better_left(op):
                return
            build = interleaved(op, rows, columns)
        for dim, axis in zip((2, 3), (rows, columns), strict=True):
            build.slice(dim, 0, axis.output)
        rewriter.replace(op, build.ops, (build.value,))

    def _is_better_left(self, op: ConvTranspose2dOp) -> bool:
        if no_kernel_reason(op, self.kernels) is not None:
            return False
        func = op.parent_op()
        assert func is not None
        return is_better_in_one_call(op, self.target.isa, self.arenas[func])


def on_npu(op: ConvTranspose2dOp, rows: Axis, columns: Axis, npu: str) -> Moves | None:
    """As `interleaved`, by convolutions that an NPU can do; None if it cannot do them all.

    There is one for each phase of the rows, unless a phase has no tap, the rows of one convolution
    are in order in memory, or its groups are several convolutions.
    """
    parts = [rows.with_phase(phase) for phase in rows.phases]
    in_order = len(parts) == 1 or columns.steps * len(columns.phases) == 1
    has_parts = int_of(op.groups) not in (1, shape_of(op.input)[1])
    if in_order or has_parts or not all(part.readers() for part in parts):
        build = interleaved(op, rows, columns)
    else:
        build = _joined([interleaved(op, part, columns) for part in parts])
    convs = [new for new in build.ops if isinstance(new, Conv2dOp)]
    if all(why_not_delegated(conv, npu) is None for conv in convs):
        return build
    for new in reversed(build.ops):
        new.drop_all_references()
    return None


def _joined(parts: Sequence[Moves]) -> Moves:
    """Images whose rows alternate."""
    batch, channels, count, width = shape_of(parts[0].value)
    for part in parts:
        part.reshape((batch, channels, count, 1, width))
    joined = CatOp.of([part.value for part in parts], 3)
    build = Moves([op for part in parts for op in part.ops], parts[0].value)
    build.append(joined)
    build.reshape((batch, channels, count * len(parts), width))
    return build


def interleaved(op: ConvTranspose2dOp, rows: Axis, columns: Axis) -> Moves:
    """The outputs of the phases of two axes, by one convolution and one permute of its channels."""
    weight = constant_of(op.weight)
    assert weight is not None
    axes, groups = (rows, columns), int_of(op.groups)
    down, across = (len(axis.phases) for axis in axes)
    count, (batch, channels) = down * across, shape_of(op.output)[:2]
    outputs = channels // groups
    stored = phase_weights(weight, groups, *axes)
    type = repeated_type(op.weight.type, groups, count, outputs, stored.shape)
    ops, weights = typed_constant(stored, type, op.weight.name_hint)
    bias: SSAValue | None = None
    if op.bias is not None and (values := constant_of(op.bias)) is not None:
        tiled = for_each_phase(values, groups, count, outputs)
        type = repeated_type(op.bias.type, groups, count, outputs, tiled.shape)
        new, bias = typed_constant(tiled, type, op.bias.name_hint)
        ops += new
    build = Moves(ops, op.input)
    for dim, axis in zip((2, 3), axes, strict=True):
        low, high = (max(0, -amount) for amount in axis.border)
        build.slice(dim, low, axis.size - low - high)
    conv = Conv2dOp.of(
        [build.value, weights, optional(bias)],
        {
            "stride": ints([1, 1]),
            "padding": ints([max(0, amount) for axis in axes for amount in axis.border]),
            "dilation": ints([1, 1]),
            "groups": op.groups,
            "activation_min": op.activation_min,
            "activation_max": op.activation_max,
        },
        element_of(op.output),
    )
    build.append(conv, op.output.name_hint)
    steps = rows.steps, columns.steps
    build.reshape((batch * groups, down, across, outputs, *steps))
    build.append(PermuteOp.of(build.value, (0, 3, 4, 1, 5, 2)))
    build.reshape((batch, channels, steps[0] * down, steps[1] * across))
    return build


def axes_of(op: ConvTranspose2dOp) -> tuple[Axis, Axis]:
    """Rows and columns."""
    rows, columns = (
        Axis(
            shape_of(op.input)[2 + i], shape_of(op.weight)[2 + i], ints_of(op.stride)[i],
            ints_of(op.padding)[i], ints_of(op.dilation)[i], shape_of(op.output)[2 + i],
            range(ints_of(op.stride)[i]),
        )
        for i in range(2)
    )  # fmt: skip
    return rows, columns


def is_better_in_one_call(op: ConvTranspose2dOp, isa: Isa, arena: int) -> bool:
    """Whether to leave `op` to the kernel for transposed convolutions, which computes it rightly.

    This is the only place that decides. One call is better than several, unless it is both much
    slower and needs more memory, or its filter is mostly zeros.

    Slower: for 16 shapes on emulated cores, that kernel takes 1.5 to 2.5 times the instructions of
    an ordinary convolution and its moves on MVE (1.1 to 1.3 times if the filter is shorter than the
    stride). On other cores it takes 1.9 to 3.7 times as many if it multiplies zeros that it puts
    between the input's elements, else 0.7 to 1.6.

    More memory: than the ordinary convolution, its moves and their `BYTES_OF_A_CALL`. If it does
    not multiply zeros, it may also take what the function needs anyway: `arena`, see `arena_floor`.
    """
    ordinary, moves = phases_of(op)
    call = best_call(ordinary, 1, isa)
    if call is None:
        return True
    if not moves:
        return False  # The ordinary convolution is one call too, and faster.
    form = in_kernel_form(op)
    assert isinstance(form, ConvTranspose2dOp)
    kernel = window_of(form)
    form.drop_all_references()
    if numel(kernel.weight) > 2 * numel(shape_of(op.weight)):
        return False
    is_slow = isa is Isa.MVE or kernel.multiplies_zeros
    needed = numel(kernel.input) + numel(kernel.output) + sum(kernel.scratch(isa))
    split = numel(ordinary.input) + numel(ordinary.output) + call.scratch(isa)
    free = 0 if kernel.multiplies_zeros else arena
    tables = BYTES_OF_A_CALL * len(moves)
    return not is_slow or needed <= max(split, *moves, free) + tables


def arena_floor(body: Body) -> int:
    """Bytes that the arena of a function or a loop has at least.

    It holds every value, and the input of a convolution together with its result.
    """
    most = 0
    for op in body.body.block.ops:
        values = {*op.operands, *op.results}
        sizes = [
            nbytes(storage_type(value.type))
            for value in values
            if isinstance(value.type, TensorType) and not is_known(value)
        ]
        together = isinstance(op, Conv2dOp | ConvTranspose2dOp)
        most = max(most, sum(sizes) if together else max(sizes, default=0))
    return most


def phases_of(op: ConvTranspose2dOp) -> tuple[Window, list[int]]:
    """The ordinary convolution of `op` in one group, and the bytes that each move after it takes.

    A move takes its operand and its result. Those of whole ranges of bytes are no calls.
    """
    (rows, columns), (batch, channels) = axes_of(op), shape_of(op.input)[:2]
    outputs, moves = shape_of(op.output)[1], list[int]()
    size = [rows.size, columns.size]
    for i, axis in enumerate((rows, columns)):
        cut = sum(max(0, -amount) for amount in axis.border)
        before = batch * channels * size[0] * size[1]
        size[i] -= cut
        if cut and batch * numel(size[:i]) > 1:
            moves.append(before + batch * channels * size[0] * size[1])
    phases = outputs * rows.stride * columns.stride
    window = Window(
        (batch, size[0], size[1], channels),
        (phases, len(rows.offsets), len(columns.offsets), channels),
        (batch, rows.steps, columns.steps, phases),
        stride=(1, 1),
        padding=(max(0, rows.border[0]), max(0, columns.border[0])),
        dilation=(1, 1),
    )
    size = [rows.steps * rows.stride, columns.steps * columns.stride]
    if rows.stride > 1 and columns.steps > 1:
        moves.append(2 * numel(window.output))
    for i, axis in enumerate((rows, columns)):
        before = batch * outputs * size[0] * size[1]
        cut, size[i] = size[i] - axis.output, axis.output
        if cut and batch * numel(size[:i]) > 1:
            moves.append(before + batch * outputs * size[0] * size[1])
    return window, moves


class Moves:
    """A chain of ops, each on the result of the one before."""

    def __init__(self, ops: list[Operation], value: SSAValue):
        self.ops = ops
        self.value = value

    def append(self, op: Operation, hint: str | None = None) -> None:
        """Append `op`; its result becomes the value."""
        self.ops.append(op)
        self.value = op.results[0]
        self.value.name_hint = hint

    def reshape(self, shape: tuple[int, ...]) -> None:
        """The same elements under another shape."""
        assert numel(shape) == numel(shape_of(self.value))
        self.append(ReshapeOp.of(self.value, shape))

    def slice(self, dim: int, start: int, size: int) -> None:
        """A part of a dimension; no op if the part is the whole dimension."""
        if size != shape_of(self.value)[dim]:
            self.append(SliceOp.of(self.value, dim, start, size))


@dataclass(frozen=True)
class SplitTransposedConvolutionsPass(ModulePass):
    """Replace quantized transposed convolutions by ordinary ones with interleaved channels.

    This needs only the kernel for ordinary convolutions. Those stay for which the kernel for
    transposed ones is right and better, unless the target's NPU can do the ordinary one. Exact
    except for the order of a sum in float32.
    """

    name = "split-transposed-convolutions"

    target: str = "cortex-m55"
    kernels: str = STOCK

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = get_target(self.target)
        arenas: dict[Operation, int] = {body: arena_floor(body) for body in bodies(op)}
        apply_patterns(op, SplitIntoPhases(target, arenas, self.kernels))
