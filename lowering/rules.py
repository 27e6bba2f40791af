"""Rules: each lowers one kind of op to one target, or says why it cannot.

A rule is `rule(op, builder) -> value`. It appends the ops that compute `op` to the builder and
returns the result, or raises `Unsupported`. To ask whether an op has a kernel, its rule is run on
trial (`lowering/legality.py`). So a limit is written only once, where the op is lowered.

Plug-ins may have rules too (`lowering/plugin_rules.py`). They are asked first; if one raises
`Unsupported`, the project's own rule is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from xdsl.ir import Operation, SSAValue

from cmopt.dialects.edge import PermuteOp

Kind = TypeVar("Kind", bound=Operation)
Rule: TypeAlias = Callable[..., SSAValue]


class Unsupported(Exception):
    """A rule cannot lower an op; the message is the reason, for the user."""


def rule_of(op: Operation, table: Mapping[type[Kind], Rule]) -> Rule | None:
    """The rule of an op's class, or of the nearest class that it derives from; or None."""
    return next((table[kind] for kind in type(op).__mro__ if kind in table), None)


class Builder:
    """Collects the ops that replace others, in order."""

    def __init__(self) -> None:
        self.ops: list[Operation] = []

    def add(self, op: Operation) -> SSAValue:
        """Append an op; returns its first result."""
        self.ops.append(op)
        return op.results[0]

    def permuted(self, value: SSAValue, order: Sequence[int]) -> SSAValue:
        """`value` with its dimensions in another order; itself if they are in that order."""
        if list(order) == list(range(len(order))):
            return value
        return self.add(PermuteOp.of(value, order))
