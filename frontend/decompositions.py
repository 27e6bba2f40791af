"""Rewrites of one operator before annotation, because the quantizer only knows some operators.

Each gives operators that have an integer kernel, and changes at most the last bit of a float.
`operators` lists the rewrite of each operator, and `rewriting` applies them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import GraphModule, Node

from cmopt.arithmetic.running_sums import LONGEST_SUM, triangle
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


def expand_as(module: GraphModule, node: Node) -> Node:
    """x expanded to the shape of y: without y, whose values are not used."""
    return insert(module.graph, node, aten.expand.default, node.args[0], [*node.meta["val"].shape])


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


def unfold_number(module: GraphModule, node: Node) -> Node | None:
    """`unfold` of a tensor without dimensions: a window of one element."""
    operand, _, size, _ = filled_arguments(node)
    if operand.meta["val"].dim() or size != 1:
        return None
    return insert(module.graph, node, aten.reshape.default, operand, [1])


def extremum(module: GraphModule, node: Node) -> Node | None:
    """`fmax` and `fmin`: `maximum` and `minimum`, which only treat NaN otherwise."""
    if node.meta["val"].dtype != torch.float32:
        return None
    target = aten.maximum if operator_name(node) == "fmax" else aten.minimum
    return insert(module.graph, node, target.default, *node.args)


def relu6(module: GraphModule, node: Node) -> Node:
    """relu6(x): hardtanh(x, 0, 6), the form that ExecuTorch's quantizer fuses."""
    return insert(module.graph, node, aten.hardtanh.default, node.args[0], 0.0, 6.0)


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
