"""`cm-opt`: parse IR, run passes, print IR. The flags are those of mlir-opt.

An error in the input, the pipeline or a file is one line on standard error and exit code 1.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from time import perf_counter

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cmopt.dialects import get_all_dialects
from cmopt.dialects.parsing import make_context, parse_module
from cmopt.pipeline.expectations import parse_expectations, unmet
from cmopt.pipeline.files import check_outputs, print_text, read_text, write_output
from cmopt.pipeline.passes import (
    PassFactories,
    describe_ops,
    describe_passes,
    parse_pipeline,
    run_passes,
    unknown_pass,
)
from cmopt.pipeline.registry import get_all_passes
from cmopt.pipeline.reproducer import pipeline_of
from cmopt.pipeline.tool import ArgumentParser, report, report_text, run_tool
from cmopt.pipeline.verifying import verify_input
from cmopt.support.diagnostics import (
    CompileError,
    Diagnostic,
    diagnostics_to,
)
from cmopt.support.printing import module_to_text, print_module

_SEPARATOR = re.compile(r"^[ \t]*// -----[^\n]*$", re.MULTILINE)


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, got '{text}'")
    return text == "true"


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number of elements, got '{text}'")
    return int(text)


def _arguments() -> argparse.ArgumentParser:
    parser = ArgumentParser(prog="cm-opt", description="Parse IR, run passes, print IR.")
    add = parser.add_argument
    add("input", nargs="?", default="-", metavar="IN.mlir", help="IR; '-' is standard input")
    add("-o", dest="output", default="-", metavar="OUT.mlir", help="default: standard output")
    pipeline = parser.add_mutually_exclusive_group()
    pipeline.add_argument(
        "--pass-pipeline",
        metavar="TEXT",
        help="passes in MLIR's form: 'builtin.module(a,b{option=1 other=x,y})'",
    )
    pipeline.add_argument("-p", "--passes", metavar="A,B", help="the same without the wrapper")
    pipeline.add_argument(
        "--run-reproducer", action="store_true", help="run the pipeline the input's header names"
    )
    add("--split-input-file", action="store_true", help="process '// -----' chunks one by one")
    add(
        "--verify-diagnostics",
        action="store_true",
        help="check '// expected-error {{…}}' comments against what is reported",
    )
    add(
        "--verify-each",
        type=_boolean,
        default=True,
        metavar="BOOL",
        help="verify after every pass (default true)",
    )
    add("--allow-unregistered-dialect", action="store_true", help="accept unknown operations")
    add("--mlir-print-op-generic", action="store_true", help="print the generic form")
    add("--mlir-print-debuginfo", action="store_true", help="print locations")
    add(
        "--mlir-elide-elementsattrs-if-larger",
        type=_count,
        metavar="N",
        help="print constants of more elements than this without their values",
    )
    for when in ("before", "after"):
        add(
            f"--mlir-print-ir-{when}-all",
            f"--print-ir-{when}-all",
            dest=f"print_ir_{when}_all",
            action="store_true",
            help=f"print the IR {when} every pass, to standard error",
        )
        add(
            f"--mlir-print-ir-{when}",
            f"--print-ir-{when}",
            dest=f"print_ir_{when}",
            action="append",
            default=[],
            metavar="A,B",
            help=f"print the IR {when} these passes",
        )
    add("--mlir-timing", action="store_true", help="print where the time went, to standard error")
    add(
        "--mlir-pass-pipeline-crash-reproducer",
        metavar="FILE",
        help="where to write the reproducer of an internal error (default: a temporary file)",
    )
    add("--list-passes", action="store_true", help="print all passes with their options")
    add("--list-ops", action="store_true", help="print the ops of all dialects of cmopt and of "
        "plug-ins")  # fmt: skip
    add("--show-dialects", action="store_true", help="print the names of all dialects")
    return parser


class _Observer:
    """Prints IR around passes and adds up their times."""

    def __init__(self, args: argparse.Namespace):
        self._args = args
        self.times: list[tuple[str, float]] = []

    def before(self, pass_: ModulePass, module: ModuleOp) -> None:
        if self._args.print_ir_before_all or pass_.name in self._args.print_ir_before:
            self._dump("Before", pass_, module)

    def after(self, pass_: ModulePass, module: ModuleOp, seconds: float) -> None:
        self.times.append((pass_.name, seconds))
        if self._args.print_ir_after_all or pass_.name in self._args.print_ir_after:
            self._dump("After", pass_, module)

    def _dump(self, when: str, pass_: ModulePass, module: ModuleOp) -> None:
        print(f"// -----// IR Dump {when} {pass_} //----- //", file=sys.stderr)
        print_module(
            module,
            sys.stderr,
            debuginfo=self._args.mlir_print_debuginfo,
            elide_larger_than=self._args.mlir_elide_elementsattrs_if_larger,
            generic=self._args.mlir_print_op_generic,
        )

    def timed(self, name: str, since: float) -> None:
        self.times.append((name, perf_counter() - since))

    def report(self) -> None:
        total = sum(seconds for _, seconds in self.times)
        print("===- Execution time report -===", file=sys.stderr)
        for name, seconds in [*self.times, ("Total", total)]:
            share = 100 * seconds / total if total else 0.0
            print(f"  {seconds:8.4f} ({share:5.1f}%)  {name}", file=sys.stderr)


class _CmOpt:
    """One run of the tool over one input."""

    def __init__(self, args: argparse.Namespace, text: str, passes: Sequence[ModulePass]):
        self._args = args
        self._passes = passes
        self._text = text
        self._observer = _Observer(args)

    def run(self) -> int:
        outputs: list[str] = []
        failed = False
        for first_line, chunk in self._chunks():
            output, problems = self._process(first_line, chunk)
            for problem in problems:
                if isinstance(problem, Diagnostic):
                    report("cm-opt", problem)
                else:
                    report_text("cm-opt", problem)
            failed |= bool(problems)
            if output is not None:
                outputs.append(output)
        # A file is written only if all chunks succeed; standard output gets those that do.
        text = "// -----\n".join(outputs)
        if self._args.output == "-":
            print_text(text)
        elif not failed:
            write_output(self._args.output, text)
        if self._args.mlir_timing:
            self._observer.report()
        return int(failed)

    def _chunks(self) -> list[tuple[int, str]]:
        """The pieces to process, each with the number of its first line."""
        if not self._args.split_input_file:
            return [(1, self._text)]
        chunks: list[tuple[int, str]] = []
        line = 1
        for chunk in _SEPARATOR.split(self._text):
            chunks.append((line, chunk))
            line += chunk.count("\n")
        return chunks

    def _process(
        self, first_line: int, chunk: str
    ) -> tuple[str | None, Sequence[Diagnostic | str]]:
        """The resulting IR (None if it failed), and what to report: an error, or lines about the
        expectations of a test."""
        if not self._args.verify_diagnostics:
            try:
                return self._transform(first_line, chunk), []
            except CompileError as error:
                return None, [error.diagnostic]
        reported: list[Diagnostic] = []
        output: str | None = None
        try:
            expectations = parse_expectations(chunk, first_line)
            with diagnostics_to(reported.append):
                output = self._transform(first_line, chunk)
        except ValueError as error:
            return None, [f"{self._args.input}:{error}"]
        except CompileError as error:
            reported.append(error.diagnostic)
        return output, unmet(expectations, reported, self._args.input)

    def _transform(self, first_line: int, chunk: str) -> str:
        args, observer = self._args, self._observer
        ctx = make_context(allow_unregistered=args.allow_unregistered_dialect)
        start = perf_counter()
        # Line breaks in front keep the line numbers of the file.
        module = parse_module(ctx, "\n" * (first_line - 1) + chunk, args.input)
        observer.timed("Parser", start)
        start = perf_counter()
        verify_input(module)
        observer.timed("Verifier (input)", start)
        run_passes(
            ctx,
            module,
            self._passes,
            verify_each=args.verify_each,
            observer=observer,
            reproducer=args.mlir_pass_pipeline_crash_reproducer,
        )
        start = perf_counter()
        text = module_to_text(
            module,
            debuginfo=args.mlir_print_debuginfo,
            elide_larger_than=args.mlir_elide_elementsattrs_if_larger,
            generic=args.mlir_print_op_generic,
        )
        observer.timed("Output", start)
        return text


def _main(argv: Sequence[str] | None) -> int:
    args = _arguments().parse_args(argv)
    if args.list_passes:
        print("\n".join(describe_passes(get_all_passes())))
        return 0
    if args.list_ops:
        print("\n".join(describe_ops(get_all_dialects())))
        return 0
    if args.show_dialects:
        print("\n".join(sorted(make_context().registered_dialect_names)))
        return 0
    # Before the input is read: it may be typed in, and a misspelled pass is reported at once.
    available = get_all_passes()
    passes = parse_pipeline(args.pass_pipeline or args.passes or "", available)
    args.print_ir_before = _known_passes(args.print_ir_before, available)
    args.print_ir_after = _known_passes(args.print_ir_after, available)
    if args.output != "-":
        check_outputs([args.output])
    text = read_text(args.input)
    if args.run_reproducer:
        passes = parse_pipeline(pipeline_of(text, args.input), available)
    return _CmOpt(args, text, passes).run()


def _known_passes(texts: Sequence[str], available: PassFactories) -> set[str]:
    """The names in lists with commas. Raises CompileError for a pass that is not available."""
    names = {name.strip() for text in texts for name in text.split(",")}
    for name in sorted(names):
        if name not in available:
            raise unknown_pass(name, available)
    return names


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code: 0, 1 for any failure, 130 when interrupted."""
    return run_tool("cm-opt", _main, argv)


if __name__ == "__main__":
    sys.exit(main())
