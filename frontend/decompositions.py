"""Rewrites that must happen before annotation, for the quantizer sees operators and not meaning.

Each gives an operator for which there is an integer kernel and changes no more than the last bit
of a float.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend import normalizations
from cmopt.frontend.graph_building import (
    attribute_of,
    constant_of,
    insert,
    insert_constant,
)

aten = torch.ops.aten


def _divide_by_constant(module: GraphModule, node: Node) -> Node | None:
    """x / c: x * (1 / c), for a divisor without zeros."""
    divisor = constant_of(module, node.args[1])
    if divisor is None or bool((divisor == 0).any()) or not isinstance(node.args[0], Node):
        return None
    reciprocal = insert_constant(module, node, 1 / divisor)
    return insert(module.graph, node, aten.mul.Tensor, node.args[0], reciprocal)


def _subtract(module: GraphModule, node: Node) -> Node | None:
    """x - alpha * c: x + (-alpha * c). Without a constant, `_add_scaled`."""
    constant = constant_of(module, node.args[1])
    if constant is None:
        return _add_scaled(module, node)
    if not isinstance(node.args[0], Node):
        return None
    alpha: Any = node.kwargs.get("alpha", 1)
    negated = insert_constant(module, node, constant * -alpha)
    return insert(module.graph, node, aten.add.Tensor, node.args[0], negated)


def _add_scaled(module: GraphModule, node: Node) -> Node | None:
    """x ± alpha * y with alpha other than 1: the product first."""
    alpha: Any = node.kwargs.get("alpha", 1)
    lhs, rhs = node.args[:2]
    if alpha == 1 or not isinstance(lhs, Node) or not isinstance(rhs, Node):
        return None
    if (constant := constant_of(module, rhs)) is not None:
        scaled = insert_constant(module, node, constant * alpha)
    else:
        shape = (1,) * rhs.meta["val"].dim()
        factor = insert_constant(module, node, torch.full(shape, float(alpha)))
        scaled = insert(module.graph, node, aten.mul.Tensor, rhs, factor)
    target: Any = node.target
    return insert(module.graph, node, target, lhs, scaled)


def _prelu(module: GraphModule, node: Node) -> Node | None:
    """x where positive, else w * x: a leaky relu, or the sum of both halves."""
    operand, slopes = node.args
    weight = constant_of(module, slopes)
    if weight is None or not isinstance(operand, Node):
        return None
    if weight.numel() == 1:
        return insert(module.graph, node, aten.leaky_relu.default, operand, float(weight))
    shape = [1, -1] + [1] * (operand.meta["val"].dim() - 2)
    factors = insert_constant(module, node, weight.reshape(shape))
    positive = insert(module.graph, node, aten.relu.default, operand)
    negative = insert(module.graph, node, aten.clamp.default, operand, None, 0.0)
    scaled = insert(module.graph, node, aten.mul.Tensor, negative, factors)
    return insert(module.graph, node, aten.add.Tensor, positive, scaled)


def _expand_as(module: GraphModule, node: Node) -> Node:
    """x expanded as y: to its shape, for the values of y have no part in it."""
    return insert(module.graph, node, aten.expand.default, node.args[0], [*node.meta["val"].shape])


def _clamp_by_number(module: GraphModule, node: Node) -> Node | None:
    """A bound in a tensor of one element: the number, which is not quantized."""
    operand, bound = node.args
    value = constant_of(module, bound)
    if value is None or value.numel() != 1 or not isinstance(operand, Node):
        return None
    if operand.meta["val"].shape != node.meta["val"].shape:
        return None
    return insert(module.graph, node, _BY_NUMBER[node.target], operand, float(value))


_BY_NUMBER: dict[object, Callable[..., object]] = {
    aten.clamp_min.Tensor: aten.clamp_min.default,
    aten.clamp_max.Tensor: aten.clamp_max.default,
}


def _relu6(module: GraphModule, node: Node) -> Node:
    """relu6(x): hardtanh(x, 0, 6), the spelling that ExecuTorch's quantizer fuses."""
    return insert(module.graph, node, aten.hardtanh.default, node.args[0], 0.0, 6.0)


