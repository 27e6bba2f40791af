"""One quantization for the operands and the result of a minimum or maximum.

Quantization is monotone and saturates, so the minimum of two quantized values is the quantized
minimum: operands in the result's quantization lose nothing that the result has. In a range of their
own they would be rounded twice, and cost a table, because the kernels compare integers.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.annotation import RangeObserver
from cmopt.frontend.observers import observer_of, set_parameters
from cmopt.frontend.overloads import operator_name

_EXTREMES = {"maximum", "minimum", "max", "min"}


def quantize_as_extremes(observed: torch.nn.Module) -> None:
    """Give the operands of each minimum and maximum the quantization of its result, in place.

    observed: a graph after calibration. An operand that others read keeps its own, and so does one
    whose observer sees several values. In a chain the last result counts.
    """
    assert isinstance(observed, GraphModule)
    uses = Counter(node.target for node in observed.graph.nodes if node.op == "call_module")
    for node in reversed(observed.graph.nodes):
        operands, readers = node.all_input_nodes, list(node.users)
        if operator_name(node) not in _EXTREMES or len(operands) != 2 or len(readers) != 1:
            continue
        result = observer_of(observed, readers[0])
        if not isinstance(result, RangeObserver):
            continue
        scale, zero_point = result.calculate_qparams()
        for operand in operands:
            observer = observer_of(observed, operand)
            if isinstance(observer, RangeObserver) and _is_read_once(operand, uses):
                set_parameters(observer, scale, zero_point)


def _is_read_once(place: Node, uses: Counter[Any]) -> bool:
    """Whether one node reads what an observer sees, and the observer sees one value."""
    return len(place.users) == 1 and uses[place.target] == 1
