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
from contextlib import suppress
from traceback import extract_tb
from typing import Any, NoReturn

from cmopt.pipeline.files import drop_output
from cmopt.pipeline.interruption import Interrupted, check_interrupted, signals_raised
from cmopt.pipeline.reproducer import InternalCompilerError
from cmopt.support.collection import collection_paused
from cmopt.support.diagnostics import CompileError, one_line
from cmopt.support.locations import render
from cmopt.support.names import near_names


class ArgumentParser(argparse.ArgumentParser):
    """The parser of a tool. It has `--version`.

    An error is one line with exit code 1, instead of a usage text and code 2.
    """

    def __init__(self, prog: str, **options: Any):
        super().__init__(prog=prog, allow_abbrev=False, **options)
        self.add_argument("--version", action=_Version, help="print the versions of cmopt and of "
            "what it is built on, for a report of an error")  # fmt: skip

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
        self.exit(1, f"{self.prog}: error: {one_line(message)}\n")


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


@collection_paused()
def run_tool(
    name: str, body: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None
) -> int:
    """Run a tool's body. Returns its exit code: 0, 1 for any failure, 128 + N after signal N."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # hide what imported libraries log
    try:
        with signals_raised(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ... and their warnings to programmers
            return _run(name, body, argv)
    except KeyboardInterrupt:  # raised by something else than the signal
        return 128 + signal.SIGINT
    except Interrupted as error:
        return 128 + error.number
    finally:
        logging.disable(disabled)


def _run(name: str, body: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None) -> int:
    try:
        code = body(argv)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except CompileError as error:
        # An error without a location is prefixed with the tool's name.
        placed = error.location is not None and render(error.location)
        _complain(str(error) if placed else f"{name}: {error}")
    except InternalCompilerError as error:
        _complain(f"{name}: {error}")
    except MemoryError:
        _complain(f"{name}: error: not enough memory")
    except OSError as error:
        # Of `print`: all other files are opened where an error of theirs is reported.
        if not isinstance(error, BrokenPipeError) and error.errno != errno.ENOSPC:
            _complain(f"{name}: {_internal(error)}")
            return 1
        drop_output()
        _complain(f"{name}: error: cannot write standard output: {error.strerror}")
    except Exception as error:
        check_interrupted()
        _complain(f"{name}: {_internal(error)}")
    return 1


def _internal(error: Exception) -> str:
    frame = extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(frame.filename)}:{frame.lineno}"
    return f"internal error: {one_line(f'{type(error).__name__}: {error}')} ({where})"


def _complain(line: str) -> None:
    """Print a line to standard error, if it is there."""
    with suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)