def _pool_1d(module: GraphModule, node: Node) -> Node | None:
    """A pool over one dimension: over two, the second of size 1."""
    operand: Any = node.args[0]
    value, result = operand.meta["val"], node.meta["val"]
    length = value.shape[-1]
    given: dict[str, Any] = dict(zip(("kernel", "stride", "padding"), node.args[1:4], strict=False))
    rest: list[Any] = list(node.args[4:])
    if node.target is aten.adaptive_avg_pool1d.default:
        if length % result.shape[-1]:
            return None
        given, rest = {"kernel": length // result.shape[-1]}, []

    def pair(name: str, default: Any, unit: int) -> list[int]:
        number = given.get(name) or default
        return [number if isinstance(number, int) else number[0], unit]

    kernel = pair("kernel", None, 1)
    if node.target is aten.max_pool1d.default and rest:
        dilation = rest[0] if isinstance(rest[0], int) else rest[0][0]
        rest[0] = [dilation, 1]
    target = _POOLS_2D[node.target]
    plane = [value.numel() // (value.shape[-2] * length), value.shape[-2], length, 1]
    wide = insert(module.graph, node, aten.reshape.default, operand, plane)
    stride, padding = pair("stride", kernel[0], 1), pair("padding", 0, 0)
    pooled = insert(module.graph, node, target, wide, kernel, stride, padding, *rest)
    return insert(module.graph, node, aten.reshape.default, pooled, list(result.shape))


_POOLS_2D: dict[object, Callable[..., object]] = {
    aten.adaptive_avg_pool1d.default: aten.avg_pool2d.default,
    aten.avg_pool1d.default: aten.avg_pool2d.default,
    aten.max_pool1d.default: aten.max_pool2d.default,
}


def _conv_transpose_1d(module: GraphModule, node: Node) -> Node | None:
    """A transposed convolution over one dimension: over two, the second of size 1."""
    operand, matrix, *rest = node.args
    weight, value = constant_of(module, matrix), operand.meta["val"]  # type: ignore[union-attr]
    if weight is None or value.dim() != 3:
        return None
    bias, *numbers = rest or [None]
    defaults = [1, 0, 0, 1, 1]
    given = [*numbers, *defaults[len(numbers) :]]
    stride, padding, output_padding, groups, dilation = (
        n if isinstance(n, int) else n[0]  # type: ignore[index]
        for n in given
    )
    wide = insert(module.graph, node, aten.reshape.default, operand, [*value.shape, 1])
    weights = insert_constant(module, node, weight.unsqueeze(-1))
    window = [[stride, 1], [padding, 0], [output_padding, 0], groups, [dilation, 1]]
    target = aten.conv_transpose2d.input
    result = insert(module.graph, node, target, wide, weights, bias, *window)
    shape = list(node.meta["val"].shape)
    return insert(module.graph, node, aten.reshape.default, result, shape)


def _product_with_constant(module: GraphModule, node: Node) -> Node | None:
    """x @ w with a constant matrix: a linear layer."""
    operand, matrix = node.args
    value = constant_of(module, matrix)
    if value is None or value.dim() != 2 or not isinstance(operand, Node):
        return None
    weight = insert_constant(module, node, value.t().contiguous())
    return insert(module.graph, node, aten.linear.default, operand, weight)


def _affine(module: GraphModule, node: Node) -> Node | None:
    """b + x @ w: a linear layer with a constant matrix and vector, else a product and a sum."""
    bias, operand, matrix = node.args
    if node.kwargs or not isinstance(operand, Node):
        return None
    value, vector = constant_of(module, matrix), constant_of(module, bias)
    if value is None or vector is None or vector.shape != value.shape[1:]:
        product = insert(module.graph, node, aten.mm.default, operand, matrix)
        return insert(module.graph, node, aten.add.Tensor, product, bias)
    weight = insert_constant(module, node, value.t().contiguous())
    return insert(module.graph, node, aten.linear.default, operand, weight, bias)


def reverse_subtractions(module: GraphModule) -> None:
    """Replace c - alpha * x with a number c (`rsub`) by `sub` of a constant tensor, in place."""
    for node in list(module.graph.nodes):
        if node.target is not aten.rsub.Scalar or not node.meta["val"].dtype.is_floating_point:
            continue
        operand, number, *rest = node.args
        alpha = rest[0] if rest else node.kwargs.get("alpha", 1)
        with module.graph.inserting_before(node):
            shape = (1,) * operand.meta["val"].dim()
            constant = insert_constant(module, node, torch.full(shape, float(number)))
            difference = insert(module.graph, node, aten.sub.Tensor, constant, operand)
        if alpha != 1:
            difference.kwargs = {"alpha": alpha}  # the shape stays
        node.replace_all_uses_with(difference)
        module.graph.erase_node(node)
    module.recompile()


_ARITHMETIC = {aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.div.Tensor}


def name_leading_numbers(module: GraphModule) -> None:
    """Make a number in front of a tensor, as in `1 - x`, a constant tensor, in place.

    ExecuTorch's rewrite of numbers drops the tensor behind it.
    """
    for node in list(module.graph.nodes):
        if node.target not in _ARITHMETIC or not isinstance(node.args[0], int | float):
            continue
        number, operand, *rest = node.args
        if not isinstance(operand, Node) or not node.meta["val"].dtype.is_floating_point:
            continue
        with module.graph.inserting_before(node):
            shape = (1,) * operand.meta["val"].dim()
            constant = insert_constant(module, node, torch.full(shape, float(number)))
        node.args = (constant, operand, *rest)
    module.recompile()


MASKED = -1e4
"""A constant of zeros and of numbers below this, added to something, is a mask."""


def _fill_masked(module: GraphModule, node: Node) -> Node | None:
    """Where a constant mask is true, a lot less than nothing: the sum with a mask of -inf."""
    operand, where, value = node.args
    mask = attribute_of(module, where)
    if mask is None or not isinstance(value, int | float) or value >= MASKED:
        return None
    zeros = torch.zeros(mask.shape).masked_fill(mask, -torch.inf)
    return insert(
        module.graph, node, aten.add.Tensor, operand, insert_constant(module, node, zeros)
    )


def mark_masks(module: GraphModule) -> None:
    """Write the "minus a lot" of masks that are added as -inf, in place; add those that fill."""
    _rewrite(module, {aten.masked_fill.Scalar: _fill_masked})
    for node in list(module.graph.nodes):
        if node.target not in (aten.add.Tensor, aten.add_.Tensor):
            continue
        for operand in node.all_input_nodes:
            value = constant_of(module, operand)
            if value is None or not bool((value < MASKED).any()):
                continue
            if bool(((value == 0) | (value < MASKED)).all()):
                with module.graph.inserting_before(node):
                    mask = value.masked_fill(value < MASKED, -torch.inf)
                    marked = insert_constant(module, operand, mask)
                node.replace_input_with(operand, marked)
    module.recompile()


Rewrites: TypeAlias = dict[object, Callable[[GraphModule, Node], Node | None]]

# On the graph as exported: ExecuTorch's own rewrites expect none of these.
_PRODUCTS: Rewrites = {
    aten.addmm.default: _affine,
    aten.matmul.default: _product_with_constant,
    aten.mm.default: _product_with_constant,
}
# When numbers have become tensors.
_REWRITES: Rewrites = {
    aten.div.Tensor: _divide_by_constant,
    aten.sub.Tensor: _subtract,
    aten.add.Tensor: _add_scaled,
    aten.group_norm.default: normalizations.group_norm,
    aten.instance_norm.default: normalizations.instance_norm,
    aten.layer_norm.default: normalizations.layer_norm,
    aten.linalg_vector_norm.default: normalizations.vector_norm,
    aten.rms_norm.default: normalizations.rms_norm,
    aten.var.correction: normalizations.variance,
    aten.var.dim: normalizations.variance,
    aten.conv_transpose1d.default: _conv_transpose_1d,
    **dict.fromkeys(_POOLS_2D, _pool_1d),
    **dict.fromkeys(_BY_NUMBER, _clamp_by_number),
    aten.expand_as.default: _expand_as,
    aten.prelu.default: _prelu,
    aten.relu6.default: _relu6,
    aten.relu6_.default: _relu6,
}


def prepare_products(module: GraphModule) -> None:
    """Make products with a constant matrix linear layers, in place.

    A constant in any other `matmul` is put behind a copy, for ExecuTorch's rewrite of `matmul`
    takes no constants.
    """
    _rewrite(module, _PRODUCTS)
    for node in list(module.graph.nodes):
        if node.target is not aten.matmul.default:
            continue
        for operand in node.all_input_nodes:
            if operand.op == "get_attr":
                with module.graph.inserting_before(node):
                    copied = insert(module.graph, operand, aten.clone.default, operand)
                node.replace_input_with(operand, copied)
    module.recompile()


def decompose_for_annotation(module: GraphModule) -> None:
    """Apply the other rewrites of this file, in place. Expects scalars to be tensors already."""
    _rewrite(module, _REWRITES)


def _rewrite(module: GraphModule, rewrites: Rewrites) -> None:
    changed = False
    for node in list(module.graph.nodes):
        rewrite = rewrites.get(node.target)
        value = node.meta.get("val")
        if rewrite is None or not isinstance(value, torch.Tensor):
            continue
        if not value.dtype.is_floating_point:
            continue
        with module.graph.inserting_before(node):
            replacement = rewrite(module, node)
        if replacement is not None:
            node.replace_all_uses_with(replacement)
            module.graph.erase_node(node)
            changed = True
    if changed:
        module.graph.eliminate_dead_code()
        module.graph.lint()
        module.recompile()
