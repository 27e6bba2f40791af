"""Divisors that a model keeps above 0, and that quantization would round to 0.

`F.normalize` divides by `max(|x|, 1e-12)`. In int8 1e-12 is 0, and 0 / 0 is NaN.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e.observer import ObserverBase

from cmopt.frontend.operators import MOVEMENTS
from cmopt.frontend.overloads import operator_name

aten = torch.ops.aten


def keep_divisors_from_zero(observed: torch.nn.Module) -> None:
    """Set each lower bound of a divisor to one step of the divisor's quantization, in place.

    observed: a graph after calibration. A bound that is not rounded to 0 stays. The quotient
    changes only where the divisor is less than half a step, which is 0 in int8.
    """
    assert isinstance(observed, GraphModule)
    for node in list(observed.graph.nodes):
        if node.target is not aten.div.Tensor:
            continue
        clamp, observer = _clamp_behind(observed, node.args[1])
        if clamp is None or observer is None:
            continue
        step = float(observer.calculate_qparams()[0])
        if 0 < float(clamp.args[1]) < step / 2:  # type: ignore[arg-type]
            with observed.graph.inserting_before(clamp):
                raised = observed.graph.node_copy(clamp, lambda n: n)
            raised.args = (clamp.args[0], step)
            clamp.replace_all_uses_with(raised)
            observed.graph.erase_node(clamp)
    observed.recompile()


def _clamp_behind(observed: GraphModule, divisor: Any) -> tuple[Node | None, Any]:
    """The `clamp_min` whose elements the divisor is, and the observer nearest to the division."""
    nearest = None
    while isinstance(divisor, Node):
        if divisor.op == "call_module":
            module = observed.get_submodule(str(divisor.target))
            if not isinstance(module, ObserverBase):
                break
            nearest = nearest or module
        elif divisor.target is aten.clamp_min.default:
            return divisor, nearest
        elif operator_name(divisor) not in MOVEMENTS:
            break
        divisor = divisor.args[0]
    return None, None
