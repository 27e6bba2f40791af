"""Rewrites that must happen before annotation, for the quantizer sees operators and not meaning.

Each gives an operator for which there is an integer kernel and changes no more than the last bit
of a float.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

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


def _subtract_constant(module: GraphModule, node: Node) -> Node | None:
    """x - alpha * c: x + (-alpha * c)."""
    constant = _constant(module, node.args[1])
    if constant is None or not isinstance(node.args[0], Node):
        return None
    alpha: Any = node.kwargs.get("alpha", 1)
    negated = _insert_constant(module, node, constant * -alpha)
    return _insert(module.graph, node, aten.add.Tensor, node.args[0], negated)


def _add_scaled(module: GraphModule, node: Node) -> Node | None:
    """x + alpha * y with alpha other than 1: the product first."""
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
    return _insert(module.graph, node, aten.add.Tensor, lhs, scaled)


def _square(module: GraphModule, node: Node) -> Node | None:
    """x ** 2: x * x."""
    operand, exponent = node.args
    if exponent != 2:
        return None
    return _insert(module.graph, node, aten.mul.Tensor, operand, operand)


def _mean(module: GraphModule, node: Node) -> Node | None:
    """A mean over some dimensions: an average pool over all of one axis.

    The reduced dimensions go last and are merged into one, as are the others.
    """
    operand = node.args[0]
    value, result = operand.meta["val"], node.meta["val"]  # type: ignore[union-attr]
    dims = [d % value.dim() for d in node.args[1] or range(value.dim())]  # type: ignore[union-attr]
    if value.dtype != result.dtype or value.numel() == 0:
        return None
    kept = [d for d in range(value.dim()) if d not in dims]
    if (order := kept + sorted(dims)) != list(range(value.dim())):
        operand = _insert(module.graph, node, aten.permute.default, operand, order)
    length = math.prod(value.shape[d] for d in dims)
    plane = [1, value.numel() // length, length, 1]
    plane_of = _insert(module.graph, node, aten.reshape.default, operand, plane)
    pooled = _insert(module.graph, node, aten.avg_pool2d.default, plane_of, [length, 1])
    return _insert(module.graph, node, aten.reshape.default, pooled, list(result.shape))


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


_REWRITES: dict[object, Callable[[GraphModule, Node], Node | None]] = {
    aten.div.Tensor: _divide_by_constant,
    aten.sub.Tensor: _subtract_constant,
    aten.add.Tensor: _add_scaled,
    aten.mean.dim: _mean,
    aten.pow.Tensor_Scalar: _square,
}


def decompose_for_annotation(module: GraphModule) -> None:
    """Apply every rewrite of this file once, in place. Expects scalars to be tensors already."""
    changed = False
    for node in list(module.graph.nodes):
        rewrite = _REWRITES.get(node.target)
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
