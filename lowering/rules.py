"""Rules: each lowers one kind of op to one target, or says why that cannot be had.

A rule is `rule(op, builder) -> value`: it appends what computes `op` to the builder and gives the
result, or raises `Unsupported`. Whoever asks whether an op has a kernel runs its rule on trial
(`lowering/legality.py`), so that a limit is written once, where the op is lowered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeVar

from xdsl.ir import Operation, SSAValue

Kind = TypeVar("Kind", bound=Operation)
Rule: TypeAlias = Callable[..., SSAValue]


class Unsupported(Exception):
    """A rule cannot lower an op; the message is the reason, for the user."""


def rule_of(op: Operation, table: Mapping[type[Kind], Rule]) -> Rule | None:
    """The rule of an op's class, or of the nearest class it is derived from."""
    return next((table[kind] for kind in type(op).__mro__ if kind in table), None)


class Builder:
    """Collects the ops that stand for others, in order."""

    def __init__(self) -> None:
        self.ops: list[Operation] = []

    def add(self, op: Operation) -> SSAValue:
        """Append an op; gives its first result."""
        self.ops.append(op)
        return op.results[0]

    def extend(self, ops: list[Operation], value: SSAValue) -> SSAValue:
        """Append ops; gives `value`, which they make."""
        self.ops.extend(ops)
        return value
