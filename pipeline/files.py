"""Reading inputs and writing outputs, with errors that say what to change.

A file is written whole or not at all, and several are written all or none: each first under a name
in the same folder that nobody can guess, then all are renamed.
"""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO

from cmopt.support.diagnostics import CompileError

MAX_TEXT_BYTES = 1 << 28
"""The most bytes of a text: twice those of the largest constant in hexadecimal form."""
_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def read_text(path: str) -> str:
    """The UTF-8 text of a file; `-` is standard input. Raises `CompileError`."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1)
        else:
            with open(path, "rb") as file:
                data = file.read(MAX_TEXT_BYTES + 1)
    except (OSError, ValueError) as error:  # a ValueError if the path has a NUL
        raise CompileError(f"cannot read '{path}': {_reason(error)}") from None
    if len(data) > MAX_TEXT_BYTES:
        raise CompileError(f"cannot read '{path}': more than {MAX_TEXT_BYTES:,} bytes of text")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CompileError(
            f"cannot read '{path}': not text (byte 0x{data[error.start]:02X} at {error.start})"
        ) from None
    if "\0" in text:
        raise CompileError(f"cannot read '{path}': not text (byte 0x00 at {data.index(0)})")
    return text


@contextmanager
def open_file(path: str) -> Iterator[BinaryIO]:
    """A file to read bytes from. Raises `CompileError` if it is not there, or is a device."""
    try:
        # A pipe that nobody writes to would block.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
        file = os.fdopen(descriptor, "rb")
    except (OSError, ValueError) as error:
        raise CompileError(f"cannot read '{path}': {_reason(error)}") from None
    with file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise CompileError(f"cannot read '{path}': not a file")
        yield file


def read_bytes(path: str, limit: int) -> bytes:
    """The bytes of a file of at most `limit`. Raises `CompileError`."""
    with open_file(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise CompileError(f"cannot read '{path}': more than {limit:,} bytes")
    return data


# ----------------------------------------------------------------------------------------- writing


def print_text(text: str) -> None:
    """Write UTF-8 text to standard output. Raises `CompileError` if it is full or closed."""
    stream = sys.stdout
    try:
        if stream is None:
            raise OSError("it is closed")
        if (binary := getattr(stream, "buffer", None)) is None:
            stream.write(text)
        else:
            stream.flush()
            binary.write(text.encode("utf-8", errors="backslashreplace"))
        stream.flush()
    except (OSError, ValueError) as error:
        drop_output()
        raise CompileError(f"cannot write standard output: {_reason(error)}") from None


def drop_output() -> None:
    """Keep Python from writing to standard output again when it ends, which would fail again."""
    with suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def write_output(path: str, data: str | bytes) -> None:
    """Write a whole file or nothing; see `write_outputs`."""
    write_outputs({path: data})


def write_outputs(files: Mapping[str, str | bytes], *, make_folders: bool = False) -> None:
    """Write all of these files, or none of them and leave those that are there.

    A file that is there keeps its permissions, and a link to a file stays a link. A device or a
    pipe is written directly, before any file is replaced.
    make_folders: make the folders of the files if they are not there.
    Raises `CompileError`.
    """
    staged: list[_Staged] = []
    made: list[str] = []
    try:
        for path, data in files.items():
            content = data.encode("utf-8") if isinstance(data, str) else data
            with _said(path):
                if make_folders:
                    _make_folder(os.path.dirname(os.path.realpath(path)), made)
                _stage(path, content, staged)
        with uninterrupted():
            _commit(staged)
            made.clear()
    finally:
        with uninterrupted():
            for item in staged:
                item.discard()
            for folder in reversed(made):
                with suppress(OSError):
                    os.rmdir(folder)


def check_outputs(paths: Iterable[str]) -> None:
    """Raise `CompileError` if one of these files cannot be written, or two are the same."""
    seen: dict[str, str] = {}
    for path in paths:
        with _said(path):
            target = os.path.realpath(path)
            mode = _mode_of(target)
            if mode is not None and stat.S_ISDIR(mode):
                raise IsADirectoryError(21, "Is a directory")
            if mode is None or stat.S_ISREG(mode):
                _check_writable(target, mode)
                if target in seen:
                    raise CompileError(f"'{path}' and '{seen[target]}' are the same file")
                seen[target] = path


def check_folder(path: str) -> None:
    """Raise `CompileError` if a folder is not there and cannot be made, or cannot be written to."""
    with _said(path):
        folder = os.path.realpath(path)
        while not os.path.lexists(folder):
            folder = os.path.dirname(folder)
        if not os.path.isdir(folder):
            raise NotADirectoryError(20, "Not a directory")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Within the `with` block, signals that end a process wait."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _said(path: str) -> Iterator[None]:
    """An error of the system becomes a `CompileError` that names the file."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise CompileError(f"cannot write '{path}': {_reason(error)}") from None


