"""What the command-line tools share: errors are one line on standard error and exit code 1."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from cmopt.pipeline.diagnostics import CompileError
from cmopt.pipeline.reproducer import InternalCompilerError


class ArgumentParser(argparse.ArgumentParser):
    """One line and exit code 1, as for every other error, instead of a usage text and 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(1, f"{self.prog}: error: {message}; see --help\n")


def run_tool(
    name: str, body: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None
) -> int:
    """Run a tool's body; gives its exit code: 0, 1 for any failure, 130 when interrupted."""
    try:
        return body(argv)
    except CompileError as error:
        print(error if error.location else f"{name}: {error}", file=sys.stderr)
    except InternalCompilerError as error:
        print(f"{name}: {error}", file=sys.stderr)
    except BrokenPipeError:
        # Whoever read our output has seen enough. Keep Python from flushing it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    return 1
