"""Bring an exported program into the form the importer reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.fx import Graph, Node

from cmopt.frontend.aliasing import storage_sets, written_nodes
from cmopt.frontend.conversions import CONVERSIONS
from cmopt.frontend.overloads import is_edge_operator, overload, overload_name

# Decompositions of decompositions: more rounds than any operator is known to need.
_ROUNDS = 8


def _is_edge_dialect(graph: Graph) -> bool:
    return any(is_edge_operator(node) for node in graph.nodes)


def _writes_to_a_view(graph: Graph) -> bool:
    """Whether an operator writes to memory another node sees in another form.

    An in-place result is the written node itself, under a later name; that is no other form.
    """
    if not any(written_nodes(node) for node in graph.nodes):
        return False
    sets = storage_sets(graph)
    for node in graph.nodes:
        for written in written_nodes(node):
            views = [m for m in sets[written] if m is not written and not written_nodes(m)]
            base = [m for m in views if not (sets[written] - {m}) & set(m.all_input_nodes)]
            if len(views) > len(base):
                return True
    return False


def _needs_decomposition(node: Node) -> torch._ops.OpOverload | None:
    """The operator, if it is neither in the table of conversions nor one of Core ATen."""
    target = overload(node)
    if target is None or target.namespace != "aten" or torch.Tag.core in target.tags:
        return None
    return None if overload_name(target) in CONVERSIONS else target


def _table(program: ExportedProgram, available: Mapping[Any, Any]) -> dict[Any, Any]:
    wanted = {_needs_decomposition(node) for node in program.graph.nodes} - {None}
    return {target: available[target] for target in wanted if target in available}


def normalize(program: ExportedProgram) -> ExportedProgram:
    """Decompose what the importer has no use for, and nothing else; `program` stays as it is.

    Decomposed are operators without a conversion that are not of Core ATen, for portable kernels
    exist for Core ATen only. A program that writes in place to something of which a view exists
    is made functional. Programs in the Edge dialect have been through this and are returned.
    """
    if _is_edge_dialect(program.graph):
        return program
    available = torch.export.default_decompositions()
    for _ in range(_ROUNDS):
        table = _table(program, available)
        if not table and not _writes_to_a_view(program.graph):
            break
        before = [node.target for node in program.graph.nodes]
        program = program.run_decompositions(table)
        if before == [node.target for node in program.graph.nodes]:
            break
    return program
