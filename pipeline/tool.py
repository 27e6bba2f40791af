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
from typing import NoReturn

from cmopt.pipeline.files import drop_output
from cmopt.pipeline.interruption import Interrupted, check_interrupted, signals_raised
from cmopt.pipeline.reproducer import InternalCompilerError
from cmopt.support.collection import collection_paused
from cmopt.support.diagnostics import CompileError, one_line
from cmopt.support.locations import render


class ArgumentParser(argparse.ArgumentParser):
    """Reports errors in one line with an exit code, by default 1, instead of a usage text."""

    failure = 1
    """The exit code of an error."""

    def error(self, message: str) -> NoReturn:
        self.exit(self.failure, f"{self.prog}: error: {message}; see --help\n")


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
    try:
        with signals_raised(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ... and their warnings to programmers
            return _run(name, body, argv, failure)
    except KeyboardInterrupt:  # raised by something else than the signal
        return 128 + signal.SIGINT
    except Interrupted as error:
        return 128 + error.number
    finally:
        logging.disable(disabled)


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
            return failure
        drop_output()
        _complain(f"{name}: error: cannot write standard output: {error.strerror}")
    except Exception as error:
        check_interrupted()
        _complain(f"{name}: {_internal(error)}")
    return failure


def _internal(error: Exception) -> str:
    frame = extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(frame.filename)}:{frame.lineno}"
    return f"internal error: {one_line(f'{type(error).__name__}: {error}')} ({where})"


def _complain(line: str) -> None:
    """Print a line to standard error, if it is there."""
    with suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)
