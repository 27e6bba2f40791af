"""Reading inputs and writing outputs, with errors that say what to change."""

from __future__ import annotations

import os
import sys

from cmopt.support.diagnostics import CompileError


def read_text(path: str) -> str:
    """The UTF-8 text of a file; `-` is standard input. Raises `CompileError`."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as file:
                data = file.read()
    except OSError as error:
        raise CompileError(f"cannot read '{path}': {_reason(error)}") from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CompileError(
            f"cannot read '{path}': not text (byte 0x{data[error.start]:02X} at {error.start})"
        ) from None
    if "\0" in text:
        raise CompileError(f"cannot read '{path}': not text (byte 0x00 at {data.index(0)})")
    return text


def write_output(path: str, data: str | bytes) -> None:
    """Write a whole file or nothing: to a temporary file in the same folder, then renamed.

    A device or a pipe is written directly. Raises `CompileError`.
    """
    content = data.encode("utf-8") if isinstance(data, str) else data
    target = os.path.realpath(path)
    try:
        if os.path.exists(target) and not os.path.isfile(target):
            with open(target, "wb") as file:
                file.write(content)
            return
        if os.path.exists(target) and not os.access(target, os.W_OK):
            raise PermissionError(13, "Permission denied")
        temporary = f"{target}.{os.getpid()}.tmp"
        try:
            with open(temporary, "wb") as file:
                file.write(content)
            os.replace(temporary, target)
        except BaseException:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise CompileError(f"cannot write '{path}': {_reason(error)}") from None


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
