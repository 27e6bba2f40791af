"""C projects: from a planned module to files, and from files to a run on an emulated core."""

from __future__ import annotations

import os

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute

from cmopt.codegen.c.program import emit_program
from cmopt.codegen.c.project import Example, project_files
from cmopt.codegen.c.runtime_project import runtime_project_files
from cmopt.codegen.c.text import check_name
from cmopt.codegen.emit_pte import EmittedProgram
from cmopt.dialects.arrays import Array, numpy_dtype
from cmopt.dialects.program import inputs_of, main_function
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.interpreters.run import run_module
from cmopt.pipeline.files import write_outputs


def c_project(module: ModuleOp, target: str, name: str) -> dict[str, str]:
    """The files of a project without an interpreter: path and text. See `Program.save_c`."""
    check_name(name)
    func = main_function(module)
    return project_files(emit_program(func, name), func, target, example_of(module))


def runtime_project(module: ModuleOp, emitted: EmittedProgram, target: str, name: str
                    ) -> dict[str, str]:  # fmt: skip
    """The files of a project for ExecuTorch's runtime: path and text. See `Program.save_c`.

    emitted: the program file of the planned module.
    """
    check_name(name)
    func = main_function(module)
    return runtime_project_files(emitted, func, name, target, example_of(module))


def example_of(module: ModuleOp) -> Example:
    """Random inputs of a planned module, and what the interpreter computes from them."""
    arguments = inputs_of(main_function(module))
    inputs = [example_input(argument.type, i) for i, argument in enumerate(arguments)]
    return Example(inputs, run_module(module, inputs))


def example_input(type: Attribute, seed: int) -> Array:
    """Random values of a tensor type: any integers of 8 bits, floats of a normal distribution.

    Other integers may be indices, so they are 0.
    """
    random = np.random.default_rng(seed)
    dtype, shape = numpy_dtype(element_of(type)), shape_of(type)
    if dtype.kind == "f":
        return random.standard_normal(shape).astype(dtype)
    if dtype.itemsize == 1 and dtype.kind != "b":
        return random.integers(0, 256, shape).astype(np.uint8).view(dtype)
    return np.zeros(shape, dtype)


def write_project(directory: str, files: dict[str, str]) -> None:
    """Write all files of a project, or none. Raises CompileError if that is not possible."""
    paths = {os.path.join(directory, path): text for path, text in files.items()}
    write_outputs(paths, make_folders=True)
