"""Rewrites of convolutions, linear layers and matrix products before annotation.

Each gives operators that have an integer kernel, and changes at most the last bits of a float.
"""

from __future__ import annotations

import math

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.graph_building import (
    attribute_of,
    constant_of,
    filled_arguments,
    insert,
    insert_constant,
    multiplied,
)

aten = torch.ops.aten


def _reshaped(module: GraphModule, like: Node, value: Node, *sizes: int) -> Node:
    return insert(module.graph, like, aten.reshape.default, value, list(sizes))


def convolution_of_one(module: GraphModule, node: Node) -> Node | None:
    """A convolution of an image without a batch dimension: of a batch of one."""
    operand, weight, *rest = filled_arguments(node)
    if operand.meta["val"].dim() == weight.meta["val"].dim():
        return None
    graph = module.graph
    image = insert(graph, node, aten.unsqueeze.default, operand, 0)
    result = insert(graph, node, node.target, image, weight, *rest)  # type: ignore[arg-type]
    return insert(graph, node, aten.squeeze.dim, result, 0)


def conv_transpose_1d(module: GraphModule, node: Node) -> Node | None:
    """A transposed convolution over one dimension: one over two, the second of size 1."""
    operand, matrix, bias, *numbers = filled_arguments(node)
    weight, shape = constant_of(module, matrix), operand.meta["val"].shape
    if weight is None:
        return None
    stride, padding, output_padding, groups, dilation = (
        n if isinstance(n, int) else n[0] for n in numbers
    )
    wide = _reshaped(module, node, operand, *(shape[:-2] or [1]), *shape[-2:], 1)
    weights = insert_constant(module, node, weight.unsqueeze(-1))
    window = [[stride, 1], [padding, 0], [output_padding, 0], groups, [dilation, 1]]
    target = aten.conv_transpose2d.input
    result = insert(module.graph, node, target, wide, weights, bias, *window)
    return _reshaped(module, node, result, *node.meta["val"].shape)


def bilinear(module: GraphModule, node: Node) -> Node | None:
    """`bilinear` of a constant weight [O, I, J]: a linear layer of the products of all pairs."""
    first, second, matrix, bias = filled_arguments(node)
    weight = constant_of(module, matrix)
    if weight is None or node.meta["val"].numel() == 0:
        return None
    *lead, rows = first.meta["val"].shape
    columns = second.meta["val"].shape[-1]
    count = math.prod(lead)

    sides = (
        _reshaped(module, node, first, count, rows, 1),
        _reshaped(module, node, second, count, 1, columns),
    )
    pairs = insert(module.graph, node, aten.mul.Tensor, *sides)
    pairs = _reshaped(module, node, pairs, *lead, rows * columns)
    weights = insert_constant(module, node, weight.reshape(len(weight), -1))
    return insert(module.graph, node, aten.linear.default, pairs, weights, bias)


def _product_of_nothing(module: GraphModule, node: Node, operand: Node) -> Node | None:
    """Zeros for a product over no elements; None for any other."""
    if operand.meta["val"].shape[-1:] != (0,) or not node.meta["val"].numel():
        return None
    return insert_constant(module, node, torch.zeros(node.meta["val"].shape))


def product_with_constant(module: GraphModule, node: Node) -> Node | None:
    """x @ w with a constant matrix: a linear layer. Without elements to sum: zeros."""
    operand, matrix = node.args
    if isinstance(operand, Node) and (zeros := _product_of_nothing(module, node, operand)):
        return zeros
    value = constant_of(module, matrix)
    if value is None or value.dim() != 2 or not isinstance(operand, Node):
        return None
    weight = insert_constant(module, node, value.t().contiguous())
    return insert(module.graph, node, aten.linear.default, operand, weight)


def linear_of_activations(module: GraphModule, node: Node) -> Node | None:
    """A linear layer whose weight is computed: a product of matrices, and a sum."""
    operand, matrix, bias = filled_arguments(node)
    if attribute_of(module, matrix) is not None or matrix.meta["val"].dim() != 2:
        return None
    *lead, depth = operand.meta["val"].shape
    rows = _reshaped(module, node, operand, math.prod(lead), depth)
    columns = insert(module.graph, node, aten.permute.default, matrix, [1, 0])
    product = insert(module.graph, node, aten.mm.default, rows, columns)
    product = _reshaped(module, node, product, *lead, len(matrix.meta["val"]))
    return product if bias is None else insert(module.graph, node, aten.add.Tensor, product, bias)


