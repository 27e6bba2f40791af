"""Check that the graph that is about to be calibrated still computes what the model does."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch.fx import GraphModule, Interpreter, Node
from torch.utils._pytree import tree_leaves
from torchao.quantization.pt2e.observer import ObserverBase

from cmopt.frontend.annotation import all_finite
from cmopt.frontend.element_functions import MASKED
from cmopt.frontend.structure import Arguments

_OF_THE_RESULT = 1e-3
_OF_THE_LARGEST = 1e-5
"""Rounding errors of a deep float network are far below these fractions of its values."""

_REPORT = "This is a fault of cmopt or of PyTorch: please report it with the model"

_ALMOST_MINUS_INFINITY = -1e30


class _WithoutObservers(Interpreter):
    """Runs a prepared graph as if it had no observers, and notes its largest value.

    -inf in a constant counts as a large negative number: a softmax of only -inf is NaN in float,
    but it is a number in int8, and in the many models that write -1e9 instead.
    """

    def __init__(self, module: GraphModule):
        super().__init__(module)
        self.largest = 0.0

    def run_node(self, n: torch.fx.Node) -> Any:
        result = value = super().run_node(n)
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            if not all_finite(value) or bool((value <= MASKED).any()):
                value = value[value.isfinite() & (value > MASKED)]
            if value.numel():
                self.largest = max(self.largest, *(abs(float(v)) for v in value.aminmax()))
        return result

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        if isinstance(self.fetch_attr(target), ObserverBase):
            return args[0]
        return super().call_module(target, args, kwargs)

    def get_attr(self, target: Any, args: Any, kwargs: Any) -> Any:
        value = super().get_attr(target, args, kwargs)
        if isinstance(value, torch.Tensor) and not all_finite(value):
            return value.masked_fill(value == -torch.inf, _ALMOST_MINUS_INFINITY)
        return value


def _is_random(node: Node) -> bool:
    """Whether a call draws random numbers. Dropouts do nothing in eval mode."""
    is_seeded = torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())
    return is_seeded and "dropout" not in str(node.target)


def check_preparation(
    model: torch.nn.Module,
    prepared: GraphModule,
    example: Arguments,
    state: Sequence[torch.Tensor] = (),
) -> None:
    """Raise ValueError if `prepared`, without observers, differs from `model` on the example.

    state: values of the model's state, which `prepared` takes as its last inputs. A copy of the
    model is called.

    A graph with random numbers is not compared, because PyTorch may draw them in another order.
    Float rounding is allowed: an output may differ by 1/1000 of itself plus 1/100000 of the largest
    value in the graph, as root mean squares. Only values that are finite in `model` count.
    """
    if any(_is_random(node) for node in prepared.graph.nodes):
        return
    runner = _WithoutObservers(prepared)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        given = copy.deepcopy(example)
        own = copy.deepcopy(model) if state else model
        wanted = tree_leaves(own(*given.args, **given.kwargs))
        torch.manual_seed(0)
        found = tree_leaves(runner.run(*copy.deepcopy(example.values), *state))
        found = found[: len(found) - len(state)]
    for index, (want, have) in enumerate(zip(wanted, found, strict=True)):
        if not isinstance(want, torch.Tensor):
            continue
        if want.shape != have.shape:
            raise ValueError(
                f"after preparation for quantization, output {index} has the shape "
                f"{list(have.shape)} instead of {list(want.shape)}. {_REPORT}"
            )
        if not want.is_floating_point():
            continue
        is_usual = want.isfinite() & ~((want < MASKED) & (have < MASKED))
        want, have = want[is_usual].double(), have[is_usual].double()
        if not want.numel():
            continue
        allowed = _OF_THE_RESULT * _mean_size(want) + _OF_THE_LARGEST * runner.largest
        error = _mean_size(have - want)
        if not error <= allowed:
            raise ValueError(
                f"after preparation for quantization, output {index} is no longer what the model "
                f"computes: on the example inputs it differs by {error:.3g} of "
                f"{_mean_size(want):.3g} (root mean squares). {_REPORT}"
            )


def _mean_size(values: torch.Tensor) -> float:
    return float(values.square().mean().sqrt())
