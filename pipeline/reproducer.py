"""Reproducers: files that repeat an internal error of a pass.

The file is IR with a header that `cm-opt --run-reproducer` understands::

    // configuration: --pass-pipeline='builtin.module(fold-layout,canonicalize)'
"""

from __future__ import annotations

import os
import re
import tempfile
import traceback
from collections.abc import Callable, Sequence

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cmopt.pipeline.files import write_output
from cmopt.support.diagnostics import CompileError, one_line
from cmopt.support.printing import module_to_text

_HEADER = re.compile(r"^// configuration: --pass-pipeline='(.*)'\s*$", re.MULTILINE)


class InternalCompilerError(Exception):
    """A pass failed because of a mistake in the pass. `str(error)` is one line.

    pass_name: the pass. reproducer: the path of the file that repeats the error, or None if it
    could not be written. The original exception is the cause.
    """

    def __init__(self, pass_name: str, error: Exception, reproducer: str | None):
        self.pass_name = pass_name
        self.reproducer = reproducer
        notes = "".join(f", {note}" for note in getattr(error, "__notes__", ()))
        what = one_line(f"{type(error).__name__}: {error}{notes}")
        tail = f"; reproducer: {reproducer}" if reproducer else "; no reproducer could be written"
        super().__init__(f"internal error in pass '{pass_name}': {what}{tail}")


def pipeline_of(text: str, name: str) -> str:
    """The pass pipeline in the header of a reproducer. Raises `CompileError` if it has none.

    name: the file, for the message.
    """
    header = _HEADER.search(text)
    if header is None:
        raise CompileError(f"'{name}' has no '// configuration: --pass-pipeline=' header")
    return header.group(1)


def write_reproducer(
    ctx: Context,
    original: ModuleOp,
    passes: Sequence[ModulePass],
    failed: int,
    error: Exception,
    pipeline_text: Callable[[Sequence[ModulePass]], str],
    path: str | None = None,
) -> str | None:
    """Write the IR before `passes[failed]`, with that pass and those after it. Returns the path.

    original: the IR before `passes[0]`. If the passes before the failing one cannot be repeated
    on it, the file has `original` and all passes.
    path: the file to write, by default a new temporary one.
    Returns None if the file cannot be written.
    """
    module = original.clone()
    try:
        for pass_ in passes[:failed]:
            pass_.apply(ctx, module)
        text = module_to_text(module, debuginfo=True)
        rest = passes[failed:]
    except Exception:
        text = module_to_text(original, debuginfo=True)
        rest = passes
    trace = "".join(traceback.format_exception(error)).rstrip()
    header = [f"configuration: --pass-pipeline='{pipeline_text(rest)}'", *trace.splitlines()]
    try:
        if path is None:
            name = f"cmopt-{passes[failed].name}-"
            descriptor, path = tempfile.mkstemp(prefix=name, suffix=".mlir")
            os.close(descriptor)
        write_output(path, "".join(f"// {line}\n" for line in header) + text)
    except (OSError, CompileError):
        return None
    return path
