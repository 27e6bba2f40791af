"""Planned modules as C source, built and run on the host."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import ModuleOp

from cmopt.dialects.arrays import Array
from cmopt.pipeline.board import Host
from cmopt.pipeline.c_project import c_project, write_project

SANITIZERS = ("-Werror", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")


def run_c(host: Host, module: ModuleOp, batch: Sequence[Sequence[Array]]) -> bytes:
    """The outputs of the C source of a planned module, for each set of inputs of a batch."""
    project = host.folder / "project"
    write_project(str(project), c_project(module, "cortex-m55", "net"))
    image = host.build(project, "net")
    return host.run(image, b"".join(x.tobytes() for inputs in batch for x in inputs))[0]
