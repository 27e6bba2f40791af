"""Fold the batch norms of a quantized program into layers.

Quantization-aware training observes the result of a batch norm, not that of the layer before it.
`convert_pt2e` folds only the forms it knows, and leaves in float what training has put in between:

    batch_norm(conv(x, w * s) / s + b)    with s = weight / sqrt(variance + epsilon)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.fx import Graph, Node
from torch.fx.node import map_arg

from cmopt.frontend.aliasing import written_nodes
from cmopt.frontend.element_chains import CLAMPS
from cmopt.frontend.graph_building import insert
from cmopt.frontend.locations import location
from cmopt.frontend.overloads import is_dequantize, is_getitem, operator_name, overload
from cmopt.frontend.state import copy_of
from cmopt.support.diagnostics import warn

aten = torch.ops.aten
_quantized = torch.ops.quantized_decomposed

_CONVOLUTIONS = {"conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d", "convolution"}
_BATCH_NORMS = {"batch_norm", "_native_batch_norm_legit_no_training"}
_STEPS: dict[str, Callable[..., tuple[torch.Tensor, torch.Tensor]]] = {
    "add": lambda factor, offset, c: (factor, offset + factor * c),
    "sub": lambda factor, offset, c: (factor, offset - factor * c),
    "mul": lambda factor, offset, c: (factor * c, offset),
    "div": lambda factor, offset, c: (factor / c, offset),
}
"""What `factor * y + offset` is in terms of x if y is x and a constant."""
_MOST = 127
_NAMES = ("input", "weight", "bias")


def fold_trained_batch_norms(program: ExportedProgram) -> ExportedProgram:
    """The program with its float batch norms folded into layers. The given one is not changed.

    A batch norm behind a layer is folded into its weights. Between the two may be sums and products
    with constants for each channel. All of them must have no other reader. Quantized weights keep
    their integers, except for signs, and get new scales. A batch norm in front of a layer with
    float weights and without padding is folded into these weights. Any other that has a quantized
    operand and result becomes a depthwise convolution with windows of one element.

    Float weights of a layer with a quantized operand become int8 with a scale for each channel; a
    warning says so.
    """
    if not any(operator_name(node) in _BATCH_NORMS for node in program.graph.nodes):
        return program
    if not any(map(is_dequantize, program.graph.nodes)):
        return program
    program = copy_of(program)
    folding = _Folding(program)
    for node in list(program.graph.nodes):
        folding.fold(node)
    program.graph.eliminate_dead_code()
    program.graph_module.recompile()
    return program


@dataclass
class _Chain:
    """What is between a layer and the end of its batch norm: factor * layer(x) + offset."""

    layer: Node
    factor: torch.Tensor
    offset: torch.Tensor


class _Folding:
    """The folding of one program, which is changed in place."""

    def __init__(self, program: ExportedProgram):
        self._program = program
        self._known: dict[Node, torch.Tensor | None] = {}
        state = {**program.state_dict, **program.constants}
        by_name = {
            s.arg.name: state.get(s.target or "") for s in program.graph_signature.input_specs
        }
        for node in program.graph.nodes:
            if node.op == "placeholder":
                value = by_name.get(node.name)
                self._known[node] = value.detach() if isinstance(value, torch.Tensor) else None
        for node in program.graph.nodes:
            for written in written_nodes(node):
                self._known[written] = None

    def fold(self, node: Node) -> None:
        """Fold a node if it is a batch norm that can be folded."""
        values = self._factor_and_offset(node)
        operand = node.args[0] if node.args else None
        if values is None or not isinstance(operand, Node):
            return
        replacement: Node | None = None
        chain = self._to_layer(operand, *values)
        if chain is not None and self._scale_layer(chain):
            replacement = chain.layer
        elif self._scale_next_layer(node, operand, *values):
            replacement = operand
        else:
            replacement = self._as_convolution(node, operand, *values)
        if replacement is not None:
            for result in _results(node):
                result.replace_all_uses_with(replacement)

    def _constant(self, value: Any) -> torch.Tensor | None:
        """The value of a node that depends on no input, or of a number; else None."""
        if isinstance(value, int | float):
            return torch.tensor(float(value))
        if not isinstance(value, Node):
            return None
        if value not in self._known:
            self._known[value] = self._evaluated(value)
        return self._known[value]

    def _evaluated(self, node: Node) -> torch.Tensor | None:
        target = overload(node)
        if target is None or written_nodes(node) or not node.all_input_nodes:
            return None
        if any(self._constant(source) is None for source in node.all_input_nodes):
            return None
        args, kwargs = map_arg((node.args, node.kwargs), lambda n: self._known[n])
        result = target(*args, **kwargs)
        return result if isinstance(result, torch.Tensor) else None

    def _factor_and_offset(self, node: Node) -> tuple[torch.Tensor, torch.Tensor] | None:
        """For each channel what a batch norm multiplies by and adds; None if it is not one, or if
        these are not constants."""
        name = operator_name(node)
        if name not in _BATCH_NORMS or (name == "batch_norm" and node.args[5]):
            return None
        if any(is_getitem(user) and user.args[1] != 0 for user in node.users):
            return None
        given = node.args[1:5]
        weight, bias, mean, variance = (self._constant(value) for value in given)
        if mean is None or variance is None:
            return None
        if (weight is None, bias is None) != (given[0] is None, given[1] is None):
            return None
        epsilon: Any = node.args[7 if name == "batch_norm" else 6]
        factor = torch.rsqrt(variance.double() + epsilon)
        if weight is not None:
            factor = factor * weight
        return factor, -mean * factor + (0.0 if bias is None else bias)

    def _to_layer(self, node: Node, factor: torch.Tensor, offset: torch.Tensor) -> _Chain | None:
        while len(node.users) == 1:
            name = operator_name(node)
            if name in _CONVOLUTIONS or name == "linear":
                return _Chain(node, factor, offset) if _channels_are_second(node) else None
            if name not in _STEPS or node.kwargs or len(node.args) != 2:
                return None
            source, other = node.args
            if not isinstance(source, Node) or source.meta["val"].shape != node.meta["val"].shape:
                return None
            constant = self._for_each_channel(other, node.meta["val"].dim(), len(factor))
            if constant is None:
                return None
            factor, offset = _STEPS[name](factor, offset, constant)
            node = source
        return None

    def _for_each_channel(self, node: Any, rank: int, channels: int) -> torch.Tensor | None:
        """A constant as one number for each channel; None if it is not."""
        value = self._constant(node)
        if value is None:
            return None
        shape = (1,) * (rank - value.dim()) + tuple(value.shape)
        if any(size != 1 for dim, size in enumerate(shape) if dim != 1):
            return None
        return value.double().reshape(-1).expand(channels)

    def _scale_layer(self, chain: _Chain) -> bool:
        """Give the layer new weights and a new bias, in place; False if it cannot have them."""
        layer, factor = chain.layer, chain.factor
        source, weight, bias = operands_of(layer)
        old = torch.zeros(()) if bias is None else self._constant(bias)
        if old is None:
            return False
        axis = 1 if _is_transposed(layer) else 0
        with self._program.graph.inserting_before(layer):
            if is_dequantize(weight):
                scaled = self._with_scaled_steps(weight, factor, axis)
            elif (value := self._constant(weight)) is not None:
                value = value.double() * factor.reshape(_along(axis, value.dim()))
                scaled = self._new_weight(layer, value.float(), axis, is_dequantize(source))
            else:
                return False
            if scaled is None:
                return False
            new_bias = self._new_constant((old * factor + chain.offset).float())
        _set_operands(layer, source, scaled, new_bias)
        return True

    def _scale_next_layer(
        self, node: Node, operand: Node, factor: torch.Tensor, offset: torch.Tensor
    ) -> bool:
        """Give the only reader of a batch norm other weights, in place; False if it cannot have
        them, because it pads or its weights are quantized."""
        readers = [user for result in _results(node) for user in result.users]
        if len(readers) != 1 or not is_dequantize(operand) or not sums_channels(readers[0]):
            return False
        (layer,) = readers
        source, weight, bias = operands_of(layer)
        if source not in _results(node):
            return False
        value = None if is_dequantize(weight) else self._constant(weight)
        old = torch.zeros(()) if bias is None else self._constant(bias)
        if value is None or old is None:
            return False
        by_input = _along(1, value.dim())
        value = value.double()
        others = [dim for dim in range(value.dim()) if dim != 0]
        with self._program.graph.inserting_before(layer):
            new_bias = self._new_constant(
                (old + (value * offset.reshape(by_input)).sum(others)).float()
            )
            scaled = self._new_weight(layer, (value * factor.reshape(by_input)).float(), 0, True)
        _set_operands(layer, operand, scaled, new_bias)
        return True

    def _as_convolution(
        self, node: Node, operand: Node, factor: torch.Tensor, offset: torch.Tensor
    ) -> Node | None:
        """A convolution that computes a batch norm; None if its operand or a result is float."""
        shape = list(node.args[0].meta["val"].shape)  # type: ignore[union-attr]
        is_read = all(_is_quantized_next(result) for result in _results(node))
        if not is_dequantize(operand) or not is_read or not 2 <= len(shape) <= 4:
            return None
        graph = self._program.graph
        channels = len(factor)
        with graph.inserting_before(node):
            steps = (torch.sign(factor) * _MOST).to(torch.int8).reshape(channels, 1, 1, 1)
            scale = torch.where(factor == 0, 1.0, factor.abs() / _MOST).float()
            weight = self._dequantized(node, steps, scale, 0, -_MOST, _MOST)
            bias = self._new_constant(offset.float())
            if len(shape) < 4:
                wide = [*shape, *[1] * (4 - len(shape))]
                operand = insert(graph, node, aten.reshape.default, operand, wide)
            window = [[1, 1], [0, 0], [1, 1], channels]
            result = insert(graph, node, aten.conv2d.default, operand, weight, bias, *window)
            if len(shape) < 4:
                result = insert(graph, node, aten.reshape.default, result, shape)
        return result

    def _new_weight(self, layer: Node, value: torch.Tensor, axis: int, is_int8: bool) -> Node:
        """A float constant, or one quantized to int8 with a scale for each line along `axis`."""
        if not is_int8:
            return self._new_constant(value)
        warn(
            "the weights next to a batch norm are float, because the quantizer has left them so; "
            "they become int8 with a scale for each channel",
            location=location(layer),
        )
        largest = value.abs().amax([dim for dim in range(value.dim()) if dim != axis])
        scale = torch.where(largest > 0, largest / _MOST, torch.ones(()))
        steps = (value / scale.reshape(_along(axis, value.dim()))).round().to(torch.int8)
        return self._dequantized(layer, steps, scale, axis, -_MOST, _MOST)

    def _with_scaled_steps(self, weight: Node, factor: torch.Tensor, axis: int) -> Node | None:
        integers, scales, zeros, *rest = weight.args
        steps, scale, zero = (self._constant(value) for value in (integers, scales, zeros))
        if steps is None or scale is None or zero is None or bool(zero.any()):
            return None
        is_per_channel = len(rest) == 4
        if is_per_channel and rest[0] not in (axis, axis - steps.dim()):
            return None
        low, high = rest[-3], rest[-2]
        if bool((factor < 0).any()) and int(steps.min()) < -int(high):  # type: ignore[arg-type]
            return None
        signs = torch.sign(factor).to(steps.dtype).reshape(_along(axis, steps.dim()))
        new_scale = scale.double() * torch.where(factor == 0, 1.0, factor.abs())
        return self._dequantized(weight, steps * signs, new_scale.float(), axis, low, high)

    def _dequantized(
        self, like: Node, steps: torch.Tensor, scale: torch.Tensor, axis: int, low: Any, high: Any
    ) -> Node:
        zeros = torch.zeros(scale.shape, dtype=torch.int64)
        constants = [self._new_constant(value) for value in (steps, scale, zeros)]
        new: Node = self._program.graph.call_function(
            _quantized.dequantize_per_channel.default, (*constants, axis, low, high, steps.dtype)
        )
        new.meta = {key: value for key, value in like.meta.items() if key != "from_node"}
        new.meta["val"] = constants[0].meta["val"].to(torch.float32)
        return new

    def _new_constant(self, value: torch.Tensor) -> Node:
        """A new constant of the program."""
        from executorch.backends.transforms.utils import create_constant_placeholder

        graph: Graph = self._program.graph
        names = {node.name for node in graph.nodes}
        number = next(n for n in range(len(names) + 1) if f"folded_{n}" not in names)
        with graph.inserting_before(next(iter(graph.nodes))):
            node: Node = create_constant_placeholder(
                self._program, graph, f"folded_{number}", InputKind.CONSTANT_TENSOR, value
            )
        self._known[node] = value
        return node


def _results(node: Node) -> list[Node]:
    """The nodes of the normalized values."""
    return [user for user in node.users if is_getitem(user)] or [node]


def _is_quantized_next(node: Node) -> bool:
    """Whether each reader quantizes a value, or clamps it first."""
    return bool(node.users) and all(
        "quantize_per" in str(user.target)
        or (operator_name(user) in CLAMPS and _is_quantized_next(user))
        for user in node.users
    )


def _along(axis: int, rank: int) -> list[int]:
    """The shape of a tensor that has one number for each line along an axis."""
    return [-1 if dim == axis else 1 for dim in range(rank)]


def operands_of(layer: Node) -> tuple[Node, Node, Node | None]:
    """The input, weight and bias of a layer."""
    given: Any = dict(zip(_NAMES, layer.args, strict=False)) | dict(layer.kwargs)
    return given["input"], given["weight"], given.get("bias")


def _set_operands(layer: Node, *operands: Node) -> None:
    layer.args = (*operands, *layer.args[3:])
    layer.kwargs = {name: value for name, value in layer.kwargs.items() if name not in _NAMES}


def sums_channels(layer: Node) -> bool:
    """Whether each result is a sum over all channels of whole windows, which are dimension 1."""
    name = operator_name(layer)
    if name == "linear":
        return bool(layer.meta["val"].dim() == 2)
    if name not in _CONVOLUTIONS or _is_transposed(layer) or "padding" in str(layer.target):
        return False
    source, weight, _ = operands_of(layer)
    shape, filters = source.meta["val"].shape, weight.meta["val"].shape
    padding: Any = layer.args[4] if len(layer.args) > 4 else layer.kwargs.get("padding", 0)
    is_padded = bool(padding) if isinstance(padding, int) else any(padding)
    return bool(not is_padded and len(shape) == len(filters) and shape[1] == filters[1])


def _is_transposed(layer: Node) -> bool:
    if operator_name(layer) == "convolution":
        return bool(layer.args[6])
    return operator_name(layer).startswith("conv_transpose")


def _channels_are_second(layer: Node) -> bool:
    """Whether dimension 1 of a layer's result is its output channels, one for each line of the
    weight along one axis."""
    rank: int = layer.meta["val"].dim()
    if operator_name(layer) == "linear":
        return rank == 2
    weight: Any = layer.args[1]
    if rank != weight.meta["val"].dim():  # without a batch dimension the channels are the first
        return False
    return not _is_transposed(layer) or layer.meta["val"].shape[1] == weight.meta["val"].shape[1]
