"""Medians, k-th values and sorted lines, as `topk` before annotation: its kernel moves integers."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.graph_building import filled_arguments, insert
from cmopt.frontend.overloads import reads_more_than_first

aten = torch.ops.aten


def median(module: GraphModule, node: Node) -> Node | tuple[Node, Node] | None:
    """median(x) or median(x, dim): of an even number, the lower of the two in the middle."""
    operand, *rest = filled_arguments(node)
    if rest:
        dim, keep = rest
        size = operand.meta["val"].shape[dim] if operand.meta["val"].dim() else 1
        return _smallest(module, node, operand, (size + 1) // 2, dim, keep)
    line = insert(module.graph, node, aten.reshape.default, operand, [-1])
    found = _smallest(module, node, line, (line.meta["val"].numel() + 1) // 2, 0, False)
    return None if found is None else found[0]


def kth_value(module: GraphModule, node: Node) -> tuple[Node, Node] | None:
    """kthvalue(x, k, dim)."""
    return _smallest(module, node, *filled_arguments(node))


def sorted_line(module: GraphModule, node: Node) -> tuple[Node, Node] | None:
    """sort(x, dim, descending): the `topk` of all elements.

    Of equal elements, any comes first. None if their order is asked for, that is if the sort is
    stable and its places are read; and for a tensor without dimensions or without elements.
    """
    operand, *rest = filled_arguments(node)
    stable, dim, descending = rest if len(rest) == 3 else (False, *rest)
    value = operand.meta["val"]
    if not value.dim() or not value.numel() or (stable and reads_more_than_first(node)):
        return None
    count = value.shape[dim]
    pair = insert(module.graph, node, aten.topk.default, operand, count, dim, descending, True)
    first, second = (insert(module.graph, node, operator.getitem, pair, i) for i in (0, 1))
    return first, second


def _smallest(
    module: GraphModule, node: Node, operand: Any, count: int, dim: int, keep: bool
) -> tuple[Node, Node] | None:
    """The last of the `count` smallest elements, and its place: of equal ones any. By `topk`.

    None for a tensor without dimensions or without elements.
    """
    value = operand.meta["val"]
    if not value.dim() or not value.numel():
        return None
    pair = insert(module.graph, node, aten.topk.default, operand, count, dim, False, True)
    parts = [insert(module.graph, node, operator.getitem, pair, index) for index in (0, 1)]
    target, last = (aten.narrow.default, [1]) if keep else (aten.select.int, [])
    values, places = (
        insert(module.graph, node, target, part, dim, count - 1, *last) for part in parts
    )
    return values, places
