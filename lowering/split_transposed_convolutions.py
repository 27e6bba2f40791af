"""Compute a transposed convolution as an ordinary one with an output channel for each phase.

Where CMSIS-NN's kernel for transposed convolutions is right, `is_better_in_one_call` decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.constants import constant_of, is_known
from cmopt.dialects.cortex_m import nbytes
from cmopt.dialects.edge import Conv2dOp, ConvTranspose2dOp
from cmopt.dialects.program import Body, bodies
from cmopt.dialects.quant import quantized_element, storage_type
from cmopt.dialects.shapes import int_of, numel, shape_of
from cmopt.lowering.convolution_phases import Axis, Moves, axes_of, interleaved, woven
from cmopt.lowering.cortex_m.dispatch import Window, best_call
from cmopt.lowering.cortex_m.transposed_convolution import window_of
from cmopt.lowering.kernel_form import in_kernel_form
from cmopt.lowering.legality import no_kernel_reason, why_not_delegated
from cmopt.lowering.rewrite import apply_patterns
from cmopt.support.targets import STOCK, Isa, Target, get_target

BYTES_OF_A_CALL = 128
"""Memory that the runtime's own tables take for a call that moves bytes (measured: 130 to 190)."""


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

    With an NPU, all whose convolutions it can do: see `on_npu`. TOSA's own transposed convolution
    took 1.2 to 6 times the cycles for 10 shapes, because Vela rescales its sums apart.
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

    There is one for each phase of the rows, and of a depthwise one also of the columns, unless a
    phase has no tap, the phases of one convolution are in order in memory, or its groups are
    several convolutions. Each writes its rows between those of the others, so that rows need no
    copies.
    """
    groups, channels = int_of(op.groups), shape_of(op.input)[1]
    is_depthwise = groups == channels > 1
    across = [columns.with_phase(phase) for phase in columns.phases] if is_depthwise else [columns]
    parts = [(rows.with_phase(phase), part) for phase in rows.phases for part in across]
    in_order = len(parts) == 1 or columns.steps * len(columns.phases) == 1
    has_parts = groups not in (1, channels)
    if in_order or has_parts or not all(axis.readers() for part in parts for axis in part):
        build = interleaved(op, rows, columns)
    else:
        build = woven([interleaved(op, *part) for part in parts], len(rows.phases))
    convs = [new for new in build.ops if isinstance(new, Conv2dOp)]
    if all(why_not_delegated(conv, npu) is None for conv in convs):
        return build
    build.drop()
    return None


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
