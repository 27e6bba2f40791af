"""Planned programs on a board: arrays in, arrays out, through the C source that cmopt emits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from cmopt.codegen.c.program import emit_program
from cmopt.codegen.c.project import fill, run_files_values
from cmopt.dialects.arrays import Array, check_value, numpy_dtype
from cmopt.dialects.cortex_m import nbytes
from cmopt.dialects.program import inputs_of, main_function, outputs_of
from cmopt.dialects.shapes import shape_of
from cmopt.pipeline.board import Board

GARBAGE_IN_SCRATCH = "-DNET_SCRATCH(start, bytes)=memset(start, 0xa5, bytes)"
"""A scratch must not share bytes with a value that is still needed."""


def write_program(board: Board, module: ModuleOp) -> None:
    """Write the C sources of a planned module to the board's folder, as the program `net`."""
    func = main_function(module)
    program = emit_program(func, "net")
    files = {
        "net.h": program.header,
        "net.c": program.source,
        "net_weights.h": program.weights_header,
        "net_weights.c": program.weights,
        "run_files.c": fill("run_files.c.in", run_files_values(program, func)),
    }
    for name, text in files.items():
        (board.folder / name).write_text(text)


def execute(
    board: Board, name: str, module: ModuleOp, batch: Sequence[Sequence[Array]], *options: str
) -> list[list[Array]]:
    """Run a planned module on each set of inputs of a batch, all in one emulation.

    Arrays are those of `run_module`: row-major, of exactly the argument types. options: of GCC.
    Raises BoardError if the run does not give a result.
    """
    func = main_function(module)
    arguments, results = inputs_of(func), outputs_of(func)
    for inputs in batch:
        for index, (value, argument) in enumerate(zip(inputs, arguments, strict=True)):
            check_value(value, argument.type, f"input {index}")
    data = b"".join(value.tobytes() for inputs in batch for value in inputs)
    write_program(board, module)
    image = board.build(board.folder, "net", GARBAGE_IN_SCRATCH, *options, image=name)
    outputs, _ = board.run(image, data)
    size = sum(nbytes(result.type) for result in results)
    assert len(outputs) == size * len(batch), f"{len(outputs)} bytes of {size * len(batch)}"
    offset, ran = 0, []
    for _ in batch:
        arrays = []
        for result in results:
            dtype = numpy_dtype(result.type.element_type)  # type: ignore[attr-defined]
            end = offset + nbytes(result.type)
            arrays.append(np.frombuffer(outputs[offset:end], dtype).reshape(shape_of(result)))
            offset = end
        ran.append(arrays)
    return ran
