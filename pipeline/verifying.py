"""Verify IR from outside: each op, and the memory plan of a function that has one."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from cmopt.dialects.program import ARENA_BYTES, functions
from cmopt.support.diagnostics import verify


def verify_input(module: ModuleOp) -> None:
    """Raise a located `CompileError` for the first op that is invalid, or whose places are wrong.

    A planned function that writes over bytes which are read later would run, with other results.
    """
    verify(module)
    if any(ARENA_BYTES in op.attributes for op in module.body.block.ops):
        from cmopt.codegen.verify_plan import PlanChecker

        for func in functions(module):
            if ARENA_BYTES in func.attributes:
                PlanChecker(func).check()
