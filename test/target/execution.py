"""Planned programs on a board: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from program_table import program_source
from toolchain import Board
from xdsl.dialects.builtin import ModuleOp

from cmopt.dialects.arrays import Array, check_value, numpy_dtype
from cmopt.dialects.cortex_m import nbytes
from cmopt.dialects.program import main_function, terminator
from cmopt.dialects.shapes import shape_of


def execute(
    board: Board, name: str, module: ModuleOp, batch: Sequence[Sequence[Array]], *options: str
) -> list[list[Array]]:
    """Run a planned module on each set of inputs of a batch, all in one emulation.

    Arrays are those of `run_module`: row-major, of exactly the argument types. options: for the
    linker. Raises TargetError if the run does not give a result.
    """
    func = main_function(module)
    arguments, results = func.body.block.args, terminator(func).operands
    for inputs in batch:
        for index, (value, argument) in enumerate(zip(inputs, arguments, strict=True)):
            check_value(value, argument.type, f"input {index}")
    data = b"".join(value.tobytes() for inputs in batch for value in inputs)
    image = board.build(name, program_source(module), *options)
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
