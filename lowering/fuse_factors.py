"""Fuse factors into the quantized types of weights and operands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, ModuleOp, f32
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.arithmetic.functions import activation_bounds
from cmopt.dialects.arrays import Array
from cmopt.dialects.constants import constant_of, constant_op, float_constant_of, is_known
from cmopt.dialects.edge import (
    FUNCTIONS,
    AddOp,
    Conv2dOp,
    ConvTranspose2dOp,
    LinearOp,
    MulOp,
    SubOp,
    UnaryOp,
)
from cmopt.dialects.quant import (
    DCastOp,
    QCastOp,
    SCastOp,
    UniformQuantizedType,
    qtype_of,
    storage_type,
)
from cmopt.dialects.shapes import shape_of, with_element
from cmopt.lowering.rewrite import apply_patterns

LAYERS = (Conv2dOp, ConvTranspose2dOp, LinearOp)


def scaled(cast: DCastOp, factor: float) -> list[Operation]:
    """Ops for `factor` times a dequantized value: its integers, dequantized with other scales.

    The last op gives the result. A float may differ from the product in its last bit.
    """
    type = qtype_of(cast.input)
    params = type.params
    element = UniformQuantizedType.get(
        type.storage,
        (params.scales * factor).tolist(),
        params.zero_points.tolist(),
        axis=type.axis.data,
        storage_range=type.storage_range,
    )
    stored = SCastOp(cast.input, storage_type(cast.input.type))
    typed = SCastOp(stored.output, with_element(cast.input.type, element))
    typed.output.name_hint = cast.input.name_hint
    return [stored, typed, DCastOp(typed.output, cast.output.type)]


def bias_values(layer: Conv2dOp | ConvTranspose2dOp | LinearOp) -> Array | None:
    """The float values of a layer's bias, zeros if it has none; None if they are not constant."""
    if layer.bias is None:
        axis = {Conv2dOp: 1, ConvTranspose2dOp: 1, LinearOp: -1}[type(layer)]
        return np.zeros(shape_of(layer.output)[axis], np.float32)
    owner = layer.bias.owner
    return float_constant_of(owner.input if isinstance(owner, DCastOp) else layer.bias)


class FuseHardsigmoid(RewritePattern):
    """`hardsigmoid(layer(x))` → the layer of x / 6 + 1/2, clamped to 0…1 by its kernel.

    For a layer of quantized weights that nothing else reads, if the result is quantized. Exact
    except for the last bits of floats: x / 6 is in the weights' scales.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: UnaryOp, rewriter: PatternRewriter) -> None:
        layer = op.input.owner
        if not isinstance(op, FUNCTIONS["hardsigmoid"]) or not isinstance(layer, LAYERS):
            return
        is_quantized = all(isinstance(use.operation, QCastOp) for use in op.output.uses)
        weight = layer.weight.owner
        if not is_quantized or not op.input.has_one_use() or not isinstance(weight, DCastOp):
            return
        if activation_bounds(layer) != (None, None) or not is_known(weight.input):
            return
        if (bias := bias_values(layer)) is None:
            return
        offset = constant_op((bias.astype(np.float64) / 6 + 0.5).astype(np.float32), "bias")
        new_ops = [*scaled(weight, 1 / 6), offset]
        operands: list[SSAValue] = [layer.input, new_ops[-2].results[0], offset.result]
        properties = dict(layer.properties)
        properties.update(activation_min=FloatAttr(0.0, f32), activation_max=FloatAttr(1.0, f32))
        fused = layer.create(
            operands=operands,
            result_types=[op.output.type],
            properties=properties,
            attributes=dict(layer.attributes),
        )
        rewriter.replace(op, [*new_ops, fused])
        rewriter.erase(layer)


class FuseFactor(RewritePattern):
    """`x + dequantized * number` → `x + dequantized` with the number in the scale.

    For a positive number, if only sums and differences read the product. Exact except for the last
    bits of floats.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MulOp, rewriter: PatternRewriter) -> None:
        if not all(isinstance(use.operation, AddOp | SubOp) for use in op.output.uses):
            return
        for value, other in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
            number = constant_of(other)
            if not isinstance(value.owner, DCastOp) or number is None or number.size != 1:
                continue
            factor = float(number.reshape(-1)[0])
            scales = qtype_of(value.owner.input).params.scales * factor
            if value.type == op.output.type and (scales > 0).all() and np.isfinite(scales).all():
                rewriter.replace(op, scaled(value.owner, factor))
                return


@dataclass(frozen=True)
class FuseFactorsPass(ModulePass):
    """Fuse the factors of hardsigmoids and of scaled sums into quantized types.

    Exact except for the last bits of floats.
    """

    name = "fuse-factors"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, FuseHardsigmoid(), FuseFactor())
