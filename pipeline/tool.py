"""What the command-line tools share: errors are one line on standard error and exit code 1."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from contextvars import ContextVar
from itertools import pairwise
from traceback import extract_tb
from typing import Any, NoReturn

from cmopt.pipeline.files import drop_output
from cmopt.pipeline.interruption import Interrupted, check_interrupted, signals_raised
from cmopt.pipeline.reproducer import InternalCompilerError
from cmopt.support.collection import collection_paused
from cmopt.support.diagnostics import CompileError, Diagnostic, diagnostics_to, one_line
from cmopt.support.locations import render
from cmopt.support.names import near_names


class ArgumentParser(argparse.ArgumentParser):
    """The parser of a tool. It has `--version`.

    An error is one line with an exit code, by default 1, instead of a usage text.
    """

    failure = 1
    """The exit code of an error."""

    def __init__(self, prog: str, **options: Any):
        super().__init__(prog=prog, allow_abbrev=False, **options)
        self.add_argument("--version", action=_Version, help="print the versions of cmopt and of "
            "what it is built on, for reports of errors")  # fmt: skip
        self.add_argument("--diagnostics", choices=("text", "json"), default="text", help="how "
            "errors and warnings are written to standard error: a line of text, or of JSON with "
            "severity, message, hint, file, line, column and op")  # fmt: skip

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As `argparse`, with a hint for an option whose name is near another one's."""
        known, unknown = self.parse_known_args(args, namespace)
        if unknown:
            name = unknown[0].partition("=")[0]
            names = [each for each in self._option_string_actions if each.startswith("--")]
            near = near_names(name, names) if name.startswith("--") else []
            hint = f"did you mean '{near[0]}'?" if near else "see --help"
            self._fail(f"unrecognized arguments: {' '.join(unknown)}; {hint}")
        return known

    def error(self, message: str) -> NoReturn:
        self._fail(f"{message}; see --help")

    def _fail(self, message: str) -> NoReturn:
        report(self.prog, Diagnostic("error", one_line(message)))
        self.exit(self.failure)


class _Version(argparse.Action):
    """Prints versions when the option is given; only then is metadata read."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None):
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version

        parts = []
        for name in ("cmopt", "xdsl", "torch", "torchao", "executorch", "ethos-u-vela"):
            with suppress(PackageNotFoundError):
                parts.append(f"{name} {version(name)}")
        print(f"{parser.prog} ({', '.join(parts)})")
        parser.exit()


_as_json: ContextVar[bool] = ContextVar("diagnostics_as_json", default=False)


def report(tool: str, diagnostic: Diagnostic) -> None:
    """Write an error of a tool to standard error, as its option `--diagnostics` says.

    As text, one without a location is prefixed with the tool's name.
    """
    if _as_json.get():
        _print(diagnostic.to_json(tool))
    else:
        placed = diagnostic.location is not None and render(diagnostic.location)
        _print(str(diagnostic) if placed else f"{tool}: {diagnostic}")


def report_text(tool: str, line: str) -> None:
    """Write an error that is not in the input, which has a form of its own as text."""
    if _as_json.get():
        _print(Diagnostic("error", line).to_json(tool))
    else:
        _print(line)


def _chosen_json(argv: Sequence[str] | None) -> bool:
    """Whether a command line asks for JSON; it may be wrong otherwise."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    pairs = pairwise(arguments)
    return "--diagnostics=json" in arguments or ("--diagnostics", "json") in pairs


@collection_paused()
def run_tool(
    name: str,
    body: Callable[[Sequence[str] | None], int],
    argv: Sequence[str] | None,
    failure: int = 1,
) -> int:
    """Run a tool's body. Returns its exit code; `failure` on errors, 128 + N after signal N."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # hide what imported libraries log
    chosen = _as_json.set(_chosen_json(argv))
    try:
        with signals_raised(), warnings.catch_warnings(), _warnings_of(name):
            warnings.simplefilter("ignore")  # ... and their warnings to programmers
            return _run(name, body, argv, failure)
    except KeyboardInterrupt:  # raised by something else than the signal
        return 128 + signal.SIGINT
    except Interrupted as error:
        return 128 + error.number
    finally:
        _as_json.reset(chosen)
        logging.disable(disabled)


def _warnings_of(name: str) -> AbstractContextManager[None]:
    """Where warnings go: as text they are printed as they are."""
    if not _as_json.get():
        return nullcontext()
    return diagnostics_to(lambda diagnostic: _print(diagnostic.to_json(name)))


def _run(
    name: str,
    body: Callable[[Sequence[str] | None], int],
    argv: Sequence[str] | None,
    failure: int,
) -> int:
    try:
        code = body(argv)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except CompileError as error:
        report(name, error.diagnostic)
    except InternalCompilerError as error:
        report_text(name, f"{name}: {error}")
    except MemoryError:
        report(name, Diagnostic("error", "not enough memory"))
    except OSError as error:
        # Of `print`: all other files are opened where an error of theirs is reported.
        if not isinstance(error, BrokenPipeError) and error.errno != errno.ENOSPC:
            report_text(name, f"{name}: {_internal(error)}")
            return failure
        drop_output()
        report(name, Diagnostic("error", f"cannot write standard output: {error.strerror}"))
    except Exception as error:
        check_interrupted()
        report_text(name, f"{name}: {_internal(error)}")
    return failure


def _internal(error: Exception) -> str:
    frame = extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(frame.filename)}:{frame.lineno}"
    return f"internal error: {one_line(f'{type(error).__name__}: {error}')} ({where})"


def _print(line: str) -> None:
    """Print a line to standard error, if it is there."""
    with suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)