def affine(module: GraphModule, node: Node) -> Node | None:
    """beta * b + alpha * (x @ w): a linear layer with a constant matrix and vector and without
    factors, else a product and a sum."""
    bias, operand, matrix = node.args
    if not isinstance(operand, Node):
        return None
    value, vector = constant_of(module, matrix), constant_of(module, bias)
    if value is None or vector is None or vector.shape != value.shape[1:] or node.kwargs:
        product = insert(module.graph, node, aten.mm.default, operand, matrix)
        product = _product_of_nothing(module, product, operand) or product
        beta, alpha = node.kwargs.get("beta", 1), node.kwargs.get("alpha", 1)
        return _with_bias(module, node, bias, product, beta, alpha)  # type: ignore[arg-type]
    weight = insert_constant(module, node, value.t().contiguous())
    return insert(module.graph, node, aten.linear.default, operand, weight, bias)


def matrix_by_vector(module: GraphModule, node: Node) -> Node | None:
    """`mv`, `dot` and `vdot`: a linear layer, or a product of matrices if nothing is constant.

    PyTorch takes them apart into a product and a sum, and each product would be rounded.
    """
    matrix, vector = node.args
    shape = list(node.meta["val"].shape)
    if not (isinstance(matrix, Node) and isinstance(vector, Node)):
        return None
    if zeros := _product_of_nothing(module, node, vector):
        return zeros

    count = vector.meta["val"].shape[0]
    for operand, other in ((vector, matrix), (matrix, vector)):
        if (weight := constant_of(module, other)) is not None:
            rows = insert_constant(module, node, weight.reshape(-1, count))
            product = insert(module.graph, node, aten.linear.default, operand, rows)
            return _reshaped(module, node, product, *shape)
    rows = _reshaped(module, node, matrix, -1, count)
    column = _reshaped(module, node, vector, count, 1)
    product = insert(module.graph, node, aten.mm.default, rows, column)
    return _reshaped(module, node, product, *shape)


def matrix_by_vector_and_sum(module: GraphModule, node: Node) -> Node:
    """`addmv`: beta * b + alpha * (m @ v)."""
    bias, matrix, vector, beta, alpha = filled_arguments(node)
    product = insert(module.graph, node, aten.mv.default, matrix, vector)
    product = matrix_by_vector(module, product) or product
    return _with_bias(module, node, bias, product, beta, alpha)


def sum_of_products(module: GraphModule, node: Node) -> Node:
    """`addbmm`: beta * b + alpha * the sum of a batch of products, which is one product."""
    bias, first, second, beta, alpha = filled_arguments(node)

    batch, rows, depth = first.meta["val"].shape
    columns = second.meta["val"].shape[-1]
    lines = insert(module.graph, node, aten.permute.default, first, [1, 0, 2])
    left = _reshaped(module, node, lines, rows, batch * depth)
    right = _reshaped(module, node, second, batch * depth, columns)
    product = insert(module.graph, node, aten.mm.default, left, right)
    product = _product_of_nothing(module, product, left) or product
    return _with_bias(module, node, bias, product, beta, alpha)


def _with_bias(
    module: GraphModule, node: Node, bias: Node, product: Node, beta: float, alpha: float
) -> Node:
    """beta * bias + alpha * product. PyTorch does not read a bias of which nothing is taken."""
    product = multiplied(module, node, product, alpha)
    if beta == 0:
        return product
    return insert(
        module.graph, node, aten.add.Tensor, multiplied(module, node, bias, beta), product
    )


def batched_product(module: GraphModule, node: Node) -> Node | None:
    """A product of two equal batches of matrices: `bmm`, with all batch dimensions as one."""
    shapes = [list(operand.meta["val"].shape) for operand in node.args]  # type: ignore[union-attr]
    if len(shapes[0]) < 3 or shapes[0][:-2] != shapes[1][:-2]:
        return None
    if len(shapes[0]) == 3:
        return insert(module.graph, node, aten.bmm.default, *node.args)
    matrices = []
    for operand, shape in zip(node.args, shapes, strict=True):
        batch = [-1, *shape[-2:]]
        if (value := constant_of(module, operand)) is not None:
            matrices.append(insert_constant(module, node, value.reshape(batch)))
        else:
            matrices.append(insert(module.graph, node, aten.reshape.default, operand, batch))
    product = insert(module.graph, node, aten.bmm.default, *matrices)
    return insert(module.graph, node, aten.reshape.default, product, [*node.meta["val"].shape])
