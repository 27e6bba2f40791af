"""Chains of functions of one element: only their ends get a range.

The compiler makes one table of such a chain. A range in its middle would be a rounding to int8.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.aliasing import written_nodes
from cmopt.frontend.graph_building import attribute_of
from cmopt.frontend.operators import BINARY, CALLS_OF_ELEMENTS, FUNCTIONS_OF_ELEMENTS
from cmopt.frontend.overloads import operator_name

_OF_TWO = {name.partition(".")[0] for op in BINARY for name in op.ATEN}
_OF_ELEMENTS = FUNCTIONS_OF_ELEMENTS | CALLS_OF_ELEMENTS | _OF_TWO
CLAMPS = {"clamp", "hardtanh", "relu", "relu6"}
"""Operators that a kernel may include, if it computes their operand."""
CLAMPED_BY_KERNELS = {
    *("add", "addmm", "conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d", "convolution"),
    *("linear", "max_pool1d", "max_pool2d", "sub"),
}
"""Operators whose kernels clamp their result."""

_BYTES = (torch.int8, torch.uint8)
"""The integers of which a table has an entry for each."""


@dataclass
class Chain:
    """Functions of one element with a common source."""

    source: Node
    """The float32 tensor, or the tensor of bytes, that all of them are functions of."""
    nodes: list[Node] = field(default_factory=list)
    """In the order of the graph."""
    ends: set[Node] = field(default_factory=set)
    """Those of `nodes` that get a range: float32 values that others read."""


def chains_of(model: GraphModule) -> list[Chain]:
    """The chains of a graph in which numbers are constant tensors.

    A chain has two nodes or more, or one that becomes no table by itself. A function of two tensors
    belongs to a chain if both are functions of the same source, or if one is a constant of one
    value. All shapes in a chain are equal. A clamp that a kernel includes belongs to no chain, and
    a truth only if nothing else reads it: else it is computed from quantized values.
    """
    finder = _Finder(model)
    while finder.finds_more_sources():
        pass
    chains: dict[Node, Chain] = {}
    for node, source in finder.sources.items():
        chain = chains.setdefault(source, Chain(source))
        chain.nodes.append(node)
        if finder.needs_range(node):
            chain.ends.add(node)
    return [chain for chain in chains.values() if chain.ends and _is_worth(chain)]


def _is_worth(chain: Chain) -> bool:
    return len(chain.nodes) > 1 or operator_name(chain.nodes[0]) in CALLS_OF_ELEMENTS


class _Finder:
    """Finds, for each function of one element, the farthest value that it is a function of."""

    def __init__(self, model: GraphModule):
        self._nodes = list(model.graph.nodes)
        self._numbers = {node for node in self._nodes if _is_number(model, node)}
        self._starts: set[Node] = set()
        self._truths: set[Node] = set()
        """Truths that nodes outside of the chain read."""
        self.sources: dict[Node, Node] = {}

    def finds_more_sources(self) -> bool:
        """Whether a value in a chain is read elsewhere and in the chain; the chain is then cut.

        Such a value is quantized for the other readers, so the chain reads it in that form. A truth
        that is read elsewhere leaves the chain.
        """
        self.sources = {}
        for node in self._nodes:
            if (source := self._source(node)) is not None:
                self.sources[node] = source
        both = {
            node for node in self.sources if self.needs_range(node) and self._is_read_inside(node)
        }
        truths = {node for node in self.sources if not _is_float(node) and self._is_end(node)}
        self._starts |= both
        self._truths |= truths
        return bool(both or truths)

    def needs_range(self, node: Node) -> bool:
        """Whether a value of a chain is float, and a node that is not in the chain reads it."""
        return _is_float(node) and self._is_end(node)

    def _is_end(self, node: Node) -> bool:
        return any(
            self.sources.get(user) is not self.sources[node]
            for user in node.users
            if not operator_name(user).startswith("_assert_")
        )

    def _is_read_inside(self, node: Node) -> bool:
        return any(self.sources.get(user) is self.sources[node] for user in node.users)

    def _source(self, node: Node) -> Node | None:
        if node in self._starts | self._truths or not self._is_of_elements(node):
            return None
        operands = [operand for operand in node.all_input_nodes if operand not in self._numbers]
        found = {self.sources.get(operand, operand) for operand in operands}
        if len(found) != 1:
            return None
        (source,) = found
        is_start = _is_float(source) or _dtype(source) in _BYTES
        if not is_start or not _same_shape(source, node) or source in self._numbers:
            return None
        is_own_kernel = operator_name(source) in CLAMPED_BY_KERNELS and len(source.users) == 1
        return None if is_own_kernel and operator_name(node) in CLAMPS else source

    def _is_of_elements(self, node: Node) -> bool:
        name = operator_name(node)
        if node.op != "call_function" or name not in _OF_ELEMENTS or written_nodes(node):
            return False
        values = [node, *node.all_input_nodes]
        if name == "to" and _is_float(node) and _dtype(values[1]) in _BYTES:
            return True
        return all(_is_float(value) or _is_bool(value) for value in values)


def _is_number(model: GraphModule, node: Node) -> bool:
    """Whether all elements of a node are the same number, which is finite."""
    value = attribute_of(model, node)
    if value is None or not value.numel():
        return False
    first = value.reshape(-1)[0]
    return bool((value == first).all()) and bool(torch.isfinite(first))


def _dtype(node: Node) -> torch.dtype | None:
    value = node.meta.get("val")
    return value.dtype if isinstance(value, torch.Tensor) else None


def _is_float(node: Node) -> bool:
    return _dtype(node) == torch.float32


def _is_bool(node: Node) -> bool:
    return _dtype(node) == torch.bool


def _same_shape(first: Node, second: Node) -> bool:
    return bool(first.meta["val"].shape == second.meta["val"].shape)
