"""Planned modules as C source, built and run on the host."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from cmopt.codegen.c.project import KERNELS
from cmopt.dialects.arrays import Array
from cmopt.pipeline.board import Host
from cmopt.pipeline.c_project import c_project, write_project

SANITIZERS = ("-O1", "-Werror", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")
"""With -O1 the kernels compile in half the time. The tests on emulated cores have -O2 and -O3."""


_temporary: list[tempfile.TemporaryDirectory[str]] = []
"""The folders of the builders. They are removed at the end of the process."""


@cache
def sanitized_host(*flags: str) -> Host:
    """A builder with sanitizers, whose kernels are compiled once in a process.

    flags: more options of the compiler.
    """
    _temporary.append(tempfile.TemporaryDirectory())
    folder = Path(_temporary[-1].name)
    return Host(folder, KERNELS, KERNELS / "machine", (*SANITIZERS, *flags))


def run_c(host: Host, module: ModuleOp, batch: Sequence[Sequence[Array]]) -> bytes:
    """The outputs of the C source of a planned module, for each set of inputs of a batch."""
    project = host.folder / "project"
    write_project(str(project), c_project(module, "cortex-m55", "net"))
    image = host.build(project, "net")
    return host.run(image, b"".join(x.tobytes() for inputs in batch for x in inputs))[0]
