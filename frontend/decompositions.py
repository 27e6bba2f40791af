"""Rewrites that must happen before annotation, for the quantizer sees operators and not meaning.

Each gives an operator for which there is an integer kernel and changes no more than the last bit
of a float.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch.fx import Graph, GraphModule, Node

aten = torch.ops.aten


def _constant(module: GraphModule, node: object) -> torch.Tensor | None:
    """The value of a float constant node, else None."""
    if not isinstance(node, Node) or node.op != "get_attr":
        return None
    value: object = module
    for name in str(node.target).split("."):
        value = getattr(value, name)
    if isinstance(value, torch.Tensor) and value.dtype.is_floating_point:
        return value.detach()
    return None


def _insert(graph: Graph, like: Node, target: Callable[..., object], *args: Any) -> Node:
    """A call with the source location of `like`."""
    node = graph.call_function(target, args)
    node.meta = {k: v for k, v in like.meta.items() if k != "from_node"}
    node.meta["val"] = target(*torch.fx.node.map_arg(args, lambda n: n.meta["val"]))
    return node


def _insert_constant(module: GraphModule, like: Node, value: torch.Tensor) -> Node:
    index = 0
    while hasattr(module, name := f"_derived_constant_{index}"):
        index += 1
    module.register_buffer(name, value)
    node = module.graph.get_attr(name)
    mode = like.meta["val"].fake_mode
    node.meta = {k: v for k, v in like.meta.items() if k != "from_node"}
    node.meta["val"] = mode.from_tensor(value, static_shapes=True)
    return node


def _divide_by_constant(module: GraphModule, node: Node) -> Node | None:
    """x / c: x * (1 / c), for a divisor without zeros."""
    divisor = _constant(module, node.args[1])
    if divisor is None or bool((divisor == 0).any()) or not isinstance(node.args[0], Node):
        return None
    reciprocal = _insert_constant(module, node, 1 / divisor)
    return _insert(module.graph, node, aten.mul.Tensor, node.args[0], reciprocal)


def _subtract(module: GraphModule, node: Node) -> Node | None:
    """x - alpha * c: x + (-alpha * c). Without a constant, `_add_scaled`."""
    constant = _constant(module, node.args[1])
    if constant is None:
        return _add_scaled(module, node)
    if not isinstance(node.args[0], Node):
        return None
    alpha: Any = node.kwargs.get("alpha", 1)
    negated = _insert_constant(module, node, constant * -alpha)
    return _insert(module.graph, node, aten.add.Tensor, node.args[0], negated)


def _add_scaled(module: GraphModule, node: Node) -> Node | None:
    """x ± alpha * y with alpha other than 1: the product first."""
    alpha: Any = node.kwargs.get("alpha", 1)
    lhs, rhs = node.args[:2]
    if alpha == 1 or not isinstance(lhs, Node) or not isinstance(rhs, Node):
        return None
    if (constant := _constant(module, rhs)) is not None:
        scaled = _insert_constant(module, node, constant * alpha)
    else:
        shape = (1,) * rhs.meta["val"].dim()
        factor = _insert_constant(module, node, torch.full(shape, float(alpha)))
        scaled = _insert(module.graph, node, aten.mul.Tensor, rhs, factor)
    target: Any = node.target
    return _insert(module.graph, node, target, lhs, scaled)


def _prelu(module: GraphModule, node: Node) -> Node | None:
    """x where positive, else w * x: a leaky relu, or the sum of both halves."""
    operand, slopes = node.args
    weight = _constant(module, slopes)
    if weight is None or not isinstance(operand, Node):
        return None
    if weight.numel() == 1:
        return _insert(module.graph, node, aten.leaky_relu.default, operand, float(weight))
    shape = [1, -1] + [1] * (operand.meta["val"].dim() - 2)
    factors = _insert_constant(module, node, weight.reshape(shape))
    positive = _insert(module.graph, node, aten.relu.default, operand)
    negative = _insert(module.graph, node, aten.clamp.default, operand, None, 0.0)
    scaled = _insert(module.graph, node, aten.mul.Tensor, negative, factors)
    return _insert(module.graph, node, aten.add.Tensor, positive, scaled)


def _relu6(module: GraphModule, node: Node) -> Node:
    """relu6(x): hardtanh(x, 0, 6), the spelling that ExecuTorch's quantizer fuses."""
    return _insert(module.graph, node, aten.hardtanh.default, node.args[0], 0.0, 6.0)


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
    wide = _insert(module.graph, node, aten.reshape.default, operand, plane)
    stride, padding = pair("stride", kernel[0], 1), pair("padding", 0, 0)
    pooled = _insert(module.graph, node, target, wide, kernel, stride, padding, *rest)
    return _insert(module.graph, node, aten.reshape.default, pooled, list(result.shape))


_POOLS_2D: dict[object, Callable[..., object]] = {
    aten.adaptive_avg_pool1d.default: aten.avg_pool2d.default,
    aten.avg_pool1d.default: aten.avg_pool2d.default,
    aten.max_pool1d.default: aten.max_pool2d.default,
}


