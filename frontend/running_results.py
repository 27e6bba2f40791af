"""Products along a dimension, and running sums, products and extremes, before annotation."""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import GraphModule, Node

from cmopt.arithmetic.running_sums import LONGEST_SUM, triangle
from cmopt.frontend.graph_building import filled_arguments, insert, insert_constant
from cmopt.frontend.overloads import operator_name, reads_more_than_first

aten = torch.ops.aten

LONGEST_PRODUCT = 64
"""A product of more elements stays one float call: their range leaves int8 no step."""


def running_sum(module: GraphModule, node: Node) -> Node | None:
    """A cumulative sum: the product with a triangle of ones, which int8 weights hold exactly. That
    of a tensor without dimensions is itself."""
    arguments: Any = node.args
    operand, dim = arguments[:2]
    if node.kwargs:
        return None
    if not operand.meta["val"].dim():
        return operand  # type: ignore[no-any-return]
    size = operand.meta["val"].shape[dim]
    if size > LONGEST_SUM:
        return None
    ones = insert_constant(module, node, torch.from_numpy(triangle(size)).float())
    rows = insert(module.graph, node, aten.transpose.int, operand, dim, -1)
    sums = insert(module.graph, node, aten.linear.default, rows, ones)
    return insert(module.graph, node, aten.transpose.int, sums, dim, -1)


def product(module: GraphModule, node: Node) -> Node | None:
    """prod(x) or prod(x, dim): one half times the other, until one element is left."""
    operand, *rest = filled_arguments(node)
    if rest.pop() is not None or operand.meta["val"].dtype != torch.float32:
        return None
    dim = rest[0] if rest else 0
    if not rest:
        operand = insert(module.graph, node, aten.reshape.default, operand, [-1])
    shape = operand.meta["val"].shape
    if not shape or not 1 <= shape[dim] <= LONGEST_PRODUCT:
        return None
    size, left = shape[dim], []
    while size > 1:
        half = size // 2
        if size % 2:
            left.append(_part(module, node, operand, dim, size - 1, 1))
        halves = [_part(module, node, operand, dim, start, half) for start in (0, half)]
        operand = insert(module.graph, node, aten.mul.Tensor, *halves)
        size = half
    for one in left:
        operand = insert(module.graph, node, aten.mul.Tensor, operand, one)
    return insert(module.graph, node, aten.reshape.default, operand, [*node.meta["val"].shape])


def running_product(module: GraphModule, node: Node) -> Node | None:
    """cumprod(x, dim)."""
    operand, dim, dtype = filled_arguments(node)
    return None if dtype is not None else _running(module, node, operand, dim, aten.mul.Tensor)


def running_extremum(module: GraphModule, node: Node) -> tuple[Node, Node] | None:
    """cummax(x, dim) or cummin(x, dim). None if the places are read."""
    if reads_more_than_first(node):
        return None
    target = aten.maximum if operator_name(node) == "cummax" else aten.minimum
    operand, dim = filled_arguments(node)
    values = _running(module, node, operand, dim, target.default)
    return None if values is None else (values, values)


def _running(module: GraphModule, node: Node, value: Node, dim: int, target: Any) -> Node | None:
    """The result at each place over all elements up to it: after step k, over the last 2^k.

    n elements take log2(n) steps, so a value passes few roundings.
    """
    shape = value.meta["val"].shape
    if value.meta["val"].dtype != torch.float32 or not value.meta["val"].numel():
        return None
    if not shape:
        return value
    step = 1
    while step < (size := shape[dim]):
        here, before = (_part(module, node, value, dim, start, size - step) for start in (step, 0))
        joined = insert(module.graph, node, target, here, before)
        first = _part(module, node, value, dim, 0, step)
        value = insert(module.graph, node, aten.cat.default, [first, joined], dim)
        step *= 2
    return value


def _part(module: GraphModule, node: Node, value: Any, dim: int, start: int, size: int) -> Node:
    return insert(module.graph, node, aten.narrow.default, value, dim, start, size)
