"""Values that need no rounding of their own, because of how they follow from others.

Quantization is monotone and saturates, so the minimum of two quantized values is the quantized
minimum: operands in the result's quantization lose nothing that the result has. In a range of their
own they would be rounded twice, and cost a table, because the kernels compare integers.

A value times a positive number has the same integers, in steps that are as many times larger.
"""

from __future__ import annotations

import math

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.annotation import LEAST_STEP, RangeObserver
from cmopt.frontend.observers import (
    constant_behind,
    observer_of,
    set_parameters,
    uses_of_observers,
)
from cmopt.frontend.overloads import operator_name

_EXTREMES = {"maximum", "minimum", "max", "min"}


def quantize_as_extremes(observed: torch.nn.Module) -> None:
    """Give the operands of each minimum and maximum the quantization of its result, in place.

    observed: a graph after calibration. An operand that others read keeps its own, and so does one
    whose observer sees several values, or has another type. In a chain the last result counts.
    """
    assert isinstance(observed, GraphModule)
    uses = uses_of_observers(observed)
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
            if not isinstance(observer, RangeObserver) or observer.dtype != result.dtype:
                continue
            if uses[observer] == 1 and len(operand.users) == 1:
                set_parameters(observer, scale, zero_point)


def keep_integers_of_products(observed: torch.nn.Module) -> None:
    """Give each product with a positive number the integers of its operand, in place.

    observed: a graph after calibration. An observer that sees other values too keeps its range, and
    so does one of another type than the operand's.
    """
    assert isinstance(observed, GraphModule)
    uses = uses_of_observers(observed)
    for node in observed.graph.nodes:
        readers = list(node.users)
        if node.target is not torch.ops.aten.mul.Tensor or len(readers) != 1:
            continue
        result, found = observer_of(observed, readers[0]), _product_with_number(observed, node)
        if found is None or not isinstance(result, RangeObserver) or uses[result] != 1:
            continue
        operand, number = found
        if operand.dtype != result.dtype:
            continue
        scale, zero_point = operand.calculate_qparams()
        if LEAST_STEP <= float(scale) * number < math.inf:
            set_parameters(result, scale * number, zero_point)


def _product_with_number(observed: GraphModule, node: Node) -> tuple[RangeObserver, float] | None:
    """The observer of the operand whose shape a product has, and the number it is multiplied by."""
    places = node.all_input_nodes
    for place, other in (places, places[::-1]) if len(places) == 2 else ():
        observer, constant = observer_of(observed, place), constant_behind(observed, other)
        if not isinstance(observer, RangeObserver) or constant is None or not constant.numel():
            continue
        number = float(constant.reshape(-1)[0])
        is_number = number > 0 and bool((constant == number).all())
        (value,) = place.all_input_nodes
        if is_number and value.meta["val"].shape == node.meta["val"].shape:
            return observer, number
    return None
