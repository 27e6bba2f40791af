"""Functions of elements before annotation, as others that have an integer kernel or a table.

Each changes at most the last bit of a float. `operators` lists the rewrite of each operator, and
`rewriting` applies them.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.graph_building import (
    attribute_of,
    constant_of,
    filled_arguments,
    insert,
    insert_constant,
    insert_number,
    multiplied,
)
from cmopt.frontend.overloads import operator_name
from cmopt.frontend.precision import choice_of

aten = torch.ops.aten


def divide_by_constant(module: GraphModule, node: Node) -> Node | None:
    """x / c: x * (1 / c), for a divisor without zeros."""
    divisor = constant_of(module, node.args[1])
    if divisor is None or bool((divisor == 0).any()) or not isinstance(node.args[0], Node):
        return None
    reciprocal = insert_constant(module, node, 1 / divisor)
    return insert(module.graph, node, aten.mul.Tensor, node.args[0], reciprocal)


def subtract(module: GraphModule, node: Node) -> Node | None:
    """x - alpha * c: x + (-alpha * c). Without a constant, `add_scaled`."""
    constant = constant_of(module, node.args[1])
    if constant is None:
        return add_scaled(module, node)
    if not isinstance(node.args[0], Node):
        return None
    alpha: Any = node.kwargs.get("alpha", 1)
    negated = insert_constant(module, node, constant * -alpha)
    return insert(module.graph, node, aten.add.Tensor, node.args[0], negated)


def add_scaled(module: GraphModule, node: Node) -> Node | None:
    """x ± alpha * y with alpha other than 1: the product with |alpha| first.

    A negative one makes a sum a difference, and a difference a sum.
    """
    alpha: Any = node.kwargs.get("alpha", 1)
    lhs, rhs = node.args[:2]
    if alpha == 1 or not isinstance(lhs, Node) or not isinstance(rhs, Node):
        return None
    if (constant := constant_of(module, rhs)) is not None:
        scaled = insert_constant(module, node, constant * alpha)
    else:
        factor = insert_number(module, node, abs(alpha), rhs.meta["val"].dim())
        scaled = insert(module.graph, node, aten.mul.Tensor, rhs, factor)
    target: Any = node.target
    if constant is None and alpha < 0:
        is_sum = operator_name(node) == "add"
        target = aten.sub.Tensor if is_sum else aten.add.Tensor
    return insert(module.graph, node, target, lhs, scaled)


def prelu(module: GraphModule, node: Node) -> Node | None:
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


def clamp_by_tensors(module: GraphModule, node: Node) -> Node | None:
    """A clamp by tensors: the larger of x and the lower bound, and the smaller of this and the
    upper bound. A tensor of one element is a number, which is not quantized."""
    value, *given = filled_arguments(node)
    name = operator_name(node)
    low = None if name == "clamp_max" else given.pop(0)
    high = None if name == "clamp_min" else given.pop(0)
    tensors = [tensor.meta["val"] for tensor in (value, low, high) if tensor is not None]
    if any(tensor.dtype != torch.float32 for tensor in tensors):
        return None
    for bound, by_number, by_tensor in (
        (low, aten.clamp_min.default, aten.maximum.default),
        (high, aten.clamp_max.default, aten.minimum.default),
    ):
        if bound is None:
            continue
        constant = constant_of(module, bound)
        if constant is None or constant.numel() != 1 or constant.dim() > value.meta["val"].dim():
            value = insert(module.graph, node, by_tensor, value, bound)
        else:
            value = insert(module.graph, node, by_number, value, float(constant))
    result: Node = value
    return result


def without_nans(module: GraphModule, node: Node) -> Node | None:
    """`nan_to_num`: the operand, because no quantized value is NaN or infinite."""
    operand: Any = node.args[0]
    return operand if isinstance(operand, Node) else None


def hypotenuse(module: GraphModule, node: Node) -> Node | None:
    """`hypot` in int8: the root of the sum of squares. Only in int16 does a kernel compute it."""
    if choice_of(node).is_wide:
        return None
    squares = [insert(module.graph, node, aten.square.default, side) for side in node.args]
    total = insert(module.graph, node, aten.add.Tensor, *squares)
    return insert(module.graph, node, aten.sqrt.default, total)


def extremum(module: GraphModule, node: Node) -> Node | None:
    """`fmax` and `fmin`: `maximum` and `minimum`, which only treat NaN otherwise."""
    if node.meta["val"].dtype != torch.float32:
        return None
    target = aten.maximum if operator_name(node) == "fmax" else aten.minimum
    return insert(module.graph, node, target.default, *node.args)


def relu6(module: GraphModule, node: Node) -> Node:
    """relu6(x): hardtanh(x, 0, 6), the form that ExecuTorch's quantizer fuses."""
    return insert(module.graph, node, aten.hardtanh.default, node.args[0], 0.0, 6.0)


