"""Pools before annotation, as others that have an integer kernel."""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.graph_building import insert, multiplied

aten = torch.ops.aten


def pool_1d(module: GraphModule, node: Node) -> Node | None:
    """A pool over one dimension: a pool over two, the second of size 1."""
    operand: Any = node.args[0]
    value, result = operand.meta["val"], node.meta["val"]
    length, is_max = value.shape[-1], node.target is aten.max_pool1d.default
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
    if is_max and rest:
        dilation = rest[0] if isinstance(rest[0], int) else rest[0][0]
        rest[0] = [dilation, 1]
    target = aten.max_pool2d.default if is_max else aten.avg_pool2d.default
    plane = [value.numel() // (value.shape[-2] * length), value.shape[-2], length, 1]
    wide = insert(module.graph, node, aten.reshape.default, operand, plane)
    stride, padding = pair("stride", kernel[0], 1), pair("padding", 0, 0)
    pooled = insert(module.graph, node, target, wide, kernel, stride, padding, *rest)
    return insert(module.graph, node, aten.reshape.default, pooled, list(result.shape))


_POOL_DEFAULTS: tuple[Any, ...] = ((), (0, 0), False, True, None)


def average_with_divisor(module: GraphModule, node: Node) -> Node | None:
    """An average pool with its own divisor: one that divides by the window's size, and a product.

    With ceil_mode, windows that reach beyond the padding read zeros there.
    """
    arguments: tuple[Any, ...] = node.args
    operand, kernel, *rest = arguments
    stride, padding, ceil_mode, _, divisor = (*rest, *_POOL_DEFAULTS[len(rest) :])
    if divisor is None or operand.meta["val"].dim() not in (3, 4):
        return None
    if ceil_mode:
        operand = _padded_for_all_windows(module, node, operand, kernel, stride or kernel, padding)
        padding = (0, 0)
    size = kernel[0] * kernel[-1]
    pool = (kernel, stride or kernel, padding, False, True)
    pooled = insert(module.graph, node, aten.avg_pool2d.default, operand, *pool)
    return multiplied(module, node, pooled, size / divisor)


def _padded_for_all_windows(
    module: GraphModule, node: Node, operand: Node, kernel: Any, stride: Any, padding: Any
) -> Node:
    """The operand of a pool, padded with zeros such that no window reaches beyond."""
    sides: list[int] = []
    for axis in (-1, 0):  # the width, then the height
        size, count = (n.meta["val"].shape[-2:][axis] for n in (operand, node))
        before = padding[axis]
        reach = (count - 1) * stride[axis] + kernel[axis]
        sides += before, max(reach - size - before, 0)
    return insert(module.graph, node, aten.constant_pad_nd.default, operand, sides, 0.0)


def average_of_plane(module: GraphModule, node: Node) -> Node | None:
    """A mean of a whole image, or a pool whose result is one value: a pool of the image's size."""
    operand, dims = node.args[:2]
    if not isinstance(operand, Node) or operand.op == "get_attr" or node.kwargs.get("dtype"):
        return None
    shape, result = list(operand.meta["val"].shape), list(node.meta["val"].shape)
    if node.target is aten.mean.dim:
        is_whole = len(shape) == 4 and sorted(d % 4 for d in dims or ()) == [2, 3]  # type: ignore[union-attr,operator]
    else:
        is_whole = result[-2:] == [1, 1]
    if not is_whole:
        return None
    pool = (shape[-2:], [1, 1], [0, 0], False, False)
    pooled = insert(module.graph, node, aten.avg_pool2d.default, operand, *pool)
    if list(pooled.meta["val"].shape) == result:
        return pooled
    return insert(module.graph, node, aten.view.default, pooled, result)