@dataclass
class _Staged:
    """A file under its temporary name. `backup`: the name that the old file has meanwhile."""

    path: str
    target: str
    temporary: str | None
    backup: str | None = None
    is_new: bool = True

    def discard(self) -> None:
        """Remove what is still there under temporary names."""
        for name in (self.temporary, self.backup):
            if name is not None:
                with suppress(OSError):
                    os.unlink(name)


def _mode_of(target: str) -> int | None:
    """The kind and permissions of a file, or None if it is not there."""
    try:
        return os.stat(target).st_mode
    except FileNotFoundError:
        return None


def _check_writable(target: str, mode: int | None) -> None:
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(2, "No such file or directory")
    if (mode is not None and not os.access(target, os.W_OK)) or not os.access(folder, os.W_OK):
        raise PermissionError(13, "Permission denied")


def _make_folder(folder: str, made: list[str]) -> None:
    if os.path.isdir(folder):
        return
    _make_folder(os.path.dirname(folder), made)
    with uninterrupted():
        os.mkdir(folder)
        made.append(folder)


def _hidden(target: str) -> str:
    """A new name in the same folder, which nobody can guess."""
    folder, name = os.path.split(target)
    return os.path.join(folder, f".{name[:64]}.{os.urandom(8).hex()}.tmp")


def _stage(path: str, content: bytes, staged: list[_Staged]) -> None:
    target = os.path.realpath(path)
    mode = _mode_of(target)
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "Is a directory")
    if mode is not None and not stat.S_ISREG(mode):
        with open(target, "wb") as file:
            file.write(content)
        return
    _check_writable(target, mode)
    temporary = _hidden(target)
    # A new file, and not one that somebody has put there, nor a link.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    with uninterrupted():
        descriptor = os.open(temporary, flags, 0o666 if mode is None else 0o600)
        staged.append(_Staged(path, target, temporary, is_new=mode is None))
        file = os.fdopen(descriptor, "wb")
    with file:
        file.write(content)
        file.flush()
        if mode is not None:
            os.fchmod(descriptor, stat.S_IMODE(mode))


def _commit(staged: list[_Staged]) -> None:
    """Give all files their names; if one cannot have it, none has, and the old ones are back."""
    several = len(staged) > 1
    done: list[_Staged] = []
    for item in staged:
        if item.temporary is None:
            continue
        try:
            if several and not item.is_new:
                backup = _hidden(item.target)
                os.link(item.target, backup)
                item.backup = backup
            os.replace(item.temporary, item.target)
        except OSError as error:
            for earlier in reversed(done):
                with suppress(OSError):
                    if earlier.backup is not None:
                        os.replace(earlier.backup, earlier.target)
                    elif earlier.is_new:
                        os.unlink(earlier.target)
            raise CompileError(f"cannot write '{item.path}': {_reason(error)}") from None
        item.temporary = None
        done.append(item)


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)
