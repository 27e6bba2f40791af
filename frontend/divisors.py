"""Divisors that are never 0 in calibration, and that quantization would round to 0.

`F.normalize` divides by `max(|x|, 1e-12)`. In int8 1e-12 is 0, and 0 / 0 is NaN. A divisor that may
be 0 costs three kernel calls more.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e.quantizer.quantizer import Q_ANNOTATION_KEY

from cmopt.frontend.annotation import RangeObserver
from cmopt.frontend.element_chains import CLAMPED_BY_KERNELS
from cmopt.frontend.observers import observer_of, set_parameters, uses_of_observers
from cmopt.frontend.operators import MOVEMENTS
from cmopt.frontend.overloads import operator_name

aten = torch.ops.aten


def keep_divisors_from_zero(observed: torch.nn.Module) -> None:
    """Set each lower bound of a divisor to one step of the divisor's quantization, in place.

    observed: a graph after calibration. A bound that is not rounded to 0 stays. A divisor without
    a bound that had one sign in calibration gets one. The quotient changes only where the divisor
    is less than half a step, which is 0 in int8, or has the other sign.
    """
    assert isinstance(observed, GraphModule)
    for node in list(observed.graph.nodes):
        if node.target is not aten.div.Tensor:
            continue
        clamp, observer = _clamp_behind(observed, node.args[1])
        if clamp is None or observer is None:
            _bound(observed, node)
            continue
        step = float(observer.calculate_qparams()[0])
        if 0 < float(clamp.args[1]) < step / 2:  # type: ignore[arg-type]
            with observed.graph.inserting_before(clamp):
                raised = observed.graph.node_copy(clamp, lambda n: n)
            raised.args = (clamp.args[0], step)
            clamp.replace_all_uses_with(raised)
            observed.graph.erase_node(clamp)
    observed.recompile()


def _bound(observed: GraphModule, division: Node) -> None:
    """Clamp a divisor of one sign.

    An input of the model in int8, in its quantization; the result of a kernel that can clamp,
    before its observer; any other behind its observer.
    """
    place = division.args[1]
    observer = observer_of(observed, place) if isinstance(place, Node) else None
    if not isinstance(place, Node) or not isinstance(observer, RangeObserver):
        return
    step = float(observer.calculate_qparams()[0])
    low, high = float(observer.min_val), float(observer.max_val)
    if not (0 < low <= high or low <= high < 0):
        return
    bounds = (step, None) if low > 0 else (None, -step)
    (value,) = place.all_input_nodes
    is_read_once = len(place.users) == 1 and place is not division.args[0]
    is_int8 = observer.dtype == torch.int8
    if (
        is_int8
        and value.op == "placeholder"
        and is_read_once
        and uses_of_observers(observed)[observer] == 1
    ):
        scale, zero_point = observer.calculate_qparams()
        set_parameters(observer, scale, zero_point)
        if low > 0:
            observer.quant_min = int(zero_point) + 1
        else:
            observer.quant_max = int(zero_point) - 1
        return
    is_alone = is_read_once and len(value.users) == 1
    if is_alone and operator_name(value) in CLAMPED_BY_KERNELS:
        with observed.graph.inserting_before(place):
            place.args = (_clamped(observed, value, bounds),)
        return
    with observed.graph.inserting_before(division):
        clamped = _clamped(observed, place, bounds)
        again = observed.graph.call_module(str(place.target), (clamped,))
        again.meta = dict(place.meta)
    division.replace_input_with(place, again)


def _clamped(observed: GraphModule, value: Node, bounds: tuple[float | None, float | None]) -> Node:
    clamp = observed.graph.call_function(aten.clamp.default, (value, *bounds))
    clamp.meta = {key: item for key, item in value.meta.items() if key != Q_ANNOTATION_KEY}
    return clamp


def _clamp_behind(observed: GraphModule, divisor: Any) -> tuple[Node | None, Any]:
    """The `clamp_min` whose elements the divisor is, and the observer nearest to the division."""
    nearest = None
    while isinstance(divisor, Node):
        if divisor.op == "call_module":
            if (module := observer_of(observed, divisor)) is None:
                break
            nearest = nearest or module
        elif divisor.target is aten.clamp_min.default:
            return divisor, nearest
        elif operator_name(divisor) not in MOVEMENTS:
            break
        divisor = divisor.args[0]
    return None, None
