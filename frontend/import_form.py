"""Bring an exported program into the form the importer reads."""

from __future__ import annotations

import torch
from torch.export import ExportedProgram
from torch.fx import Graph, GraphModule, Node
from torch.utils._pytree import tree_leaves

from cmopt.frontend.aliasing import writes_escape
from cmopt.frontend.decomposing import decomposed
from cmopt.frontend.operators import ARITHMETIC, CONVERSIONS
from cmopt.frontend.overloads import is_edge_operator, overload, overload_name
from cmopt.frontend.upstream import Overload

# A decomposition may itself need decomposition; no known operator needs as many rounds.
_ROUNDS = 8

_WITH_KERNEL = {f"aten.{name}.default" for name in ("floor_divide", "logit", "max", "min")}
"""Operators of arithmetic outside of Core ATen that have a kernel which takes integers."""


def _is_edge_dialect(graph: Graph) -> bool:
    return any(is_edge_operator(node) for node in graph.nodes)


def _needs_decomposition(node: Node) -> Overload | None:
    """The operator, if it is neither in the table of conversions nor one of Core ATen.

    The conversions of arithmetic take floats only. Integers need the operators of Core ATen, which
    have kernels; an operator in place is not one of them.
    """
    target = overload(node)
    if target is None or target.namespace != "aten" or torch.Tag.core in target.tags:
        return None
    name = overload_name(target)
    if name not in CONVERSIONS or (name in ARITHMETIC - _WITH_KERNEL and not _is_float(node)):
        return target
    return None


def _is_float(node: Node) -> bool:
    """Whether all tensors of a call are float32."""
    values = tree_leaves([n.meta.get("val") for n in (node, *node.all_input_nodes)])
    return all(v.dtype == torch.float32 for v in values if isinstance(v, torch.Tensor))


def _nodes(module: torch.nn.Module) -> list[Node]:
    """The nodes of a graph and of the graphs that it calls, such as those of loops."""
    graphs = (part.graph for part in module.modules() if isinstance(part, GraphModule))
    return [node for graph in graphs for node in graph.nodes]


def normalize(program: ExportedProgram) -> ExportedProgram:
    """Decompose only what the importer cannot read; `program` itself is not changed.

    These are operators without a conversion that are not in Core ATen, because portable kernels
    exist only for Core ATen. A program is made functional if an in-place operator changes what is
    read under another name, or is arithmetic on other numbers than floats. A program in the Edge
    dialect is already normal and is returned.
    """
    if _is_edge_dialect(program.graph):
        return program
    for _ in range(_ROUNDS):
        wanted = {_needs_decomposition(node) for node in _nodes(program.graph_module)} - {None}
        if not wanted and not writes_escape(program.graph):
            break
        available = torch.export.default_decompositions()
        before = [node.target for node in _nodes(program.graph_module)]
        table = {t: available[t] for t in wanted if t is not None and t in available}
        program = decomposed(program, table)
        if before == [node.target for node in _nodes(program.graph_module)]:
            break
    return program
