"""`cm-diff`: what differs between two reports, or between two files of IR."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from cmopt.dialects.arrays import Array
from cmopt.dialects.cortex_m import DequantizePerTensorOp
from cmopt.dialects.program import border_names, main_function, outputs_of
from cmopt.dialects.quant import DCastOp, quantized_element
from cmopt.pipeline.arrays_file import read_npz
from cmopt.pipeline.cm_run import run_module
from cmopt.pipeline.files import print_text, read_text
from cmopt.pipeline.program_figures import (
    Change,
    changed,
    differences,
    figures_of_ir,
    figures_of_report,
)
from cmopt.pipeline.tables import changes_text
from cmopt.pipeline.tool import ArgumentParser, run_tool
from cmopt.pipeline.verifying import read_module
from cmopt.support.diagnostics import CompileError

TROUBLE = 2
"""The exit code of an error, as that of diff."""


class _Parser(ArgumentParser):
    failure = TROUBLE


def _arguments() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="cm-diff",
        description="Compare two reports that cm-compile --report wrote as JSON, or two files of "
        "IR, of any stages: what differs is printed. Exit code 0: no difference, 1: some, 2: an "
        "error.",
    )
    add = parser.add_argument
    add("a", metavar="A.json|A.mlir")
    add("b", metavar="B.json|B.mlir")
    add("--input", metavar="IN.npz", help="for IR: interpret both on these inputs, one array for "
        "each by name, and compare the outputs too")  # fmt: skip
    return parser


def step_of(module: ModuleOp, output: str) -> float | None:
    """The step of the quantization of a float output; None if it has no single one."""
    func = main_function(module)
    owner = outputs_of(func)[border_names(func)[1].index(output)].owner
    if isinstance(owner, DequantizePerTensorOp):
        return float(owner.scale.value.data)
    element = quantized_element(owner.input.type) if isinstance(owner, DCastOp) else None
    return None if element is None or element.is_per_axis else element.scale


def output_differences(
    a: Mapping[str, Array], b: Mapping[str, Array], steps: Mapping[str, float | None]
) -> list[Change]:
    """Rows of the outputs that differ: the largest difference, and in steps of the quantization.

    steps: the step of each float output. Integers are counted in steps of 1.
    """
    rows = changed("outputs", dict.fromkeys(a, "there"), dict.fromkeys(b, "there"))
    for name in (name for name in a if name in b):
        x, y = a[name], b[name]
        if (x.dtype, x.shape) != (y.dtype, y.shape):
            before, after = (f"{value.dtype} {list(value.shape)}" for value in (x, y))
            rows.append(Change("outputs", name, before, after))
        elif not np.array_equal(x, y, equal_nan=x.dtype.kind == "f"):
            step = steps.get(name) if x.dtype.kind == "f" else 1.0
            rows.append(Change("outputs", name, "", "", _largest(x, y, step)))
    return rows


def _largest(x: Array, y: Array, step: float | None) -> str:
    """The largest difference of two arrays of one shape, as text; that to a NaN is infinite."""
    with np.errstate(invalid="ignore"):
        distances = np.abs(x.astype(np.float64) - y.astype(np.float64))
    equal = (x == y) | (np.isnan(x.astype(np.float64)) & np.isnan(y.astype(np.float64)))
    largest = float(np.where(equal, 0.0, np.nan_to_num(distances, nan=np.inf)).max())
    return f"up to {largest:.6g}" + (f", {largest / step:.4g} steps" if step else "")


def _compare_ir(args: argparse.Namespace) -> list[Change]:
    modules = [read_module(path) for path in (args.a, args.b)]
    rows = differences(*map(figures_of_ir, modules))
    if args.input is None:
        return rows
    inputs = read_npz(args.input)
    first, second = (
        run_module(module, path, inputs, args.input)
        for module, path in zip(modules, (args.a, args.b), strict=True)
    )
    steps = {name: step_of(modules[0], name) for name in first}
    return rows + output_differences(first, second, steps)


def _main(argv: Sequence[str] | None) -> int:
    args = _arguments().parse_args(argv)
    endings = {os.path.splitext(path)[1] for path in (args.a, args.b)}
    if endings == {".mlir"}:
        rows = _compare_ir(args)
    elif endings == {".json"}:
        if args.input is not None:
            raise CompileError("--input is for IR", hint="a report has no program to run")
        rows = differences(*(figures_of_report(read_text(p), p) for p in (args.a, args.b)))
    else:
        raise CompileError("the files must be two reports, .json, or two files of IR, .mlir")
    if rows:
        print_text(f"{changes_text(rows, args.a, args.b)}\n")
    return int(bool(rows))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code: 0 if nothing differs, 1 if something does, 2 on error."""
    return run_tool("cm-diff", _main, argv, failure=TROUBLE)


if __name__ == "__main__":
    sys.exit(main())
