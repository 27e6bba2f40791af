"""Whether a program fits into a board's memory, and which operator takes the most if not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from cmopt.codegen.lifetimes import analyze
from cmopt.dialects.cortex_m import nbytes
from cmopt.dialects.program import main_function
from cmopt.pipeline.report import Report
from cmopt.support.diagnostics import CompileError
from cmopt.support.memories import Memories

if TYPE_CHECKING:
    from cmopt.pipeline.program import Program

ATTEMPTS = 4
"""How often a program is split, each time with the tables of the last attempt."""


def check_fit(planned: ModuleOp, report: Report, memories: Memories, *, is_c: bool = False) -> None:
    """Raise CompileError, at the operator that takes the most, if a program does not fit.

    is_c: the program is C source: it needs the arena and its constants, code and stack not counted.
    Otherwise it is a `.pte` file that ExecuTorch's runtime loads.
    """
    sram = {"the arena": report.arena_bytes}
    flash = {"the constants": report.constant_bytes}
    if not is_c:
        sram["ExecuTorch's tables"] = report.method_allocator_bytes
        sram["the temp allocator"] = report.temp_allocator_bytes
        flash = {"the program file": report.pte_bytes}
    if (short := _shortage(sram, memories.sram)) is not None:
        op, live = peak(planned)
        message = f"{live:,} bytes are live here, the most in the program, which needs {short} sram"
        raise CompileError(message, op=op)
    dtcm = {"the values in it": report.dtcm_bytes}
    if (short := _shortage(dtcm, memories.dtcm or 0)) is not None:
        raise CompileError(f"the program is planned for a larger dtcm: it needs {short} dtcm")
    if (short := _shortage(flash, memories.flash)) is not None:
        op, size = largest_constants(planned)
        message = (
            f"has {size:,} bytes of constants, the most in the program, which needs {short} flash"
        )
        raise CompileError(message, op=op)


def needs_besides_arena(report: Report, *, is_c: bool) -> int:
    """Bytes of sram that a program takes besides its arena; see `check_fit`."""
    return 0 if is_c else report.allocator_bytes


def planned_for(
    program: Program, memories: Memories, *, max_arena: int | None = None, is_c: bool
) -> Program:
    """A program planned for a board's memories; see `Program.fitted`.

    max_arena: the bytes of the arena at most. Raises CompileError if they cannot be reached.
    """
    if "cortex_m" not in program.modules:
        return program  # It has its plan.
    dtcm, sram = memories.dtcm or 0, memories.sram
    if program.dtcm != dtcm:
        program = _replanned(program, dtcm)
    given = program
    for attempt in range(ATTEMPTS):
        besides = needs_besides_arena(program.report, is_c=is_c)
        limits = [] if max_arena is None else [max_arena]
        limits += [] if sram is None else [sram - besides]
        if not limits or program.report.arena_bytes <= min(limits):
            return program
        if min(limits) <= 0:
            return given
        try:
            # Strips have more calls, so their tables are larger: the next attempt knows them.
            in_strips = not dtcm or attempt > 0
            program = _replanned(given, dtcm, min(limits), in_strips=in_strips)
        except CompileError:
            if max_arena is not None:
                raise
            return given
    return given


def _replanned(
    program: Program, dtcm: int, max_arena: int | None = None, *, in_strips: bool = False
) -> Program:
    """The program with another plan. max_arena, in_strips: see `lower`."""
    from cmopt.pipeline.driver import lower

    found = lower(
        program.modules["cortex_m"],
        target=program.target,
        io=program.io,
        kernels=program.kernels,
        stage="cortex_m",
        max_arena=max_arena,
        dtcm=dtcm,
        in_strips=in_strips,
    )
    found.modules = {**program.modules, "planned": found.modules["planned"]}
    return found


def _shortage(parts: Mapping[str, int], size: int | None) -> str | None:
    """The needs and the excess in words; None if they are not larger than `size`."""
    need = sum(parts.values())
    if size is None or need <= size:
        return None
    items = ", ".join(f"{name} {part:,}" for name, part in parts.items() if part)
    return f"{need:,} bytes ({items}), {need - size:,} more than the {size:,} bytes of"


def peak(planned: ModuleOp) -> tuple[Operation, int]:
    """The op of a planned module at which the most bytes are live, and how many."""
    func = main_function(planned)
    change: dict[int, int] = defaultdict(int)
    liveness = analyze(func)
    for buffer in liveness.buffers:
        change[buffer.first] += buffer.size
        change[buffer.last + 1] -= buffer.size
    live, most, where = change[-1], -1, func.body.block.last_op
    for time, op in enumerate(liveness.ops):
        live += change[time]
        if live > most:
            most, where = live, op
    assert where is not None
    return where, most


def largest_constants(planned: ModuleOp) -> tuple[Operation, int]:
    """The op of a planned module whose constant operands have the most bytes, and how many."""
    sizes = [
        (sum(nbytes(v.type) for v in op.operands if isinstance(v.owner, ConstantOp)), op)
        for op in main_function(planned).walk()
    ]
    size, op = max(sizes, key=lambda item: item[0])
    return op, size