_LAYERS = {"conv1d", "conv2d", "linear"}
_WEIGHT, _BIAS = 1, 2


def hardsigmoid(module: GraphModule, node: Node) -> Node | None:
    """hardsigmoid(layer(x)): a layer with the weights of x / 6 + 1/2, clamped to 0…1.

    The kernel of the layer clamps, so no table follows it. Only for layers that nothing else reads.
    """
    layer = node.args[0]
    if not isinstance(layer, Node) or operator_name(layer) not in _LAYERS or len(layer.users) > 1:
        return None
    arguments = [*layer.args, None][: max(len(layer.args), _BIAS + 1)]
    weight, bias = constant_of(module, arguments[_WEIGHT]), arguments[_BIAS]
    offset = constant_of(module, bias)
    if weight is None or (bias is not None and offset is None):
        return None
    offset = torch.zeros(weight.shape[0]) if offset is None else offset
    arguments[_WEIGHT] = insert_constant(module, node, weight / 6)
    arguments[_BIAS] = insert_constant(module, node, offset / 6 + 0.5)
    target: Any = layer.target
    scaled = insert(module.graph, layer, target, *arguments)
    scaled.kwargs = layer.kwargs
    return insert(module.graph, node, aten.hardtanh.default, scaled, 0.0, 1.0)


def hardswish(module: GraphModule, node: Node) -> Node:
    """hardswish(x): hardswish(max(x, -3)), so that its operand has a narrow range."""
    clamped = insert(module.graph, node, aten.clamp.default, node.args[0], -3)
    return insert(module.graph, node, node.target, clamped)  # type: ignore[arg-type]


def reverse_subtraction(module: GraphModule, node: Node) -> Node | None:
    """c - alpha * x with a number c (`rsub`): `sub` of a constant tensor."""
    operand, number, *rest = node.args
    if not isinstance(operand, Node) or not isinstance(number, int | float):
        return None
    alpha = rest[0] if rest else node.kwargs.get("alpha", 1)
    constant = insert_number(module, node, number, operand.meta["val"].dim())
    difference = insert(module.graph, node, aten.sub.Tensor, constant, operand)
    if alpha != 1:
        difference.kwargs = {"alpha": alpha}  # the shape stays
    return difference


def round_to_places(module: GraphModule, node: Node) -> Node | None:
    """round(x, decimals=d): round(x * 10^d) / 10^d; below 0, round(x / 10^-d) * 10^-d."""
    operand: Any = node.args[0]
    places: Any = node.kwargs.get("decimals", 0)
    power = insert_number(module, node, 10.0 ** abs(places), operand.meta["val"].dim())
    there, back = aten.mul.Tensor, aten.div.Tensor
    if places < 0:
        there, back = back, there
    scaled = insert(module.graph, node, there, operand, power)
    rounded = insert(module.graph, node, aten.round.default, scaled)
    return insert(module.graph, node, back, rounded, power)


def product_with_ones(module: GraphModule, node: Node) -> Node | None:
    """x * 1 is x, if the constant of ones does not change the shape."""
    for operand, other in (node.args[:2], node.args[1::-1]):
        value = constant_of(module, other)
        if isinstance(operand, Node) and value is not None and bool((value == 1).all()):
            given, result = operand.meta["val"], node.meta["val"]
            return operand if (given.shape, given.dtype) == (result.shape, result.dtype) else None
    return None


MASKED = -1e4
"""A constant of zeros and of numbers below this, added to a tensor, is a mask."""


def fill_masked(module: GraphModule, node: Node) -> Node | None:
    """A fill with a large negative number, by a constant mask: the sum with a mask of -inf."""
    operand, where, value = node.args
    mask = attribute_of(module, where)
    if mask is None or not isinstance(value, int | float) or value >= MASKED:
        return None
    zeros = torch.zeros(mask.shape).masked_fill(mask, -torch.inf)
    return insert(
        module.graph, node, aten.add.Tensor, operand, insert_constant(module, node, zeros)
    )


def choose_masked(module: GraphModule, node: Node) -> Node | None:
    """A choice of a large negative number: of -inf, which takes no part of the range."""
    condition, *choices = node.args
    values = [
        torch.tensor(float(choice))
        if isinstance(choice, int | float)
        else constant_of(module, choice)
        for choice in choices
    ]
    is_lowest = [value is not None and bool((value < MASKED).all()) for value in values]
    if not any(is_lowest) or all(value is not None for value in values):
        return None
    if all(value is None or bool((value == -torch.inf).all()) for value in values) and (
        node.target is aten.where.self
    ):
        return None
    marked = [
        choice
        if value is None
        else insert_constant(module, node, torch.full_like(value, -torch.inf))
        for choice, value in zip(choices, values, strict=True)
    ]
    return insert(module.graph, node, aten.where.self, condition, *marked)


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
