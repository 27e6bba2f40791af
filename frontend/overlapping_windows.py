"""`col2im` of windows that overlap, as one sum, before annotation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.graph_building import filled_arguments, insert

aten = torch.ops.aten


def sum_of_windows(module: GraphModule, node: Node) -> Node | None:
    """`col2im`: a plane of the result for each place (i, j) of the kernel, and the sum of them.

    It is rounded once. The importer adds the planes one after the other, in float. None for windows
    that do not overlap, which only move, and for an empty result.
    """
    operand, size, kernel, dilation, padding, stride = filled_arguments(node)
    result = node.meta["val"]
    sides = zip(kernel, dilation, stride, strict=True)
    if result.numel() == 0 or all(k == 1 or (d == 1 and k <= s) for k, d, s in sides):
        return None

    def add(target: Callable[..., object], *args: Any) -> Node:
        return insert(module.graph, node, target, *args)

    rows, columns = (
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip(size, padding, dilation, kernel, stride, strict=True)
    )
    images = result[..., 0, 0].numel()  # of all samples and channels
    value = add(aten.reshape.default, operand, [images, kernel[0] * kernel[1], rows, 1, columns, 1])
    # Windows are `stride` apart.
    gaps = [0, stride[1] - 1, 0, 0, 0, stride[0] - 1]
    if any(gaps):
        value = add(aten.constant_pad_nd.default, value, gaps)
    spread = [rows * stride[0], columns * stride[1]]
    value = add(aten.reshape.default, value, [images, kernel[0] * kernel[1], *spread])
    planes = []
    for index in range(kernel[0] * kernel[1]):
        place = divmod(index, kernel[1])
        borders: list[int] = []
        for i, d, p, n, length in zip(place, dilation, padding, size, spread, strict=True):
            start = i * d - p
            borders = [start, n - start - length, *borders]  # the last dimension comes first
        plane = add(aten.slice.Tensor, value, 1, index, index + 1)
        planes.append(add(aten.constant_pad_nd.default, plane, borders))
    stacked = add(aten.cat.default, planes, 1)
    total = add(aten.sum.dim_IntList, stacked, [1])
    return add(aten.reshape.default, total, list(result.shape))
