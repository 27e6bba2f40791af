"""One range for the operands and the result of a minimum or maximum, if no accuracy is lost.

The kernels compare integers, so an operand in another quantization costs a table.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e.observer import ObserverBase

from cmopt.frontend.annotation import RangeObserver
from cmopt.frontend.observers import observer_of, set_parameters
from cmopt.frontend.overloads import operator_name

_EXTREMES = {"maximum", "minimum", "max", "min"}


@dataclass(frozen=True)
class Range:
    """The real numbers that int8 stands for."""

    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low

    def joined(self, other: Range) -> Range:
        return Range(min(self.low, other.low), max(self.high, other.high))


def join_ranges_of_extremes(observed: torch.nn.Module) -> None:
    """Give the operands and the result of minimum and maximum one range, in place.

    observed: a graph after calibration. Rounding in a range adds noise in proportion to its width
    squared. The ranges are joined if the joint one adds no more noise than the rounding of an
    operand, either as often as the other, and that of the result. An operand that others read
    keeps its own range.
    """
    assert isinstance(observed, GraphModule)
    groups: dict[str, set[str]] = {}
    uses = Counter(node.target for node in observed.graph.nodes if node.op == "call_module")
    for node in observed.graph.nodes:
        names = _observers_around(observed, node, uses)
        if names is None:
            continue
        members = set[str]().union(*(groups.get(name, {name}) for name in names))
        *operands, result = (_range_of(observed, name) for name in names)
        joint = _joined(observed, members)
        of_operands = sum(operand.width**2 for operand in operands) / 2
        if joint.width**2 <= of_operands + result.width**2:
            for name in members:
                groups[name] = members
                _set_range(observed, name, joint)


def _observers_around(observed: GraphModule, node: Node, uses: Counter[Any]) -> list[str] | None:
    """The observers of a minimum's operands and result; None if they cannot have one range.

    uses: how often each module is called. An observer of several values keeps its range.
    """
    if operator_name(node) not in _EXTREMES or len(node.all_input_nodes) != 2:
        return None
    readers = list(node.users)
    around = [*node.all_input_nodes, readers[0]] if len(readers) == 1 else []
    if not around or not all(
        uses[place.target] == 1 and isinstance(observer_of(observed, place), RangeObserver)
        for place in around
    ):
        return None
    if any(len(operand.users) != 1 for operand in node.all_input_nodes):
        return None
    return [str(place.target) for place in around]


def _observer(observed: GraphModule, name: str) -> ObserverBase:
    found = observed.get_submodule(name)
    assert isinstance(found, ObserverBase)
    return found


def _range_of(observed: GraphModule, name: str) -> Range:
    scale, zero_point = (float(value) for value in _observer(observed, name).calculate_qparams())
    return Range((-128 - zero_point) * scale, (127 - zero_point) * scale)


def _joined(observed: GraphModule, names: set[str]) -> Range:
    first, *others = (_range_of(observed, name) for name in sorted(names))
    for other in others:
        first = first.joined(other)
    return first


def _set_range(observed: GraphModule, name: str, range: Range) -> None:
    observer = _observer(observed, name)
    ends = torch.tensor(range.low), torch.tensor(range.high)
    set_parameters(observer, *observer._calculate_qparams(*ends))
