"""`cm-run`: run a `.pte` in ExecuTorch's host runtime, a C project, or IR of any stage."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from cmopt.dialects.arrays import Array
from cmopt.dialects.parsing import make_context
from cmopt.dialects.program import border_names, logical_shapes, main_function
from cmopt.interpreters.run import Session
from cmopt.pipeline.arrays_file import read_npz, select, write_npz
from cmopt.pipeline.compare import Comparison, compare
from cmopt.pipeline.emulation import PLACES, read_project, run_project
from cmopt.pipeline.evaluate import LABELS, check_expected, evaluate_arrays, score
from cmopt.pipeline.files import check_outputs, print_text, read_bytes
from cmopt.pipeline.interpreting import interpret
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.pipeline.program_process import check_program, run_program
from cmopt.pipeline.scores import Evaluation
from cmopt.pipeline.tables import count_text
from cmopt.pipeline.tool import ArgumentParser, run_tool
from cmopt.pipeline.verifying import read_module
from cmopt.support.diagnostics import CompileError, one_line
from cmopt.support.targets import KERNEL_LIBRARIES, STOCK, check_kernels, get_target

MAX_PROGRAM_BYTES = 1 << 28
"""The most bytes of a program file."""


def _arguments() -> argparse.ArgumentParser:
    parser = ArgumentParser(
        prog="cm-run",
        description="Run a compiled program on this machine, or on an emulated core.",
        epilog="Arrays have the names of the exported program, which IR keeps as edge.name. "
        "A .pte has no names: its inputs are input_0, input_1, … and its outputs output_0, …",
    )
    add = parser.add_argument
    add("program", metavar="MODEL.pte|MODEL.mlir|DIRECTORY", help="a directory is a C project")
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--input", metavar="IN.npz", help="one array for each input, by name")
    data.add_argument("--validate", metavar="SET.npz", help="samples along a new first dimension "
        "of each input, and an array 'labels' of classes, or the expected outputs by name: prints "
        "the accuracy and the mistakes, or the errors")  # fmt: skip
    add("--output", metavar="OUT.npz", help="where to write the outputs; else they are printed")
    add("--on", default="host", metavar="|".join(PLACES), help="where a C project runs: on this "
        "computer (default), or on its target's core in QEMU")  # fmt: skip
    add("--count", action="store_true", help="print the instructions of each step, on qemu only")
    add(
        "--compare",
        metavar="TARGET",
        help="for IR of the stage quantized: print how far each value is from PyTorch and from "
        "float when the kernels of TARGET compute it, worst first",
    )
    add("--kernels", default=STOCK, metavar="|".join(KERNEL_LIBRARIES), help="operator library of "
        "--compare")  # fmt: skip
    return parser


def _main_function(module: ModuleOp, path: str) -> FuncOp:
    try:
        return main_function(module)
    except ValueError as error:
        raise CompileError(f"'{path}': {error}") from None


def run_ir(path: str, inputs: dict[str, Array], input_path: str) -> dict[str, Array]:
    """Interpret a file of IR. Returns the outputs by name."""
    return run_module(read_module(path), path, inputs, input_path)


def run_module(
    module: ModuleOp, path: str, inputs: dict[str, Array], input_path: str
) -> dict[str, Array]:
    """Interpret the module of a file of IR. Returns the outputs by name."""
    names, results = border_names(_main_function(module, path))
    outputs = interpret(module, select(inputs, names, input_path))
    return dict(zip(results, outputs, strict=True))


def compare_ir(
    path: str, inputs: dict[str, Array], input_path: str, target: str, kernels: str = STOCK
) -> Comparison:
    """Compare a file of IR of the stage "quantized". Raises CompileError for any other."""
    get_target(target)
    check_kernels(kernels)
    if not path.endswith(".mlir"):
        raise CompileError(
            f"'{path}' is not IR",
            hint="write IR for --compare with cm-compile --emit mlir --stage quantized",
        )
    module = read_module(path)
    run_passes(
        make_context(), module, parse_pipeline(f"verify-stage{{stage=quantized kernels={kernels}}}")
    )
    names, _ = border_names(_main_function(module, path))
    return compare(module, [select(inputs, names, input_path)], target, kernels)


def run_pte(path: str, inputs: dict[str, Array], input_path: str) -> dict[str, Array]:
    """Run a program file, in a process of its own. Returns the outputs by number."""
    pte = read_bytes(path, MAX_PROGRAM_BYTES)
    check_program(pte, path)
    return run_program(pte, inputs, input_path)


def run_directory(args: argparse.Namespace, inputs: dict[str, Array]) -> dict[str, Array]:
    """Build and run a C project. Returns the outputs by name; prints the counts."""
    facts = read_project(args.program)
    names = [fact["name"] for fact in facts["inputs"]]
    arrays = select(inputs, names, args.input)
    run = run_project(args.program, arrays, on=args.on, counted=args.count)
    if run.count is not None:
        print(count_text(run.count, facts["steps"]))
    if args.on == "qemu":
        print(f"stack: {run.stack:,} bytes")
    return run.outputs[0]


def evaluate_directory(args: argparse.Namespace, arrays: dict[str, Array]) -> Evaluation:
    """Build a C project and run it on each sample of a data set."""
    facts = read_project(args.program)
    inputs, outputs = (
        {fact["name"]: fact["shape"] for fact in facts[kind]} for kind in ("inputs", "outputs")
    )

    def run(samples: list[list[Array]]) -> list[dict[str, Array]]:
        return list(run_project(args.program, *samples, on=args.on).outputs)

    return evaluate_arrays(arrays, inputs, list(outputs), run, args.validate)


def evaluate_ir(args: argparse.Namespace, arrays: dict[str, Array]) -> Evaluation:
    """Interpret a file of IR on each sample of a data set; state is kept between them."""
    module = read_module(args.program)
    func = _main_function(module, args.program)
    names, results = border_names(func)
    session = Session(module)

    def run(samples: list[list[Array]]) -> list[dict[str, Array]]:
        runs = [interpret(module, sample, session=session) for sample in samples]
        return [dict(zip(results, outputs, strict=True)) for outputs in runs]

    inputs = dict(zip(names, logical_shapes(func), strict=True))
    return evaluate_arrays(arrays, inputs, results, run, args.validate)


def evaluate_pte(args: argparse.Namespace, arrays: dict[str, Array]) -> Evaluation:
    """Run a program file on each sample of a data set, in a process of its own."""
    pte = read_bytes(args.program, MAX_PROGRAM_BYTES)
    check_program(pte, args.program)
    expected = {name: x for name, x in arrays.items() if _is_expected(name)}
    inputs = {name: x for name, x in arrays.items() if name not in expected}
    outputs = run_program(pte, inputs, args.validate, samples=True)
    (samples,) = {len(each) for each in outputs.values()}
    wanted = [name for name in expected if name in outputs or name == LABELS]
    check_expected(arrays, wanted, samples, list(outputs), args.validate)
    results = [{name: each[i] for name, each in outputs.items()} for i in range(samples)]
    return score(results, {name: arrays[name] for name in wanted}, args.validate)


def _is_expected(name: str) -> bool:
    """Whether an array is not an input of a program file."""
    return name == LABELS or re.fullmatch(r"output_\d+", name) is not None


def _evaluate(args: argparse.Namespace, arrays: dict[str, Array]) -> Evaluation:
    if os.path.isdir(args.program):
        return evaluate_directory(args, arrays)
    if args.program.endswith(".mlir"):
        return evaluate_ir(args, arrays)
    return evaluate_pte(args, arrays)


def _run(args: argparse.Namespace, inputs: dict[str, Array]) -> dict[str, Array]:
    if os.path.isdir(args.program):
        return run_directory(args, inputs)
    if args.on != "host" or args.count:
        hint = "write one with cm-compile -o DIRECTORY/"
        raise CompileError("--on and --count are for the directory of a C project", hint=hint)
    if args.program.endswith(".mlir"):
        return run_ir(args.program, inputs, args.input)
    return run_pte(args.program, inputs, args.input)


def _main(argv: Sequence[str] | None) -> int:
    args = _arguments().parse_args(argv)
    if args.output is not None:
        check_outputs([args.output])
    if args.validate is not None:
        if args.output is not None or args.compare is not None or args.count:
            raise CompileError("--output, --compare and --count are for one input, with --input")
        print_text(f"{_evaluate(args, read_npz(args.validate))}\n")
        return 0
    inputs = read_npz(args.input)
    if args.compare is not None:
        print(compare_ir(args.program, inputs, args.input, args.compare, args.kernels))
        return 0
    outputs = _run(args, inputs)
    if args.output is not None:
        write_npz(args.output, outputs)
        return 0
    for name, value in outputs.items():
        print(f"{one_line(name)}: {value.dtype} {list(value.shape)}")
        print(np.array2string(value, threshold=64))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code."""
    return run_tool("cm-run", _main, argv)


if __name__ == "__main__":
    sys.exit(main())
