"""The rules of plug-ins: entry points of the group "cmopt.rules".

The name of an entry point is that of a table, and its object is a table: a dict from classes of ops
to rules. A plug-in's rule is asked before the project's own rule for the same op.
"""

from __future__ import annotations

from functools import cache, wraps
from typing import Any

from xdsl.ir import Operation, SSAValue

from cmopt.lowering.rules import Rule, Unsupported, rule_of
from cmopt.support.diagnostics import CompileError
from cmopt.support.plugins import PlugIn, plug_ins

TABLES = ("cortex_m", "portable", "tosa")
"""The tables: integer kernels on the core, float kernels on the core, and the NPU."""


def plugin_rule(op: Operation, table: str) -> Rule | None:
    """The rule of a plug-in for an op; None if no plug-in has one in this table.

    Raises CompileError for a plug-in that cannot be imported, that has something else than a table,
    or that has a rule for an op for which another plug-in has one.
    """
    rules = plugin_rules(table)
    return rule_of(op, rules) if rules else None


@cache
def plugin_rules(table: str) -> dict[type[Operation], Rule]:
    """The rules of all plug-ins for a table. Raises as `plugin_rule`."""
    found: dict[type[Operation], Rule] = {}
    origins: dict[type[Operation], PlugIn] = {}
    for each in plug_ins("cmopt.rules"):
        if each.name not in TABLES:
            raise each.error(f"must be named as one of the tables {', '.join(TABLES)}")
        for kind, rule in _table(each).items() if each.name == table else ():
            if kind in origins:
                other = origins[kind].distribution
                raise each.error(f"redefines the rule for '{kind.name}' of plug-in '{other}'")
            found[kind], origins[kind] = _with_origin(rule, each), each
    return found


def _table(plug_in: PlugIn) -> dict[type[Operation], Rule]:
    table = plug_in.load()
    if not isinstance(table, dict) or not all(
        isinstance(kind, type) and issubclass(kind, Operation) and callable(rule)
        for kind, rule in table.items()
    ):
        raise plug_in.error("must be a dict from classes of ops to rules")
    return table


def _with_origin(rule: Rule, plug_in: PlugIn) -> Rule:
    """The rule; an exception in it names the plug-in."""

    @wraps(rule)
    def call(op: Operation, builder: Any) -> SSAValue:
        try:
            return rule(op, builder)
        except (Unsupported, CompileError):
            raise
        except Exception as error:
            error.add_note(f"in a rule of plug-in '{plug_in.distribution}'")
            raise

    return call
