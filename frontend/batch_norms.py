"""Fold batch norms into the weights before them, or take them apart, before observers are placed.

`prepare_pt2e` also folds batch norms, but it changes the weights in place: a second layer that
shares the weights, or a second reader of the layer's result, would then compute something else.
Here each folded layer gets its own weights, and no batch norm is left for `prepare_pt2e`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.fx import GraphModule, Node
from torch.nn.utils.fusion import fuse_conv_bn_weights

from cmopt.frontend.graph_building import constant_of, finish_rewrite, insert, insert_constant
from cmopt.frontend.norms import batch_statistics
from cmopt.frontend.overloads import is_getitem, operator_name
from cmopt.frontend.trained_batch_norms import operands_of, sums_channels

aten = torch.ops.aten

_CONVOLUTIONS = {"conv1d", "conv2d", "conv3d"}
_TRANSPOSED = {"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"}


def replace_batch_norms(module: GraphModule) -> None:
    """Fold or take apart each batch norm, in place; results change only by float rounding.

    It is folded into a convolution or linear layer whose weights are constants and whose result has
    no other reader, or into one that alone reads it and does not pad. Otherwise it becomes a
    product and a sum. A batch norm with the batch's own
    statistics becomes means and a root. One whose statistics are not constants stays.
    """
    changed = False
    for node in list(module.graph.nodes):
        norm = _BatchNorm.of(module, node)
        if norm is None:
            continue
        with module.graph.inserting_before(node):
            replacement = norm.folded() or norm.folded_ahead() or norm.taken_apart()
        if replacement is not None:
            norm.result.replace_all_uses_with(replacement)
            for dead in dict.fromkeys((norm.result, node)):
                module.graph.erase_node(dead)
            changed = True
    if changed:
        finish_rewrite(module)


class _BatchNorm:
    """One batch norm in inference: `(x - mean) / sqrt(variance + epsilon) * weight + bias`."""

    def __init__(self, module: GraphModule, node: Node, result: Node, arguments: Sequence[Any]):
        self.module = module
        self.node = node
        self.result = result
        """The node of the normalized values: `node`, or its first part."""
        self.operand: Node = arguments[0]
        self.affine: Sequence[Node | None] = arguments[1:3]
        self.statistics: Sequence[Node | None] = arguments[3:5]
        self.epsilon = float(arguments[-1])

    @staticmethod
    def of(module: GraphModule, node: Node) -> _BatchNorm | None:
        """The batch norm of a node; None if it is not a float batch norm whose result is used."""
        if node.target is aten.batch_norm.default:
            operand, weight, bias, mean, variance, training, _, epsilon = node.args[:8]
            statistics: Any = (None, None) if training else (mean, variance)
            result = node
        elif node.target is aten._native_batch_norm_legit_no_training.default:
            operand, weight, bias, mean, variance, _, epsilon = node.args[:7]
            statistics = (mean, variance)
            parts = [user for user in node.users if is_getitem(user) and user.args[1] == 0]
            if len(parts) != len(node.users) or not parts:
                return None
            result = parts[0]
        else:
            return None
        if not isinstance(operand, Node) or operand.meta["val"].dtype != torch.float32:
            return None
        return _BatchNorm(module, node, result, (operand, weight, bias, *statistics, epsilon))

    def _constants(self) -> tuple[torch.Tensor, ...] | None:
        """Mean, variance, weight and bias; None if one that is given is not a constant."""
        mean, variance = (constant_of(self.module, n) for n in self.statistics)
        if mean is None or variance is None:
            return None
        neutral = (torch.ones_like(mean), torch.zeros_like(mean))
        affine = [
            default if given is None else constant_of(self.module, given)
            for given, default in zip(self.affine, neutral, strict=True)
        ]
        weight, bias = affine
        if weight is None or bias is None:
            return None
        return mean, variance, weight, bias

    def folded(self) -> Node | None:
        """The preceding layer with new weights; None if there is no such layer."""
        layer, values = self.operand, self._constants()
        if values is None or len(layer.users) != 1 or not self._is_over_the_layers_channels():
            return None
        weight = constant_of(self.module, layer.args[1])
        bias_node = _argument(layer, 2, "bias")
        bias = constant_of(self.module, bias_node)
        if weight is None or (bias is None and bias_node is not None):
            return None
        mean, variance, scale, shift = values
        new_weight, new_bias = fuse_conv_bn_weights(
            weight, bias, mean, variance, self.epsilon, scale, shift,
            transpose=operator_name(layer) in _TRANSPOSED,
        )  # fmt: skip
        with self.module.graph.inserting_before(layer):
            constants = [
                insert_constant(self.module, layer, value.detach())
                for value in (new_weight, new_bias)
            ]
        layer.args = (layer.args[0], *constants, *layer.args[3:])
        layer.kwargs = {name: value for name, value in layer.kwargs.items() if name != "bias"}
        return layer

    def folded_ahead(self) -> Node | None:
        """The operand, after the only reader got new weights; None if it is not such a layer."""
        values, readers = self._constants(), list(self.result.users)
        if values is None or len(readers) != 1 or not sums_channels(readers[0]):
            return None
        (layer,) = readers
        source, weight_node, bias_node = operands_of(layer)
        weight, bias = constant_of(self.module, weight_node), constant_of(self.module, bias_node)
        if source is not self.result or weight is None or (bias is None and bias_node is not None):
            return None
        mean, variance, scale, offset = (value.double() for value in values)
        by_input = [1, -1] + [1] * (weight.dim() - 2)
        factor = torch.rsqrt(variance + self.epsilon) * scale
        shift = (offset - mean * factor).reshape(by_input)
        others = [dim for dim in range(weight.dim()) if dim != 0]
        new_bias = (weight * shift).sum(others) + (0.0 if bias is None else bias)
        new_weight = weight * factor.reshape(by_input)
        with self.module.graph.inserting_before(layer):
            constants = [
                insert_constant(self.module, layer, value.float())
                for value in (new_weight, new_bias)
            ]
        layer.args = (self.operand, *constants, *layer.args[3:])
        layer.kwargs = {name: v for name, v in layer.kwargs.items() if name != "bias"}
        return self.operand

    def _is_over_the_layers_channels(self) -> bool:
        """Whether dimension 1 of the operand is the output channels of the layer that makes it."""
        layer = self.operand
        name, rank = operator_name(layer), layer.meta["val"].dim()
        if name == "linear":
            return bool(rank == 2)
        if name not in _CONVOLUTIONS | _TRANSPOSED or rank != layer.args[1].meta["val"].dim():  # type: ignore[union-attr]
            return False  # without a batch dimension the channels are dimension 0
        return name in _CONVOLUTIONS or _argument(layer, 6, "groups") in (None, 1)

    def taken_apart(self) -> Node | None:
        """A product and a sum, or the batch's own mean and variance in several operators."""
        shape = [1, -1] + [1] * (self.operand.meta["val"].dim() - 2)
        if self.statistics == (None, None):
            weight, bias = self.affine
            return batch_statistics(
                self.module, self.node, self.operand, weight, bias, self.epsilon
            )
        values = self._constants()
        if values is None:
            return None
        mean, variance, scale, offset = values
        factor = torch.rsqrt(variance + self.epsilon) * scale
        shift = offset - mean * factor
        graph = self.module.graph
        factors = insert_constant(self.module, self.node, factor.reshape(shape))
        product = insert(graph, self.node, aten.mul.Tensor, self.operand, factors)
        shifts = insert_constant(self.module, self.node, shift.reshape(shape))
        return insert(graph, self.node, aten.add.Tensor, product, shifts)


def _argument(node: Node, position: int, name: str) -> Any:
    """An argument of a call, given by position or by name; None if it is not given."""
    return node.args[position] if len(node.args) > position else node.kwargs.get(name)
