"""The table of rules that lower ops to integer kernels on the core."""

from __future__ import annotations

from xdsl.dialects.arith import ConstantOp
from xdsl.ir import Operation, SSAValue

from cmopt.dialects.cortex_m.limits import MOST_BYTES
from cmopt.dialects.edge import (
    AvgPool2dOp,
    BinaryOp,
    BitcastOp,
    CatOp,
    Conv2dOp,
    ConvTranspose2dOp,
    ExpandOp,
    LayerNormOp,
    LinearOp,
    MatmulOp,
    MaxPool2dOp,
    PadOp,
    PermuteOp,
    ReductionOp,
    ReshapeOp,
    SliceOp,
    SoftmaxOp,
    TakeOp,
    UnaryOp,
)
from cmopt.dialects.quant import DCastOp, QCastOp, SCastOp
from cmopt.dialects.shapes import ints_of, numel, shape_of
from cmopt.lowering.cortex_m import (
    binary,
    convolution,
    elementwise,
    matrix,
    movement,
    norms,
    pad_and_take,
    pooling,
    transposed_convolution,
)
from cmopt.lowering.cortex_m.builder import KernelBuilder, int8_tensor
from cmopt.lowering.int16.rules import int16_rule
from cmopt.lowering.kernel_form import other_form
from cmopt.lowering.layout.modes import extent
from cmopt.lowering.lower_reductions import is_one_call, parts_of
from cmopt.lowering.plugin_rules import plugin_rule
from cmopt.lowering.rules import Rule, Unsupported, rule_of
from cmopt.lowering.weights import require_int8
from cmopt.support.targets import STOCK, Isa


def reduction(op: ReductionOp, b: KernelBuilder) -> SSAValue:
    """Lowers the ops that `lower-reductions` makes of a reduction; some minima are one call."""
    if not is_one_call(op):
        return b.expand(parts_of(op))
    require_int8(op.input)
    shape, dims, result = shape_of(op.input), list(ints_of(op.dims)), shape_of(op.output)
    found = extent(shape, dims)
    if found is not None and found[2] == 1:
        shape, dims, result = (found[0], found[1]), [1], (found[0], 1)
    source = b.view(b.value(op.input), shape)
    least = b.portable("aten.amin.default", source, dims, True, type=int8_tensor(result))
    return b.view(least, shape_of(op.output))


RULES: dict[type[Operation], Rule] = {
    AvgPool2dOp: pooling.avg_pool2d,
    BinaryOp: binary.binary,
    BitcastOp: movement.bitcast,
    CatOp: movement.cat,
    Conv2dOp: convolution.conv2d,
    ConvTranspose2dOp: transposed_convolution.conv_transpose2d,
    DCastOp: movement.dequantize,
    ExpandOp: movement.expand,
    LayerNormOp: norms.layer_norm,
    LinearOp: convolution.linear,
    MatmulOp: matrix.matmul,
    MaxPool2dOp: pooling.max_pool2d,
    PadOp: pad_and_take.pad,
    PermuteOp: movement.permute,
    QCastOp: movement.quantize,
    ReductionOp: reduction,
    ReshapeOp: movement.reshape,
    SliceOp: movement.slice,
    SoftmaxOp: matrix.softmax,
    TakeOp: pad_and_take.take,
    UnaryOp: elementwise.function_of_one,
}


def lower(op: Operation, b: KernelBuilder) -> SSAValue:
    """Append the ops that compute `op`. Raises Unsupported with the reason if there are none."""
    if isinstance(op, ConstantOp):
        return b.add(op)
    if isinstance(op, SCastOp):
        return b.value(op.output)
    if any(numel(shape_of(value)) > MOST_BYTES for value in (*op.operands, *op.results)):
        raise Unsupported("a tensor has more elements than the kernels can count")
    added, own = plugin_rule(op, "cortex_m"), int16_rule(op) or rule_of(op, RULES)
    if added is None and own is None:
        raise Unsupported(f"no integer kernel for {op.name.removeprefix('edge.')}")
    if (form := other_form(op)) is not None:
        raise Unsupported(form)
    if added is not None:
        start = len(b.ops)
        try:
            return added(op, b)
        except Unsupported:
            if own is None:
                raise
            b.forget(start)
    assert own is not None
    return own(op, b)


def kernel_builder(isa: Isa, kernels: str = STOCK) -> KernelBuilder:
    """A builder that lowers by this table, to calls of an operator library."""
    return KernelBuilder(isa, lower, kernels)
