"""What `cm-compile` writes: one file, or several kinds of files into a directory."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cmopt.codegen.c.text import check_name
from cmopt.pipeline.files import check_folder, check_outputs, print_text, write_outputs
from cmopt.pipeline.program import Program, check_runtime
from cmopt.support.diagnostics import CompileError
from cmopt.support.names import names_hint

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

    def check(self, *others: str) -> None:
        """Raise CompileError, before anything is computed, if an output cannot be written.

        others: files that are written too.
        """
        if self.is_directory:
            check_folder(self.path)
            paths = [self._inside(kind) for kind in self.kinds if kind != "c"]
            check_outputs([*(path for path in paths if os.path.exists(path)), *others])
        else:
            check_outputs([*([] if self.path == "-" else [self.path]), *others])

    def write(self, program: Program, others: Mapping[str, str] | None = None) -> None:
        """Compute all outputs, then write all or none, with the `others`. Raises CompileError."""
        files: dict[str, str | bytes] = dict(others or {})
        printed = None
        if self.is_directory:
            for kind in self.kinds:
                if kind == "c":
                    made = program.c_files(name=self.name, runtime=self.runtime)
                    files.update((os.path.join(self.path, name), made[name]) for name in made)
                else:
                    files[self._inside(kind)] = self._content(program, kind, self.name)
        else:
            (kind,) = self.kinds
            stem = os.path.splitext(os.path.basename(self.path))[0]
            content = self._content(program, kind, self.name if self.path == "-" else stem)
            if self.path == "-" and isinstance(content, str):
                printed = content
            else:
                files[self.path] = content
        write_outputs(files, make_folders=self.is_directory)
        if printed is not None:
            print_text(printed)

    def _inside(self, kind: str) -> str:
        """The path of an output in the directory."""
        ending = {"header": "_pte.h"}.get(kind, f".{kind}")
        return os.path.join(self.path, f"{self.name}{ending}")

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
            raise CompileError(f"cannot emit {kind!r}", hint=names_hint(kind, KINDS))
    if not is_directory and kinds == ("c",):
        raise CompileError("C source is a directory of files", hint="end the path of -o with /")
    if not is_directory and len(kinds) > 1:
        raise CompileError("several outputs need a directory", hint="end the path of -o with /")
    if path == "-" and kinds == ("pte",):
        raise CompileError("a .pte cannot go to standard output", hint="give a file with -o")
    check_runtime(runtime)
    if "c" in kinds:
        check_name(name)
    return Outputs(path, kinds, stage, debuginfo, name, runtime)
