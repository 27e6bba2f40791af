"""Graphs that a program calls, merged into the rest.

torch.export keeps what is under `torch.no_grad`, `enable_grad` or `autocast`, and each branch of a
`torch.cond`, as a graph of its own. Nothing in it would be quantized, and a write to an input or
buffer would not be seen.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import (
    ExportGraphSignature,
    InputKind,
    InputSpec,
    TensorArgument,
)
from torch.fx import GraphModule, Node

from cmopt.frontend.graph_building import attribute_of, insert, insert_constant
from cmopt.frontend.locations import location, source_nodes
from cmopt.frontend.overloads import is_edge_operator, is_getitem
from cmopt.frontend.tensor_types import dtype_name
from cmopt.frontend.upstream import edge_operator
from cmopt.support.diagnostics import CompileError

_GRAD, _AUTOCAST = "wrap_with_set_grad_enabled", "wrap_with_autocast"
_CONSTANT = "_constant_of_region_"
_ENABLED = 2
"""The argument of an autocast that says whether it is enabled."""


def merge_regions(program: ExportedProgram) -> ExportedProgram:
    """`program` without such graphs, with its source lines; itself if it has none.

    Both branches of a `torch.cond` are computed, and each result is chosen by `aten.where`. This is
    exact, because PyTorch lets no branch write to its operands or return one of them.

    Raises CompileError, at the user's line, if an autocast is enabled, or if the two branches of a
    `torch.cond` give something else than tensors of the same shapes and dtypes.
    """
    graphs = [part for part in program.graph_module.modules() if isinstance(part, GraphModule)]
    if not any(_name(node) in _MERGED for part in graphs for node in part.graph.nodes):
        return program
    module = copy.deepcopy(program.graph_module)
    for old_node, new_node in zip(program.graph.nodes, module.graph.nodes, strict=True):
        new_node.name = old_node.name  # copies of some, such as "input", get another
    for part in reversed(list(module.modules())):  # what a graph calls before the graph
        if isinstance(part, GraphModule):
            renamed = _merge(part)
    signature = copy.deepcopy(program.graph_signature)
    for old, new in renamed.items():  # of the last, the whole
        signature.replace_all_uses(old, new)
    constants = {**program.constants, **_lift_constants(module, signature)}
    return program._update(module, signature, constants=constants)


def _merge(module: GraphModule) -> dict[str, str]:
    """Merge what a module calls into its graph, in place; the new names of the results."""
    renamed: dict[str, str] = {}
    nodes: list[Any] = list(module.graph.nodes)
    for node in nodes:
        if _name(node) not in _MERGED:
            continue
        with module.graph.inserting_before(node):
            results = _MERGED[_name(node)](module, node)
        for user in list(node.users):
            assert is_getitem(user)
            result = results[user.args[1]]
            renamed[user.name] = result.name
            user.replace_all_uses_with(result)
            module.graph.erase_node(user)
        module.graph.erase_node(node)
    for attribute in module.graph.find_nodes(op="get_attr"):
        if not attribute.users:
            module.graph.erase_node(attribute)
    module.recompile()
    return renamed


def _merge_grad(module: GraphModule, node: Node) -> Sequence[Any]:
    _, region, *operands = node.args
    return _inline(module, region, operands)


def _merge_autocast(module: GraphModule, node: Node) -> Sequence[Any]:
    if node.args[_ENABLED]:
        raise CompileError(
            "autocast computes in another float type, and only float32 can be compiled",
            location=location(node, source_nodes(module.graph).get(node)),
            hint="export the model without torch.autocast, or with enabled=False",
        )
    region, *operands = node.args[4:]
    return _inline(module, region, operands)


def _merge_branches(module: GraphModule, node: Node) -> Sequence[Any]:
    predicate, if_true, if_false, operands = node.args
    assert isinstance(predicate, Node) and isinstance(operands, list | tuple)
    one = _inline(module, if_true, operands)
    other = _inline(module, if_false, operands)
    for result, alternative in zip(one, other, strict=True):
        if _type(result) is None or _type(result) != _type(alternative):
            raise CompileError(
                "the branches of torch.cond give different types: "
                f"{_type_text(result)} and {_type_text(alternative)}",
                location=location(node, source_nodes(module.graph).get(node)),
                hint="both are computed and one is chosen, so that each result of both must be a "
                "tensor of the same shape and dtype",
            )
    is_edge = any(map(is_edge_operator, module.graph.nodes))
    where, view = (
        edge_operator(operator) if is_edge else operator
        for operator in (torch.ops.aten.where.self, torch.ops.aten.view_copy.default)
    )
    if predicate.meta["val"].dim():
        predicate = insert(module.graph, predicate, view, predicate, [])
    return [
        insert(module.graph, result, where, predicate, result, alternative)
        for result, alternative in zip(one, other, strict=True)
    ]


_MERGED: dict[str, Callable[[GraphModule, Node], Sequence[Any]]] = {
    _GRAD: _merge_grad,
    _AUTOCAST: _merge_autocast,
    "cond": _merge_branches,
}
"""By the name of a higher-order operator: inserts what it computes, and returns its results."""


def _inline(module: GraphModule, attribute: Any, operands: Sequence[Any]) -> Sequence[Any]:
    """Copy the graph of an attribute to the insertion point; its results.

    Constants of the graph become constants of the module.
    """
    region = module.get_submodule(str(attribute.target))
    assert isinstance(region, GraphModule)
    values = dict(zip(region.graph.find_nodes(op="placeholder"), operands, strict=True))
    for node in region.graph.find_nodes(op="get_attr"):
        if (value := attribute_of(region, node)) is not None:
            call = next(iter(attribute.users))
            values[node] = insert_constant(module, call, value, _CONSTANT)
    results = module.graph.graph_copy(region.graph, values)
    assert isinstance(results, list | tuple)
    return results


def _lift_constants(
    module: GraphModule, signature: ExportGraphSignature
) -> dict[str, torch.Tensor]:
    """Make inputs of the constants of a module, in place, as those of an exported program are.

    The signature gets them before the user's inputs. Returns their values.
    """
    kinds = [spec.kind for spec in signature.input_specs]
    place = kinds.index(InputKind.USER_INPUT) if InputKind.USER_INPUT in kinds else len(kinds)
    nodes: list[Node] = list(module.graph.nodes)
    lifted: dict[str, torch.Tensor] = {}
    for node in nodes:
        if (value := attribute_of(module, node)) is None:
            continue
        name = str(node.target)
        with module.graph.inserting_before(nodes[place]):
            constant = module.graph.placeholder(name)
        constant.meta["val"] = node.meta["val"]
        node.replace_all_uses_with(constant)
        module.graph.erase_node(node)
        delattr(module, name)
        spec = InputSpec(InputKind.CONSTANT_TENSOR, TensorArgument(constant.name), name)
        signature.input_specs.insert(place + len(lifted), spec)
        lifted[name] = value
    module.recompile()
    return lifted


def _type(result: Any) -> tuple[torch.Size, torch.dtype] | None:
    value = result.meta.get("val") if isinstance(result, Node) else None
    return (value.shape, value.dtype) if isinstance(value, torch.Tensor) else None


def _type_text(result: Any) -> str:
    found = _type(result)
    return "a number" if found is None else f"{dtype_name(found[1])} {list(found[0])}"


def _name(node: Node) -> str:
    return getattr(node.target, "__name__", "") if node.op == "call_function" else ""
