"""Rewrites, before calibration, of operators that write a part of a tensor or all of it.

A program without in-place operators has these for `y[:, 0] = z`, `y.fill_(0)` and `y.copy_(x)`.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.element_functions import MASKED, fill_masked
from cmopt.frontend.graph_building import attribute_of, insert, insert_constant, insert_number

aten = torch.ops.aten


def copied(module: GraphModule, node: Node) -> Node | None:
    """copy(x, y): y, expanded to the shape of x. A copy that converts the type stays."""
    target, source = node.args[:2]
    return _expanded(module, node, target, source)


def filled(module: GraphModule, node: Node) -> Node | None:
    """A tensor of one number, in the shape of another: a constant, or the number expanded."""
    value, name = node.meta["val"], str(node.target)
    if name.endswith("fill.Tensor"):
        return _expanded(module, node, *node.args[:2])
    number: Any = {"aten.zeros_like.default": 0, "aten.ones_like.default": 1}.get(name)
    if number is None:
        number = node.args[1]
    if isinstance(number, Node):
        return None
    constant = torch.full(tuple(value.shape), number, dtype=value.dtype)
    return insert_constant(module, node, constant)


def fill_where(module: GraphModule, node: Node) -> Node | None:
    """masked_fill(x, mask, number): a sum with a mask of -inf, or else `where`."""
    operand, mask, value = node.args
    if not isinstance(value, Node) and (masked := fill_masked(module, node)) is not None:
        return masked
    return _chosen(module, node, mask, value, operand)


def put_where(module: GraphModule, node: Node) -> Node | None:
    """index_put(x, [mask], value) of one value and a computed mask: `where`."""
    operand, indices, value = cast("tuple[Node, list[Node | None], Node]", node.args[:3])
    given = [index for index in indices if index is not None]
    if len(given) != 1 or len(node.args) > 3 or node.kwargs.get("accumulate"):
        return None
    (mask,) = given
    place = indices.index(mask)
    is_mask = mask.meta["val"].dtype == torch.bool and attribute_of(module, mask) is None
    if not is_mask or value.meta["val"].numel() != 1:
        return None
    behind = operand.meta["val"].dim() - place - mask.meta["val"].dim()
    if behind:
        shape = [*mask.meta["val"].shape, *[1] * behind]
        mask = insert(module.graph, node, aten.reshape.default, mask, shape)
    return _chosen(module, node, mask, value, operand)


def scattered_number(module: GraphModule, node: Node) -> Node:
    """scatter(x, dim, index, number): with a tensor of the number."""
    operand, dim, index, number = node.args
    shape = tuple(index.meta["val"].shape)  # type: ignore[union-attr]
    source = insert_constant(module, node, torch.full(shape, float(number)))  # type: ignore[arg-type]
    return insert(module.graph, node, aten.scatter.src, operand, dim, index, source)


def _expanded(module: GraphModule, node: Node, target: Any, source: Any) -> Node | None:
    """`source` in the shape of `target`; None if their types differ."""
    wanted, given = target.meta["val"], source.meta["val"]
    if wanted.dtype != given.dtype:
        return None
    if wanted.shape == given.shape:
        return insert(module.graph, node, aten.clone.default, source)
    return insert(module.graph, node, aten.expand.default, source, list(wanted.shape))


def _chosen(module: GraphModule, node: Node, mask: Any, value: Any, operand: Any) -> Node | None:
    """`value`, a number or a tensor of one element, where the mask is true; else `operand`.

    None for a large positive number, which would leave no step to the rest. Infinity takes no part
    of the range.
    """
    if not isinstance(value, Node) and -MASKED < value < torch.inf:
        return None
    rank = node.meta["val"].dim()
    if isinstance(value, Node):
        value = insert(module.graph, node, aten.reshape.default, value, [1] * rank)
    else:
        value = insert_number(module, node, -torch.inf if value < MASKED else value, rank)
    return insert(module.graph, node, aten.where.self, mask, value, operand)
