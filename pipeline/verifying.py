"""Read and verify IR from outside: each op, and the memory plan of a function that has one."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from cmopt.dialects.parsing import make_context, parse_module
from cmopt.pipeline.files import read_text
from cmopt.support.diagnostics import verify


def read_module(path: str) -> ModuleOp:
    """The module in a file of IR. Raises CompileError if it cannot be read or is invalid."""
    module = parse_module(make_context(), read_text(path), path)
    verify_input(module)
    return module


def verify_input(module: ModuleOp) -> None:
    """Raise a located `CompileError` for the first op that is invalid, or whose places are wrong.

    A planned function that writes over bytes which are read later would run, with other results.
    """
    verify(module)
    if any("cortex_m.arena_bytes" in op.attributes for op in module.body.block.ops):
        # Here, because these take longer to import than a tool to start.
        from cmopt.codegen.verify_plan import PlanChecker
        from cmopt.dialects.program import ARENA_BYTES, functions

        for func in functions(module):
            if ARENA_BYTES in func.attributes:
                PlanChecker(func).check()
