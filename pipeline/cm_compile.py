"""`cm-compile`: compile an exported PyTorch program, or IR, to a `.pte`, C source or IR."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cmopt.dialects.arrays import Array
from cmopt.frontend.model_files import check_model_file
from cmopt.lowering.verify_stage import stage_of
from cmopt.pipeline.arrays_file import read_npz, samples_in, select
from cmopt.pipeline.driver import (
    IO_MODES,
    check_max_arena,
    check_options,
    check_passes,
    lower,
    plan_options,
)
from cmopt.pipeline.files import print_text, read_text
from cmopt.pipeline.outputs import outputs_of
from cmopt.pipeline.program import RUNTIMES, Program
from cmopt.pipeline.stages import STAGES, Choice
from cmopt.pipeline.tool import ArgumentParser, run_tool
from cmopt.pipeline.verifying import read_module
from cmopt.support.diagnostics import CompileError
from cmopt.support.memories import Memories, parse_memories, parse_size
from cmopt.support.names import unknown_name
from cmopt.support.targets import KERNEL_LIBRARIES, STOCK, get_target
from cmopt.support.vela_settings import VelaChoice

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram
    from xdsl.dialects.builtin import ModuleOp

    from cmopt.pipeline.compare import Comparison


def _arguments() -> argparse.ArgumentParser:
    parser = ArgumentParser(
        prog="cm-compile",
        description="Compile a torch.export program, or IR of any stage, for a Cortex-M.",
        epilog="FILE.py:NAME is a class that is called without arguments, a function that returns "
        "a model, or a model. With --trust-input, the file is run. Its function example_inputs() "
        "returns the model's arguments: a tuple, or a dict by name; without one, they are the "
        "first sample of --calibrate, whose arrays then have the names of forward's parameters.",
    )
    add = parser.add_argument
    add("model", metavar="MODEL.pt2|IR.mlir|FILE.py:NAME", help="what torch.export.save wrote, IR, "
        "or a model in Python")  # fmt: skip
    add("--target", default="cortex-m55", help="the core, and the NPU next to it if there is one: "
        "cortex-m55+ethos-u55-128 (default cortex-m55)")  # fmt: skip
    add("--calibrate", metavar="DATA.npz", help="quantize first, with these inputs: one array for "
        "each input of the model, samples along a new first dimension, which may be the only one "
        "where an input is a batch of one")  # fmt: skip
    add(
        "--precision",
        default="int8",
        metavar="|".join(PRECISIONS),
        help="with --calibrate: the activations; auto: int16, and 16-bit weights, where int8 is "
        "too coarse (default int8)",
    )
    add(
        "--min-snr",
        type=float,
        default=40.0,
        metavar="DB",
        help="with --precision auto: the least signal-to-noise ratio of the outputs on the samples "
        "(default 40)",
    )
    add("--io", default="float", metavar="|".join(IO_MODES), help="what callers pass: one for all, "
        "or name=int8,… for some inputs and outputs, with float for the others")  # fmt: skip
    for side in ("input", "output"):
        add(f"--{side}-layout", metavar="NCHW|NHWC", help=f"memory order of {side}s of rank above "
            "2: one for all, or name=NHWC,… (default: that of the program)")  # fmt: skip
    add("--kernels", default="stock", metavar="|".join(KERNEL_LIBRARIES), help="operator library")
    add("--emit", metavar="KIND,…", help="pte: the program (default); mlir: IR; header: a C header "
        "of sizes and tensors of the program; c: C source without an interpreter (default if OUT "
        "is a directory)")  # fmt: skip
    add("--name", default="model", help="of a C program, and of the files in a directory "
        "(default model)")  # fmt: skip
    add("--runtime", default="none", metavar="|".join(RUNTIMES), help="of C source: none (default) "
        "or executorch: the program as an array, with C++ that runs it")  # fmt: skip
    add("--from-stage", metavar="|".join(STAGES), help="of IR: the stage it belongs to (default: "
        "the last one whose contract it keeps)")  # fmt: skip
    add("--stage", default="planned", metavar="|".join(STAGES), help="which IR --emit mlir writes")
    add("--mlir-print-debuginfo", action="store_true", help="write locations too")
    add("--allow-float", action="store_true", help="compile a model that is not quantized")
    add("--min-npu-work", type=int, default=0, metavar="N", help="compute delegates of fewer than "
        "N multiplications on the core (default 0)")  # fmt: skip
    add("--system-config", metavar="NAME", help="the memories of the NPU: a section "
        "System_Config.NAME of Vela's configuration")  # fmt: skip
    add("--memory-mode", metavar="NAME", help="how the NPU uses them: a section Memory_Mode.NAME")
    add("--vela-config", metavar="FILE.ini", help="a configuration file of Vela with these "
        "sections (default: the one that Vela is installed with)")  # fmt: skip
    add("--memory", metavar="flash=1M,sram=256K,…", help="what the board has: a program that "
        "does not fit is an error; with dtcm=64K, a fast memory, the values that are read and "
        "written most are there")  # fmt: skip
    add("--max-arena", metavar="BYTES", help="planned memory at most, as 320000 or 320K: calls are "
        "computed in strips of rows if it is larger otherwise; --memory sets it too")  # fmt: skip
    add("--passes", action="append", default=[], metavar="STAGE=A,B", help="more passes, such as "
        "those of plug-ins, on the IR of a stage; for several stages, several times")  # fmt: skip
    add("--trust-input", action="store_true", help="read pickles in MODEL.pt2 too, which can run "
        "any code")  # fmt: skip
    add("--report", metavar="OUT.json|OUT.html", action="append", default=[], help="write the "
        "figures as JSON, or as a page if it ends in .html; may be repeated")  # fmt: skip
    add("--compare", metavar="DATA.npz", help="add the accuracy of each operator to the page of "
        "--report: one array for each input, as callers pass it, samples along a new first "
        "dimension")  # fmt: skip
    add("--arena-picture", action="store_true", help="print the arena too: addresses upwards, time "
        "to the right, as wide as the terminal")  # fmt: skip
    add("-o", dest="output", required=True, metavar="OUT", help="a file; a directory if it ends in "
        "/; '-' is standard output for text")  # fmt: skip
    return parser


def load_exported(path: str, *, trust: bool = False) -> ExportedProgram:
    """What `torch.export.save` wrote; see `cmopt.frontend.load`. Raises CompileError."""
    import logging

    from cmopt.frontend.load import load_exported

    logging.getLogger("torch.export").setLevel(logging.CRITICAL)
    return load_exported(path, trust=trust)


def python_model(text: str) -> tuple[str, str | None]:
    """The file and the name of "model.py:Model"; any other file has no name. Raises CompileError
    for a Python file without a name."""
    file, colon, name = text.rpartition(":")
    if colon and file.endswith(".py"):
        if not name.isidentifier():
            raise CompileError(f"{name!r} is not the name of a model", hint="write model.py:Model")
        return file, name
    if text.endswith(".py"):
        raise CompileError(f"'{text}' does not say which model", hint=f"write {text}:Model")
    return text, None


def exported_from_python(
    file: str, name: str, data: Mapping[str, Array] | None, *, trust: bool
) -> ExportedProgram:
    """The model of a Python file; see `cmopt.frontend.python_model`. Raises CompileError."""
    read_text(file)
    if not trust:
        raise CompileError(
            f"compiling a model of '{file}' runs the file",
            hint="add --trust-input if you know what it does",
        )
    from cmopt.frontend.python_model import export_model

    return export_model(file, name, data)


def calibration_inputs(
    exported: ExportedProgram, data: Mapping[str, Array], path: str
) -> list[tuple[torch.Tensor, ...]]:
    """One tuple of inputs for each sample of calibration data. Raises CompileError.

    path: the file of the data, for messages.
    """
    import torch

    from cmopt.frontend.structure import tensor_inputs

    names = tensor_inputs(exported)
    arrays = select(data, names, path)
    values = {node.name: node.meta["val"] for node in exported.graph.nodes if node.name in names}
    for name, array in zip(names, arrays, strict=True):
        wanted_dtype = str(values[name].dtype).removeprefix("torch.")
        if str(array.dtype) != wanted_dtype:
            raise CompileError(
                f"'{path}': array {name!r} is {array.dtype}, the input is {wanted_dtype}",
                hint=f"save array.astype(numpy.{wanted_dtype})",
            )
    shapes = {name: tuple(values[name].shape) for name in names}
    return [
        tuple(torch.from_numpy(array.copy()) for array in sample)
        for sample in samples_in(arrays, shapes, path)
    ]


def by_name(text: str | None) -> Choice | None:
    """ "int8" for all, or "image=int8,scores=float" for some names. Raises CompileError."""
    if text is None or "=" not in text:
        return text
    entries = [entry.rpartition("=") for entry in text.split(",")]
    if not all(name and choice for name, _, choice in entries):
        raise CompileError(f"{text!r} is not a choice for names", hint="write name=choice,…")
    return {name: choice for name, _, choice in entries}


def passes_by_stage(texts: Sequence[str]) -> dict[str, str]:
    """Pipelines by the stage that is in front of each: "quantized=cse". Raises CompileError."""
    passes: dict[str, str] = {}
    for text in texts:
        stage, equals, pipeline = text.partition("=")
        if not equals:
            hint = "write --passes STAGE=PIPELINE"
            raise CompileError(f"{text!r} has no stage for its passes", hint=hint)
        if stage in passes:
            hint = "separate passes with commas"
            raise CompileError(f"--passes is given twice for stage {stage!r}", hint=hint)
        passes[stage] = pipeline
    return passes


PRECISIONS = ("int8", "int16", "auto")
"""The types of activations that --precision names."""


def quantized(
    exported: ExportedProgram,
    data: Mapping[str, Array],
    path: str,
    target: str,
    kernels: str = STOCK,
    precision: str = "int8",
    min_snr: float = 40.0,
) -> ExportedProgram:
    """The program quantized with calibration data. Raises CompileError.

    path: the file of the data, for messages.
    precision: one of `PRECISIONS`; min_snr: for "auto". See `cmopt.quantize`.
    """
    from cmopt.frontend.model_checks import is_quantized
    from cmopt.frontend.precision import Precision
    from cmopt.frontend.quantize import quantize
    from cmopt.frontend.structure import call_of

    samples = calibration_inputs(exported, data, path)
    if is_quantized(exported):
        raise CompileError(
            "the program is quantized already", hint="compile it as it is, without --calibrate"
        )
    try:
        module = exported.module(check_guards=False)
        example = call_of(exported)
        calls = [example.with_tensors(sample) for sample in samples]
        return quantize(
            module,
            calls[0].args,
            calls[0].kwargs,
            calibration=[(c.args, c.kwargs) if c.kwargs else c.args for c in calls],
            target=target,
            kernels=kernels,
            precision=precision if precision == "auto" else Precision(precision),
            min_snr=min_snr,
        )
    except (ValueError, TypeError) as error:
        raise CompileError(f"cannot quantize with '{path}': {error}") from error


def _vela(args: argparse.Namespace) -> VelaChoice:
    return VelaChoice(args.system_config, args.memory_mode, args.vela_config)


def _module(args: argparse.Namespace) -> tuple[ModuleOp, str]:
    """The IR that the compilation begins with, and its stage. Raises CompileError."""
    if args.model.endswith(".mlir"):
        if args.calibrate is not None:
            raise CompileError("IR is not calibrated", hint="compile the .pt2 with --calibrate")
        module = read_module(args.model)
        npu = get_target(args.target).npu
        return module, args.from_stage or stage_of(module, npu.name if npu else "", args.kernels)
    if args.from_stage is not None:
        raise CompileError("--from-stage is for IR", hint="a .pt2 is imported to stage edge")
    file, name = python_model(args.model)
    if name is None:
        check_model_file(file)
    data = None if args.calibrate is None else read_npz(args.calibrate)  # before torch is imported
    if name is None:
        exported = load_exported(file, trust=args.trust_input)
    else:
        exported = exported_from_python(file, name, data, trust=args.trust_input)
    if data is not None:
        exported = quantized(
            exported, data, args.calibrate, args.target, args.kernels, args.precision, args.min_snr
        )
    from cmopt.frontend.importer import import_program

    return import_program(exported), "edge"


def _program(args: argparse.Namespace, board: Memories) -> Program:
    """The compiled program, not yet fitted to the board. Raises CompileError."""
    module, stage = _module(args)
    return lower(
        module,
        target=args.target,
        io=args.io,
        kernels=args.kernels,
        allow_float=args.allow_float,
        min_npu_work=args.min_npu_work,
        stage=stage,
        max_arena=args.max_arena,
        input_layout=args.input_layout,
        output_layout=args.output_layout,
        **plan_options(board),
        passes=args.passes,
        vela=_vela(args),
    )


def _is_page(path: str) -> bool:
    return path.endswith((".html", ".htm"))


def _reports(args: argparse.Namespace, program: Program) -> dict[str, str]:
    """The text of each file of --report. Raises CompileError."""
    comparison = None if args.compare is None else compared(program, args.compare)
    title = os.path.splitext(os.path.basename(args.model))[0]
    return {
        path: program.report.html(title=title, comparison=comparison)
        if _is_page(path)
        else program.report.to_json() + "\n"
        for path in args.report
    }


def compared(program: Program, path: str) -> Comparison:
    """Compare a program on a file of samples: one array for each input, samples along a new first
    dimension. Raises CompileError."""
    if "quantized" not in program.modules:
        hint = "compile the .pt2, or IR of the stages edge or quantized"
        raise CompileError("--compare needs the stage quantized", hint=hint)
    arrays = select(read_npz(path), program.input_names, path)
    if any(array.ndim == 0 for array in arrays) or len({len(array) for array in arrays}) != 1:
        raise CompileError(f"'{path}': the arrays hold different numbers of samples")
    return program.compare(*map(list, arrays))


def _main(argv: Sequence[str] | None) -> int:
    args = _arguments().parse_args(argv)
    # First, because loading torch is slow: a misspelled name is reported at once.
    args.io = by_name(args.io) or args.io
    args.input_layout, args.output_layout = by_name(args.input_layout), by_name(args.output_layout)
    layouts = args.input_layout, args.output_layout
    check_options(args.target, args.io, args.kernels, *layouts)
    _vela(args).settings(get_target(args.target).npu)
    args.passes = passes_by_stage(args.passes)
    check_passes(args.passes, args.target, args.from_stage or "edge")
    if args.precision not in PRECISIONS:
        raise unknown_name("precision", args.precision, PRECISIONS)
    if args.precision != "int8" and args.calibrate is None:
        raise CompileError("--precision is for --calibrate", hint="a quantized program has its own")
    if args.precision != "int8" and args.kernels == STOCK and get_target(args.target).npu is None:
        raise CompileError(
            f"--precision {args.precision} needs operators of this project: the stock ones compute "
            "in int8",
            hint="add --kernels cmopt, and link them in the firmware",
        )
    for stage in (args.stage, args.from_stage):
        if stage is not None and stage not in STAGES:
            raise unknown_name("stage", stage, STAGES)
    debuginfo = args.mlir_print_debuginfo
    outputs = outputs_of(args.output, args.emit, args.stage, debuginfo, args.name, args.runtime)
    board = Memories() if args.memory is None else parse_memories(args.memory)
    outputs.check(*args.report)
    if args.compare is not None and not any(map(_is_page, args.report)):
        raise CompileError("--compare adds to a page", hint="add --report OUT.html")
    if args.arena_picture and args.output == "-":
        raise CompileError("--arena-picture and the output cannot both be printed",
                           hint="give a file with -o")  # fmt: skip
    if args.max_arena is not None:
        args.max_arena = parse_size(args.max_arena)
        check_max_arena(args.max_arena)
    program = _program(args, board)
    if args.memory is not None:
        program = program.fitted(args.memory, max_arena=args.max_arena, is_c=outputs.is_c_alone)
        program.check_fit(args.memory, is_c=outputs.is_c_alone)
    outputs.write(program, _reports(args, program))
    if outputs.is_directory or outputs.kinds == ("pte",):
        print_text(f"{program.report}\n")
    if args.arena_picture:
        print_text(f"{program.report.arena_picture()}\n")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code."""
    return run_tool("cm-compile", _main, argv)


if __name__ == "__main__":
    sys.exit(main())
