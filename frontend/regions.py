"""Regions of a program under `torch.no_grad`, `enable_grad` or `autocast`, merged into the rest.

torch.export keeps each as a call of a graph of its own, in which nothing would be quantized, and
a write to an input or buffer would not be seen.
"""

from __future__ import annotations

import copy
from typing import Any

from torch.export import ExportedProgram
from torch.fx import GraphModule, Node

from cmopt.frontend.locations import location, source_nodes
from cmopt.frontend.overloads import is_getitem
from cmopt.support.diagnostics import CompileError

_AUTOCAST = "wrap_with_autocast"
_FIRST = {_AUTOCAST: 4, "wrap_with_set_grad_enabled": 1}
"""For each kind of region the argument that is its graph; its operands follow."""
_ENABLED = 2


def merge_regions(program: ExportedProgram) -> ExportedProgram:
    """`program` without such regions, with its source lines; itself if it has none.

    Raises CompileError, at the user's line, for an autocast that is enabled.
    """
    if not any(_name(node) in _FIRST for node in program.graph.nodes):
        return program
    module = copy.deepcopy(program.graph_module)
    for old_node, new_node in zip(program.graph.nodes, module.graph.nodes, strict=True):
        new_node.name = old_node.name  # copies of some, such as "input", get another
    signature = copy.deepcopy(program.graph_signature)
    for old, new in _merge(module).items():
        signature.replace_all_uses(old, new)
    return program._update(module, signature)


def _merge(module: GraphModule) -> dict[str, str]:
    """Merge the regions of a module into its graph, in place; the new names of their results."""
    renamed: dict[str, str] = {}
    nodes: list[Any] = list(module.graph.nodes)
    for node in nodes:
        if _name(node) not in _FIRST:
            continue
        if _name(node) == _AUTOCAST and node.args[_ENABLED]:
            raise CompileError(
                "autocast computes in another float type, and only float32 can be compiled",
                location=location(node, source_nodes(module.graph).get(node)),
                hint="export the model without torch.autocast, or with enabled=False",
            )
        attribute, *operands = node.args[_FIRST[_name(node)] :]
        region = module.get_submodule(str(attribute.target))
        assert isinstance(region, GraphModule)
        _merge(region)
        values = dict(zip(region.graph.find_nodes(op="placeholder"), operands, strict=True))
        with module.graph.inserting_before(node):
            results: Any = module.graph.graph_copy(region.graph, values)
        for user in list(node.users):
            assert is_getitem(user)
            result = results[user.args[1]]
            renamed[user.name] = result.name
            user.replace_all_uses_with(result)
            module.graph.erase_node(user)
        module.graph.erase_node(node)
        if not attribute.users:
            module.graph.erase_node(attribute)
    module.recompile()
    return renamed


def _name(node: Node) -> str:
    return getattr(node.target, "__name__", "") if node.op == "call_function" else ""
