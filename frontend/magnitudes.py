"""Magnitudes of complex numbers in int16: `sqrt(a² + b²)` becomes one `hypot`.

A square has twice the digits of its operand, so in int16 a square of a small value is 0. As one
operator only `a`, `b` and the magnitude are rounded. In int8 the parts stay: the operator library
has kernels for them, and none for `hypot`.
"""

from __future__ import annotations

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.graph_building import attribute_of, finish_rewrite, insert
from cmopt.frontend.operators import BINARY, FUNCTIONS_OF_ELEMENTS
from cmopt.frontend.overloads import operator_name
from cmopt.frontend.precision import choice_of

aten = torch.ops.aten

_OF_TWO = {name.partition(".")[0] for op in BINARY for name in op.ATEN}


def name_magnitudes(module: GraphModule) -> None:
    """Replace `sqrt(a² + b²)` in int16 by `hypot(a, b)`, in place.

    Where another function of one element reads `a² + b²`, as `log` or a sum with a number, this
    becomes `hypot(a, b)²`, which is part of the function's table.
    """
    changed = False
    for node in list(module.graph.nodes):
        found = _sum_of_squares(node)
        if found is None or not choice_of(node).is_wide:
            continue
        readers = list(node.users)
        are_roots = all(map(_is_root, readers))
        if not are_roots and not all(_is_function(module, reader) for reader in readers):
            continue
        with module.graph.inserting_before(node):
            magnitude = insert(module.graph, node, aten.hypot.default, *found)
            square = insert(module.graph, node, aten.square.default, magnitude)
        for reader in readers:
            if _is_root(reader):
                reader.replace_all_uses_with(magnitude)
            else:
                reader.replace_input_with(node, square)
        changed = True
    if changed:
        finish_rewrite(module)


def _sum_of_squares(node: Node) -> tuple[Node, Node] | None:
    """What is squared in a sum of two squares of one shape that are read nowhere else."""
    if node.target is not aten.add.Tensor or node.kwargs.get("alpha", 1) != 1:
        return None
    squares = node.all_input_nodes
    roots = [_squared(square) for square in squares]
    if len(squares) != 2 or any(len(square.users) != 1 for square in squares):
        return None
    first, second = roots
    if first is None or second is None or first.meta["val"].shape != second.meta["val"].shape:
        return None
    return first, second


def _squared(node: Node) -> Node | None:
    """What a node is the square of."""
    is_power = node.target is aten.pow.Tensor_Scalar and node.args[1] == 2
    is_product = node.target is aten.mul.Tensor and node.args[0] is node.args[1]
    if not (is_power or is_product or node.target is aten.square.default):
        return None
    (source,) = node.all_input_nodes
    return source if source.meta["val"].dtype == torch.float32 else None


def _is_root(node: Node) -> bool:
    is_power = node.target is aten.pow.Tensor_Scalar and node.args[1] == 0.5
    return bool(is_power) or node.target is aten.sqrt.default


def _is_function(module: GraphModule, node: Node) -> bool:
    """Whether a node is a function of each element of one tensor, and perhaps of a number."""
    if operator_name(node) in FUNCTIONS_OF_ELEMENTS:
        return True
    constants = [attribute_of(module, operand) for operand in node.all_input_nodes]
    numbers = [value for value in constants if value is not None and value.numel() == 1]
    return operator_name(node) in _OF_TWO and len(numbers) == len(constants) - 1 == 1
