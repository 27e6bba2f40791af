"""Evaluate what an FX graph computes from constants alone, before quantization.

The quantizer does not see a constant made in the graph (`torch.ones(2, 8)`, `torch.full(…)`, the
initial hidden state of an LSTM) as a parameter. An attribute of the module is quantized as one.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.aliasing import storage_sets, written_nodes
from cmopt.frontend.graph_building import attribute_of
from cmopt.frontend.overloads import is_getitem, operator_name
from cmopt.frontend.upstream import Overload

_UNINITIALIZED = {"empty", "empty_like", "empty_permuted", "empty_strided", "new_empty",
                  "new_empty_strided"}  # fmt: skip


def _mutated(module: GraphModule) -> set[Node]:
    """Nodes whose memory some node of the graph may write to."""
    sets = storage_sets(module.graph)
    return {
        member
        for node in module.graph.nodes
        for written in written_nodes(node)
        for member in sets[written]
    }


def _is_deterministic(node: Node) -> bool:
    """Whether a node computes tensors, the same each time, and writes to none."""
    target = node.target
    if not is_getitem(node) and (
        not isinstance(target, Overload)
        or written_nodes(node)
        or torch.Tag.nondeterministic_seeded in target.tags
    ):
        return False
    value = node.meta.get("val")
    results = value if isinstance(value, tuple | list) else [value]
    return all(isinstance(result, torch.Tensor) for result in results)


def _new_buffer(module: GraphModule, value: torch.Tensor) -> str:
    index = 0
    while hasattr(module, name := f"_constant_{index}"):
        index += 1
    module.register_buffer(name, value)
    return name


def fold_constants(module: GraphModule) -> None:
    """Replace every tensor that depends on no input by a buffer of `module`, in place.

    Random operators, and tensors that the graph writes to, stay as they are. A buffer whose value
    the graph changes counts as an input. Memory that is not initialized is 0: its contents would
    decide on the range of the values that are written over it, and come into the file.
    """
    mutated = _mutated(module)
    values: dict[Node, Any] = {}
    folded: list[Node] = []
    for node in module.graph.nodes:
        if node in mutated:
            continue
        if node.op == "get_attr":
            if (value := attribute_of(module, node)) is not None:
                values[node] = value
        elif (
            node.op == "call_function"
            and _is_deterministic(node)
            and all(argument in values for argument in node.all_input_nodes)
        ):
            args, kwargs = torch.fx.node.map_arg((node.args, node.kwargs), values.__getitem__)
            with torch.no_grad():
                value = node.target(*args, **kwargs)
            values[node] = value.zero_() if operator_name(node) in _UNINITIALIZED else value
            folded.append(node)

    for node in folded:
        if all(user in values for user in node.users):
            continue  # only a step on the way to another constant
        with module.graph.inserting_before(node):
            # A clone: the value may be a view of a parameter, or expanded from one element.
            attribute = module.graph.get_attr(_new_buffer(module, values[node].clone()))
        attribute.meta = {k: v for k, v in node.meta.items() if k != "from_node"}
        node.replace_all_uses_with(attribute)
    if folded:
        for node in reversed(folded):
            if not node.users:
                module.graph.erase_node(node)
        module.graph.lint()
        module.recompile()