def _conv_transpose_1d(module: GraphModule, node: Node) -> Node | None:
    """A transposed convolution over one dimension: over two, the second of size 1."""
    operand, matrix, *rest = node.args
    weight, value = _constant(module, matrix), operand.meta["val"]  # type: ignore[union-attr]
    if weight is None or value.dim() != 3:
        return None
    bias, *numbers = rest or [None]
    defaults = [1, 0, 0, 1, 1]
    given = [*numbers, *defaults[len(numbers) :]]
    stride, padding, output_padding, groups, dilation = (
        n if isinstance(n, int) else n[0]  # type: ignore[index]
        for n in given
    )
    wide = _insert(module.graph, node, aten.reshape.default, operand, [*value.shape, 1])
    weights = _insert_constant(module, node, weight.unsqueeze(-1))
    window = [[stride, 1], [padding, 0], [output_padding, 0], groups, [dilation, 1]]
    target = aten.conv_transpose2d.input
    result = _insert(module.graph, node, target, wide, weights, bias, *window)
    shape = list(node.meta["val"].shape)
    return _insert(module.graph, node, aten.reshape.default, result, shape)


def _batch_norm(module: GraphModule, node: Node) -> Node | None:
    """A batch norm that no convolution or linear layer has taken in: a product and a sum."""
    operand, weight, bias, mean, variance, training, _, epsilon = node.args[:8]
    statistics = [_constant(module, n) for n in (mean, variance)]
    if training or not isinstance(operand, Node) or None in statistics:
        return None
    running_mean, running_variance = statistics
    assert running_mean is not None and running_variance is not None
    factor = torch.rsqrt(running_variance.add(float(epsilon)))  # type: ignore[arg-type]
    if weight is not None:
        scale = _constant(module, weight)
        if scale is None:
            return None
        factor = factor * scale
    shift = -running_mean * factor
    if bias is not None:
        offset = _constant(module, bias)
        if offset is None:
            return None
        shift = shift + offset
    shape = [1, -1] + [1] * (operand.meta["val"].dim() - 2)
    factors = _insert_constant(module, node, factor.reshape(shape))
    product = _insert(module.graph, node, aten.mul.Tensor, operand, factors)
    shifts = _insert_constant(module, node, shift.reshape(shape))
    return _insert(module.graph, node, aten.add.Tensor, product, shifts)


def _product_with_constant(module: GraphModule, node: Node) -> Node | None:
    """x @ w with a constant matrix: a linear layer."""
    operand, matrix = node.args
    value = _constant(module, matrix)
    if value is None or value.dim() != 2 or not isinstance(operand, Node):
        return None
    weight = _insert_constant(module, node, value.t().contiguous())
    return _insert(module.graph, node, aten.linear.default, operand, weight)


def _affine_with_constant(module: GraphModule, node: Node) -> Node | None:
    """b + x @ w with a constant matrix and vector: a linear layer."""
    bias, operand, matrix = node.args
    value, vector = _constant(module, matrix), _constant(module, bias)
    if value is None or vector is None or node.kwargs or not isinstance(operand, Node):
        return None
    if vector.shape != value.shape[1:]:
        return None
    weight = _insert_constant(module, node, value.t().contiguous())
    return _insert(module.graph, node, aten.linear.default, operand, weight, bias)


def reverse_subtractions(module: GraphModule) -> None:
    """Replace c - alpha * x with a number c (`rsub`) by `sub` of a constant tensor, in place."""
    for node in list(module.graph.nodes):
        if node.target is not aten.rsub.Scalar or not node.meta["val"].dtype.is_floating_point:
            continue
        operand, number, *rest = node.args
        alpha = rest[0] if rest else node.kwargs.get("alpha", 1)
        with module.graph.inserting_before(node):
            shape = (1,) * operand.meta["val"].dim()
            constant = _insert_constant(module, node, torch.full(shape, float(number)))
            difference = _insert(module.graph, node, aten.sub.Tensor, constant, operand)
        if alpha != 1:
            difference.kwargs = {"alpha": alpha}  # the shape stays
        node.replace_all_uses_with(difference)
        module.graph.erase_node(node)
    module.recompile()


_MASKED = -1e4
"""A constant of zeros and of numbers below this, added to something, is a mask."""


def mark_masks(module: GraphModule) -> None:
    """Write the "minus a lot" of masks that are added as -inf, in place."""
    for node in list(module.graph.nodes):
        if node.target not in (aten.add.Tensor, aten.add_.Tensor):
            continue
        for operand in node.all_input_nodes:
            value = _constant(module, operand)
            if value is None or not bool((value < _MASKED).any()):
                continue
            if bool(((value == 0) | (value < _MASKED)).all()):
                with module.graph.inserting_before(node):
                    mask = value.masked_fill(value < _MASKED, -torch.inf)
                    marked = _insert_constant(module, operand, mask)
                node.replace_input_with(operand, marked)
    module.recompile()


Rewrites: TypeAlias = dict[object, Callable[[GraphModule, Node], Node | None]]

# On the graph as exported: ExecuTorch's own rewrites expect none of these.
_PRODUCTS: Rewrites = {
    aten.addmm.default: _affine_with_constant,
    aten.matmul.default: _product_with_constant,
    aten.mm.default: _product_with_constant,
}
# When numbers have become tensors.
_REWRITES: Rewrites = {
    aten.div.Tensor: _divide_by_constant,
    aten.sub.Tensor: _subtract,
    aten.add.Tensor: _add_scaled,
    aten.batch_norm.default: _batch_norm,
    aten.conv_transpose1d.default: _conv_transpose_1d,
    **dict.fromkeys(_POOLS_2D, _pool_1d),
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
                    copied = _insert(module.graph, operand, aten.clone.default, operand)
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
