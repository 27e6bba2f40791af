"""Normalizations taken apart before annotation: into means, squares, a root and products.

Each part is quantized by itself. No stock kernel computes statistics at run time, so a
normalization that is not taken apart would stay in float. This project has a kernel for layer norm
and rms norm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch.fx import GraphModule, Node

from cmopt.dialects.cmopt import longest_norm_row
from cmopt.dialects.cortex_m.limits import LONGEST_SOFTMAX
from cmopt.frontend.graph_building import (
    attribute_of,
    constant_of,
    filled_arguments,
    insert,
    insert_constant,
    insert_number,
)
from cmopt.frontend.overloads import reads_more_than_first

aten = torch.ops.aten


def _mean_square(module: GraphModule, node: Node, x: Node, dims: Sequence[int]) -> Node:
    square = insert(module.graph, node, aten.square.default, x)
    return insert(module.graph, node, aten.mean.dim, square, list(dims), True)


def _centered(module: GraphModule, node: Node, x: Node, dims: Sequence[int]) -> Node:
    mean = insert(module.graph, node, aten.mean.dim, x, list(dims), True)
    return insert(module.graph, node, aten.sub.Tensor, x, mean)


def _scaled_to_one(
    module: GraphModule, node: Node, x: Node, dims: Sequence[int], epsilon: float
) -> Node:
    """`x / sqrt(mean(x²) + epsilon)`."""
    graph, energy = module.graph, _mean_square(module, node, x, dims)
    shift = insert_number(module, node, epsilon, x.meta["val"].dim())
    energy = insert(graph, node, aten.add.Tensor, energy, shift)
    return insert(graph, node, aten.mul.Tensor, x, insert(graph, node, aten.rsqrt.default, energy))


def _affine(
    module: GraphModule, node: Node, x: Node, weight: Any, bias: Any, shape: Sequence[int]
) -> Node:
    """`x * weight + bias`, both viewed as `shape`; a None is left out."""
    for target, operand in ((aten.mul.Tensor, weight), (aten.add.Tensor, bias)):
        if operand is None:
            continue
        if list(operand.meta["val"].shape) != list(shape):
            value = constant_of(module, operand)
            if value is None:
                operand = insert(module.graph, node, aten.reshape.default, operand, list(shape))
            else:
                viewed = value.reshape(list(shape))
                operand = insert_constant(module, node, viewed, prefix=f"{operand.name}_")
        x = insert(module.graph, node, target, x, operand)
    return x


def is_one_kernel(module: GraphModule, node: Node) -> bool:
    """Whether this project's kernel computes a layer norm or rms norm, whatever its types are.

    It takes rows up to a limit, and a weight and a bias that are constants.
    """
    x, normalized, *parameters = filled_arguments(node)[:4]
    constants = [p for p in parameters if isinstance(p, Node)]
    return (
        1 <= math.prod(normalized) <= longest_norm_row(16)
        and node.meta["val"].dtype == torch.float32
        and attribute_of(module, x) is None
        and all(attribute_of(module, constant) is not None for constant in constants)
    )


def layer_norm(module: GraphModule, node: Node) -> Node:
    """Over the last dimensions."""
    x, normalized, weight, bias, epsilon = filled_arguments(node)[:5]
    dims = range(-len(normalized), 0)
    unit = _scaled_to_one(module, node, _centered(module, node, x, dims), dims, epsilon)
    return _affine(module, node, unit, weight, bias, normalized)


def layer_norm_alone(module: GraphModule, node: Node) -> tuple[Node, ...] | None:
    """`native_layer_norm`: `layer_norm`, if nothing reads the mean and the reciprocal deviation."""
    if reads_more_than_first(node):
        return None
    x, normalized, weight, bias, epsilon = filled_arguments(node)
    row = (x, normalized, weight, bias, epsilon)
    return (insert(module.graph, node, aten.layer_norm.default, *row),) * 3


def rms_norm(module: GraphModule, node: Node) -> Node:
    """Over the last dimensions, without subtracting the mean."""
    x, normalized, weight, epsilon = filled_arguments(node)
    epsilon = torch.finfo(torch.float32).eps if epsilon is None else epsilon
    unit = _scaled_to_one(module, node, x, range(-len(normalized), 0), epsilon)
    return _affine(module, node, unit, weight, None, normalized)


def group_norm(module: GraphModule, node: Node) -> Node:
    """Over a whole group of channels."""
    x, groups, weight, bias, epsilon = filled_arguments(node)[:5]
    shape = list(x.meta["val"].shape)
    rows = [shape[0], groups, math.prod(shape[1:]) // groups]
    row = insert(module.graph, node, aten.reshape.default, x, rows)
    unit = _scaled_to_one(module, node, _centered(module, node, row, [2]), [2], epsilon)
    back = insert(module.graph, node, aten.reshape.default, unit, shape)
    return _affine(module, node, back, weight, bias, [1, shape[1], *[1] * (len(shape) - 2)])


def instance_norm(module: GraphModule, node: Node) -> Node | None:
    """Over a whole channel; None if it uses learnt statistics."""
    x, weight, bias, _, _, from_input, _, epsilon, _ = node.args
    if not from_input or not isinstance(x, Node):
        return None
    rank = x.meta["val"].dim()
    dims = range(2, rank)
    unit = _scaled_to_one(module, node, _centered(module, node, x, dims), dims, float(epsilon))  # type: ignore[arg-type]
    return _affine(module, node, unit, weight, bias, [1, -1, *[1] * (rank - 2)])


def batch_statistics(
    module: GraphModule, node: Node, x: Node, weight: Node | None, bias: Node | None, epsilon: float
) -> Node:
    """A batch norm by the mean and variance of the batch, over all dimensions except 1."""
    rank = x.meta["val"].dim()
    dims = [0, *range(2, rank)]
    unit = _scaled_to_one(module, node, _centered(module, node, x, dims), dims, epsilon)
    return _affine(module, node, unit, weight, bias, [1, -1, *[1] * (rank - 2)])


def _dims_of_variance(node: Node) -> tuple[list[int], Any, bool]:
    """The dimensions, the correction of the count, and whether the dimensions stay."""
    given: Any = (*node.args, *(None, None, True, False)[len(node.args) :])
    x, dims, unbiased, keep = given[:4]
    if isinstance(dims, bool):  # the overload "default" has no dimensions
        dims, unbiased = None, dims
    correction: Any = 1 if unbiased else 0
    if node.target in (aten.var.correction, aten.var_mean.correction):
        keep, correction = node.kwargs.get("keepdim", False), node.kwargs.get("correction")
        correction = 1 if correction is None else correction
    return list(dims or range(x.meta["val"].dim())), correction, keep


def variance_and_mean(module: GraphModule, node: Node) -> tuple[Node, Node] | None:
    """The variance and the mean over the same dimensions."""
    dims, _, keep = _dims_of_variance(node)
    if (spread := variance(module, node)) is None:
        return None
    mean = insert(module.graph, node, aten.mean.dim, node.args[0], dims, keep)
    return spread, mean


def variance(module: GraphModule, node: Node) -> Node | None:
    """`sum((x - mean)²) / (n - correction)`; None if this divides by 0."""
    x: Any = node.args[0]
    dims, correction, keep = _dims_of_variance(node)
    rank = x.meta["val"].dim()
    size = math.prod(x.meta["val"].shape[d] for d in dims)
    if size <= correction:
        return None
    energy = _mean_square(module, node, _centered(module, node, x, dims), dims)
    factor = insert_number(module, node, size / (size - correction), energy.meta["val"].dim())
    result = insert(module.graph, node, aten.mul.Tensor, energy, factor)
    if keep:
        return result
    shape = [n for d, n in enumerate(x.meta["val"].shape) if d not in {d % rank for d in dims}]
    return insert(module.graph, node, aten.reshape.default, result, shape)


def vector_norm(module: GraphModule, node: Node) -> Node | None:
    """`sum(|x|^p)^(1/p)`, without a power for p = 2, and an extremum for an infinite p."""
    x, order, dims, keep = filled_arguments(node)[:4]
    rank, order = x.meta["val"].dim(), float(order)
    if order == 0 or rank == 0 or node.kwargs.get("dtype") not in (None, torch.float32):
        return None
    dims = [dim % rank for dim in ([dims] if isinstance(dims, int) else dims) or range(rank)]

    def build(target: Any, *args: Any) -> Node:
        return insert(module.graph, node, target, *args)

    if math.isinf(order):
        extremum = aten.amax.default if order > 0 else aten.amin.default
        result = build(extremum, build(aten.abs.default, x), dims, True)
    elif order == 2:
        energy = build(aten.sum.dim_IntList, build(aten.square.default, x), dims, True)
        result = build(aten.sqrt.default, energy)
    else:
        powers = build(aten.abs.default, x)
        if order != 1:
            powers = build(aten.pow.Tensor_Scalar, powers, order)
        result = build(aten.sum.dim_IntList, powers, dims, True)
        if order != 1:
            result = build(aten.pow.Tensor_Scalar, result, 1 / order)
    return result if keep else build(aten.reshape.default, result, list(node.meta["val"].shape))


def distances(module: GraphModule, node: Node) -> Node:
    """`cdist`: the norm of each difference of a row of the one and a row of the other."""
    first, second, order = filled_arguments(node)[:3]
    rows = insert(module.graph, node, aten.unsqueeze.default, first, -2)
    others = insert(module.graph, node, aten.unsqueeze.default, second, -3)
    differences = insert(module.graph, node, aten.sub.Tensor, rows, others)
    return insert(module.graph, node, aten.linalg_vector_norm.default, differences, order, [-1])


def distance(module: GraphModule, node: Node) -> Node:
    """`dist`: the norm of the difference of two tensors."""
    first, second, order = filled_arguments(node)
    difference = insert(module.graph, node, aten.sub.Tensor, first, second)
    return insert(module.graph, node, aten.linalg_vector_norm.default, difference, order)


def _exponentials(module: GraphModule, node: Node, x: Node, dim: int) -> tuple[Node, Node, Node]:
    """`x - max(x)`, the exponentials of this, and their sum."""
    graph = module.graph
    largest = insert(graph, node, aten.amax.default, x, [dim], True)
    below = insert(graph, node, aten.sub.Tensor, x, largest)
    exponentials = insert(graph, node, aten.exp.default, below)
    return below, exponentials, insert(graph, node, aten.sum.dim_IntList, exponentials, [dim], True)


def share_of_one(module: GraphModule, node: Node) -> Node | None:
    """A softmax over one element is 1, a constant; for a tensor without dimensions too.

    The softmax kernel could not give it: its largest result is 255/256.
    """
    x, dim = filled_arguments(node)[:2]
    shape = tuple(x.meta["val"].shape)
    if not x.meta["val"].numel() or (shape and shape[dim] != 1):
        return None
    return insert_constant(module, node, torch.ones(shape))


def softmax(module: GraphModule, node: Node) -> Node | None:
    """`exp(x - max(x)) / sum(…)`, for rows too long for the softmax kernel."""
    x, dim = filled_arguments(node)[:2]
    if x.meta["val"].shape[dim] <= LONGEST_SOFTMAX:
        return None
    _, exponentials, total = _exponentials(module, node, x, dim)
    scale = insert(module.graph, node, aten.reciprocal.default, total)
    return insert(module.graph, node, aten.mul.Tensor, exponentials, scale)


def log_softmax(module: GraphModule, node: Node) -> Node | None:
    """`(x - max(x)) - log(sum(exp(x - max(x))))`."""
    x, dim = filled_arguments(node)[:2]
    if not x.meta["val"].dim():
        return insert(module.graph, node, aten.sub.Tensor, x, x)
    below, _, total = _exponentials(module, node, x, dim)
    logarithm = insert(module.graph, node, aten.log.default, total)
    return insert(module.graph, node, aten.sub.Tensor, below, logarithm)
