"""One range for a value that a loop carries from step to step, or state from run to run."""

from __future__ import annotations

from collections.abc import Sequence

from torch.fx import GraphModule, Node
from torch.utils._pytree import tree_leaves
from torchao.quantization.pt2e.observer import ObserverBase

from cmopt.frontend.observers import observer_of, replace_observer
from cmopt.frontend.operators import MOVEMENTS
from cmopt.frontend.overloads import is_getitem, operator_name
from cmopt.frontend.recurrences import Recurrence, calls_of
from cmopt.frontend.wide_types import values_of_observers


def share_carried_ranges(cell: GraphModule) -> None:
    """Let each carried value of a cell have one observer, as operand and as result, in place.

    The cell takes its carried values first, and returns their new values first.
    """
    operands, results = cell.graph.find_nodes(op="placeholder"), _results(cell)
    for old, new in zip(operands, results[:-1], strict=False):
        _share(cell, old, new)


def share_state_ranges(observed: GraphModule, count: int) -> None:
    """Let each state have one observer, before a run and after it, in place.

    count: the number of states. They are the last inputs, their new values the last outputs.
    """
    if count:
        operands, results = observed.graph.find_nodes(op="placeholder"), _results(observed)
        for old, new in zip(operands[-count:], results[-count:], strict=True):
            _share(observed, old, new)


def _results(module: GraphModule) -> list[Node]:
    return [x for x in tree_leaves(module.graph.output_node().args[0]) if isinstance(x, Node)]


def _share(observed: GraphModule, old: Node, new: Node) -> None:
    """Let the observers of an old value and of a new one be one, if one of the two sees nothing
    else. Otherwise the value is requantized."""
    made = observer_of(observed, new)
    if made is None:
        return
    values = values_of_observers(observed)
    for taken in [observer_of(observed, user) for user in old.users]:
        if taken is None or taken is made:
            continue
        if values.get(taken) == [old]:
            replace_observer(observed, taken, made)
        elif values.get(made) == new.all_input_nodes:
            replace_observer(observed, made, taken)
            made = taken


def share_ranges_of_loops(observed: GraphModule, loops: Sequence[Recurrence]) -> None:
    """Let values on both sides of a loop's border have one range, in place, after calibration.

    A loop takes its sequence in the quantization that the graph has for it. What reads the loop's
    outputs takes them in the loop's quantization, unless it shares a range with other values.
    """
    for loop in loops:
        cell = loop.observed
        assert cell is not None
        (call,) = calls_of(observed.graph, loop)
        *_, part = cell.graph.find_nodes(op="placeholder")
        outer = observer_of(observed, call.args[1]) if isinstance(call.args[1], Node) else None
        if outer is not None:
            _replace_behind(cell, part, outer)
        for index, made in enumerate(_results(cell)):
            if (observer := observer_of(cell, made)) is not None:
                _read_in(observed, call, index, observer)


def _read_in(observed: GraphModule, call: Node, index: int, observer: ObserverBase) -> None:
    """Let the observers of one result of a loop be `observer`, where they see nothing else."""
    gets = [user for user in call.users if is_getitem(user) and user.args[1] == index]
    moved, open = set(gets), list(gets)
    while open:
        for user in open.pop().users:
            is_seen = observer_of(observed, user) is not None
            if user not in moved and (is_seen or operator_name(user) in MOVEMENTS):
                moved.add(user)
                open.append(user)
    for other, values in values_of_observers(observed).items():
        if all(value in moved for value in values):
            replace_observer(observed, other, observer)


def _replace_behind(cell: GraphModule, operand: Node, observer: ObserverBase) -> None:
    """Let the observers that see an operand of a cell be this one."""
    for old in [observer_of(cell, user) for user in operand.users]:
        if old is not None:
            replace_observer(cell, old, observer)
