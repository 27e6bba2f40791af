"""What the command-line tools share: errors are one line on standard error and exit code 1."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from traceback import extract_tb
from typing import NoReturn

from cmopt.pipeline.reproducer import InternalCompilerError
from cmopt.support.collection import collection_paused
from cmopt.support.diagnostics import CompileError, one_line
from cmopt.support.locations import render


class ArgumentParser(argparse.ArgumentParser):
    """Reports errors in one line with exit code 1, instead of a usage text and code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(1, f"{self.prog}: error: {message}; see --help\n")


@collection_paused()
def run_tool(
    name: str, body: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None
) -> int:
    """Run a tool's body. Returns its exit code: 0, 1 for any failure, 130 if interrupted."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # hide what imported libraries log
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ... and their warnings to programmers
            return body(argv)
    except CompileError as error:
        # An error without a location is prefixed with the tool's name.
        placed = error.location is not None and render(error.location)
        print(error if placed else f"{name}: {error}", file=sys.stderr)
    except InternalCompilerError as error:
        print(f"{name}: {error}", file=sys.stderr)
    except BrokenPipeError:
        # The reader of our output has closed it. Keep Python from flushing it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        frame = extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(frame.filename)}:{frame.lineno}"
        what = one_line(f"{type(error).__name__}: {error}")
        print(f"{name}: internal error: {what} ({where})", file=sys.stderr)
    finally:
        logging.disable(disabled)
    return 1
