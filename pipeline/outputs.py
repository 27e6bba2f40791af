"""What `cm-compile` writes: one file, or several kinds of files into a directory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from cmopt.pipeline.driver import Program, check_runtime
from cmopt.pipeline.files import write_output
from cmopt.support.diagnostics import CompileError

KINDS = ("pte", "mlir", "header", "c")
"""The kinds of output: the program file, IR, a C header for the program file, a C project."""


@dataclass(frozen=True)
class Outputs:
    """Where the results of a compilation go.

    path: a file, `-` for standard output, or a directory. kinds: what is written. stage, debuginfo:
    which IR, and whether it has locations. name: what files in a directory are called, and what
    functions and macros begin with. runtime: that of C source, see `Program.save_c`.
    """

    path: str
    kinds: tuple[str, ...]
    stage: str
    debuginfo: bool
    name: str
    runtime: str = "none"

    @property
    def is_directory(self) -> bool:
        """Whether the path is a directory: it ends in `/`, or it is there."""
        return self.path.endswith("/") or os.path.isdir(self.path)

    @property
    def is_c_alone(self) -> bool:
        """Whether the program is written only as C source without an interpreter."""
        return "pte" not in self.kinds and "c" in self.kinds and self.runtime == "none"

    def write(self, program: Program) -> None:
        """Compute all outputs, then write them. Raises CompileError."""
        if not self.is_directory:
            self._write_file(program)
            return
        made = {kind: self._content(program, kind, self.name) for kind in self.kinds if kind != "c"}
        if "c" in self.kinds:
            program.save_c(self.path, name=self.name, runtime=self.runtime)
        os.makedirs(self.path, exist_ok=True)
        for kind, content in made.items():
            ending = {"header": "_pte.h"}.get(kind, f".{kind}")
            write_output(os.path.join(self.path, f"{self.name}{ending}"), content)

    def _write_file(self, program: Program) -> None:
        (kind,) = self.kinds
        stem = os.path.splitext(os.path.basename(self.path))[0]
        content = self._content(program, kind, self.name if self.path == "-" else stem)
        if self.path == "-" and isinstance(content, str):
            sys.stdout.write(content)
        else:
            write_output(self.path, content)

    def _content(self, program: Program, kind: str, name: str) -> str | bytes:
        make: dict[str, Callable[[], str | bytes]] = {
            "pte": lambda: program.pte,
            "mlir": lambda: program.ir(self.stage, debuginfo=self.debuginfo),
            "header": lambda: program.header(name),
        }
        return make[kind]()


def outputs_of(path: str, emit: str | None, stage: str, debuginfo: bool, name: str,
               runtime: str) -> Outputs:  # fmt: skip
    """The outputs that a command line asks for. Raises CompileError if they do not fit together.

    emit: kinds with commas between them; None is "c" for a directory and "pte" for a file.
    """
    is_directory = Outputs(path, (), stage, debuginfo, name).is_directory
    kinds = tuple((emit or ("c" if is_directory else "pte")).split(","))
    for kind in kinds:
        if kind not in KINDS:
            raise CompileError(f"cannot emit {kind!r}", hint=f"one of {', '.join(KINDS)}")
    if not is_directory and kinds == ("c",):
        raise CompileError("C source is a directory of files", hint="end the path of -o with /")
    if not is_directory and len(kinds) > 1:
        raise CompileError("several outputs need a directory", hint="end the path of -o with /")
    if path == "-" and kinds == ("pte",):
        raise CompileError("a .pte cannot go to standard output", hint="give a file with -o")
    check_runtime(runtime)
    return Outputs(path, kinds, stage, debuginfo, name, runtime)
