"""Rewrite the graph before annotation, by the rewrites in the table of operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.element_functions import MASKED
from cmopt.frontend.graph_building import (
    Rewrite,
    constant_of,
    finish_rewrite,
    insert,
    insert_constant,
    insert_number,
)
from cmopt.frontend.operators import (
    BINARY,
    PREPARED,
    REWRITTEN,
    REWRITTEN_FOR_CORE,
    WHOLE_IF,
)
from cmopt.frontend.overloads import overload, overload_name

aten = torch.ops.aten

_BINARY = {f"aten.{name}" for op in BINARY for name in op.ATEN}
_PROMOTING = _BINARY | {"aten.div.Scalar_mode", "aten.div.Tensor_mode"}
"""Operators that cast integers to float32 if another operand is a float."""


def rewrite_as_exported(module: GraphModule) -> None:
    """Apply the rewrites that must precede ExecuTorch's own, in place."""
    _rewrite(module, PREPARED)
    for node in list(module.graph.nodes):
        if _name(node) in _BINARY:
            _name_number(module, node)
        if _name(node) in _PROMOTING and node.meta["val"].dtype == torch.float32:
            _cast_integers(module, node)
        if node.target in (aten.add.Tensor, aten.add_.Tensor):
            _mark_masks(module, node)
    module.recompile()


def rewrite_for_annotation(
    module: GraphModule, *, for_npu: bool, has_own_kernels: bool = False
) -> None:
    """Apply the other rewrites, in place. Expects that numbers are tensors already.

    has_own_kernels: whether the core has this project's kernels; what one of them computes stays.
    """
    if for_npu:
        _rewrite(module, REWRITTEN)
    else:
        _rewrite(module, REWRITTEN | REWRITTEN_FOR_CORE, WHOLE_IF if has_own_kernels else {})


def _name(node: Node) -> str:
    target = overload(node)
    return "" if target is None else overload_name(target)


def _name_number(module: GraphModule, node: Node) -> None:
    """Turn a number into a constant tensor if ExecuTorch's rewrite of numbers would be wrong.

    That rewrite drops the tensor after a number, as in `1 - x`. It gives a result of one dimension
    for a tensor without dimensions, as in `x.sum() * 2`.
    """
    numbers = [n for n in node.args[:2] if isinstance(n, int | float)]
    if len(numbers) != 1 or len(node.all_input_nodes) != 1:
        return
    operand, value = node.all_input_nodes[0].meta["val"], node.meta["val"]
    if not value.dtype.is_floating_point or value.dtype != operand.dtype:
        return
    if operand.dim() and numbers[0] is not node.args[0]:
        return
    target = overload(node)
    if target is not None and target._overloadname == "Scalar":  # It takes no tensor.
        packet = target.overloadpacket
        node.target = getattr(packet, "Tensor", None) or packet.default
    with module.graph.inserting_before(node):
        constant = insert_number(module, node, numbers[0], operand.dim())
    node.args = tuple(constant if given is numbers[0] else given for given in node.args)


def _cast_integers(module: GraphModule, node: Node) -> None:
    """Cast the integer operands of an operator to float32, as the operator does itself."""
    for operand in node.all_input_nodes:
        dtype = operand.meta["val"].dtype
        if dtype.is_floating_point or dtype == torch.bool:
            continue
        with module.graph.inserting_before(node):
            cast = insert(module.graph, node, aten.to.dtype, operand, torch.float32)
        node.replace_input_with(operand, cast)


def _mark_masks(module: GraphModule, node: Node) -> None:
    """In each mask that a sum adds, replace the large negative number by -inf."""
    for operand in node.all_input_nodes:
        value = constant_of(module, operand)
        if value is None or not bool((value < MASKED).any()):
            continue
        if bool(((value == 0) | (value < MASKED)).all()):
            with module.graph.inserting_before(node):
                mask = value.masked_fill(value < MASKED, -torch.inf)
                marked = insert_constant(module, operand, mask)
            node.replace_input_with(operand, marked)


def _is_float(value: object) -> bool:
    """Whether a node's result, or the first of several, is a float tensor."""
    first = next(iter(value), None) if isinstance(value, tuple | list) else value
    return isinstance(first, torch.Tensor) and first.is_floating_point()


def _is_of_floats(node: Node) -> bool:
    """Whether a node's result is float, or its results are truths of floats."""
    value = node.meta.get("val")
    is_truth = isinstance(value, torch.Tensor) and value.dtype == torch.bool
    operands = [operand.meta.get("val") for operand in node.all_input_nodes]
    return _is_float(value) or (is_truth and any(map(_is_float, operands)))


def _replace(node: Node, replacement: Node | tuple[Node, ...]) -> None:
    """Let the readers of a node read its replacement, or that of each of its results."""
    if isinstance(replacement, Node):
        node.replace_all_uses_with(replacement)
    else:
        for part in list(node.users):
            part.replace_all_uses_with(replacement[part.args[1]])  # type: ignore[index]
            node.graph.erase_node(part)
    node.graph.erase_node(node)


def _rewrite(
    module: GraphModule,
    rewrites: Mapping[str, Rewrite],
    whole_if: Mapping[str, Callable[[GraphModule, Node], bool]] = MappingProxyType({}),
) -> None:
    """Apply rewrites by the name of the overload, except to calls for which `whole_if` holds."""
    changed = False
    for node in list(module.graph.nodes):
        rewrite = rewrites.get(_name(node))
        if rewrite is None or not _is_of_floats(node):
            continue
        if (stays := whole_if.get(_name(node))) is not None and stays(module, node):
            continue
        with module.graph.inserting_before(node):
            replacement = rewrite(module, node)
        if replacement is not None:
            _replace(node, replacement)
            changed = True
    if changed:
        finish_rewrite(module)
