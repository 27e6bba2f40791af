"""Bring an exported program into the form the importer reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.fx import Graph, Node

from cmopt.frontend.aliasing import writes_escape
from cmopt.frontend.conversions import CONVERSIONS
from cmopt.frontend.overloads import is_edge_operator, overload, overload_name

# Decompositions of decompositions: more rounds than any operator is known to need.
_ROUNDS = 8


def _is_edge_dialect(graph: Graph) -> bool:
    return any(is_edge_operator(node) for node in graph.nodes)


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
    exist for Core ATen only. A program whose in-place operators change what is read under another
    name is made functional. Programs in the Edge dialect have been through this and are returned.
    """
    if _is_edge_dialect(program.graph):
        return program
    available = torch.export.default_decompositions()
    for _ in range(_ROUNDS):
        table = _table(program, available)
        if not table and not writes_escape(program.graph):
            break
        before = [node.target for node in program.graph.nodes]
        program = program.run_decompositions(table)
        if before == [node.target for node in program.graph.nodes]:
            break
    return program
