"""Functions of elements, before annotation, as others that have a table or an integer kernel."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.graph_building import (
    attribute_of,
    insert,
    insert_constant,
    insert_number,
    multiplied,
)

aten = torch.ops.aten


def copy_sign(module: GraphModule, node: Node) -> Node | None:
    """copysign(x, y): |x|, times -1 where y < 0. No quantized value is -0."""
    arguments: Any = node.args
    value, sign = arguments
    if not _is_float(value):
        return None
    size = insert(module.graph, node, aten.abs.default, value)
    if not isinstance(sign, Node):
        return multiplied(module, node, size, math.copysign(1, sign))
    factor = _by_sign(module, node, sign, -1.0, 1.0)
    return insert(module.graph, node, aten.mul.Tensor, size, factor)


def sign_bit(module: GraphModule, node: Node) -> Node | None:
    """signbit(x): x < 0. No quantized value is -0."""
    return insert(module.graph, node, aten.lt.Scalar, node.args[0], 0)


def angle(module: GraphModule, node: Node) -> Node | None:
    """angle(x) of a real number: pi where x < 0, else 0."""
    if not _is_float(node.args[0]):
        return None
    return _by_sign(module, node, node.args[0], math.pi, 0.0)


def heaviside(module: GraphModule, node: Node) -> Node | None:
    """heaviside(x, v): 0 where x < 0, v where x is 0, else 1."""
    operand, value = node.args
    if not _is_float(operand):
        return None
    positive = insert(module.graph, node, aten.gt.Scalar, operand, 0)
    step = _choice(module, node, positive, 1.0, 0.0)
    is_zero = insert(module.graph, node, aten.eq.Scalar, operand, 0)
    return insert(module.graph, node, aten.where.self, is_zero, value, step)


def times_logarithm(module: GraphModule, node: Node) -> Node | None:
    """xlogy(x, y): x * log(y), and 0 where x is 0. One of them may be a number."""
    arguments: Any = node.args
    factor, operand = arguments
    if not all(_is_float(value) for value in node.all_input_nodes):
        return None
    if not isinstance(operand, Node):
        return multiplied(module, node, factor, math.log(operand)) if operand > 0 else None
    logarithm = insert(module.graph, node, aten.log.default, operand)
    if not isinstance(factor, Node):
        return multiplied(module, node, logarithm, factor) if factor else None
    product = insert(module.graph, node, aten.mul.Tensor, factor, logarithm)
    is_zero = insert(module.graph, node, aten.eq.Scalar, factor, 0)
    return insert(module.graph, node, aten.where.ScalarSelf, is_zero, 0.0, product)


def truth_of_floats(module: GraphModule, node: Node) -> Node | None:
    """A logical operator of floats: that of the truths, which are `x != 0`."""
    operands: Any = node.args
    if not any(map(_is_float, operands)):
        return None
    truths = [
        insert(module.graph, node, aten.ne.Scalar, operand, 0) if _is_float(operand) else operand
        for operand in operands
    ]
    target: Any = node.target
    return insert(module.graph, node, target, *truths)


def by_power_of_two(module: GraphModule, node: Node) -> Node | None:
    """ldexp(x, n) with constant n: x * 2^n."""
    operand, exponent = node.args
    value = attribute_of(module, exponent)
    if value is None or not _is_float(operand):
        return None
    power = insert_constant(module, node, torch.exp2(value.float()))
    return insert(module.graph, node, aten.mul.Tensor, operand, power)


def interpolate(module: GraphModule, node: Node) -> Node:
    """lerp(x, y, w): x + w * (y - x)."""
    start, end, weight = node.args
    difference = insert(module.graph, node, aten.sub.Tensor, end, start)
    if isinstance(weight, Node):
        part = insert(module.graph, node, aten.mul.Tensor, weight, difference)
    else:
        part = multiplied(module, node, difference, weight)
    return insert(module.graph, node, aten.add.Tensor, start, part)


def _by_sign(module: GraphModule, like: Node, value: Any, negative: float, other: float) -> Node:
    """One number where a value is below 0, else another."""
    is_negative = insert(module.graph, like, aten.lt.Scalar, value, 0)
    return _choice(module, like, is_negative, negative, other)


def _choice(module: GraphModule, like: Node, where: Node, yes: float, no: float) -> Node:
    rank = where.meta["val"].dim()
    numbers = [insert_number(module, like, number, rank) for number in (yes, no)]
    return insert(module.graph, like, aten.where.self, where, *numbers)


def _is_float(value: object) -> bool:
    return isinstance(value, Node) and value.meta["val"].dtype == torch.float32
