"""Messages to the user: one line, with a source location and an op.

Every stage raises `CompileError` for an error in the input, and uses `warn` and `remark` for other
messages. `str()` of each is one line::

    model.py:41 (permute_3): error: 'edge.permute' op perm [0, 2, 2] is not a permutation; ...
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation
from xdsl.utils.exceptions import DiagnosticException

from cmopt.support.locations import file_location, render

Severity = Literal["error", "warning", "remark", "note"]


def one_line(text: str) -> str:
    """`text` with each line break or run of blanks replaced by one blank.

    A character that a terminal does not print, or obeys, becomes an escape such as `\\x1b`.
    """
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def about(op: Operation, message: str) -> str:
    """`message` as a statement about `op`, in MLIR's form: `'edge.add' op …`."""
    return f"'{_name_of(op)}' op {message}"


def _name_of(op: Operation) -> str:
    name = op.attributes.get("op_name__")  # the name of an op of an unregistered dialect
    return str(getattr(name, "data", op.name))


@dataclass(frozen=True)
class Diagnostic:
    """One message to the user; `message` is a single line without the place.

    hint: the end of the message that says what would help, if it has one. op: the name of the op
    that it is about.
    """

    severity: Severity
    message: str
    location: Attribute | None = None
    hint: str | None = None
    op: str | None = None

    def __str__(self) -> str:
        where = render(self.location) if self.location is not None else None
        return f"{one_line(where)}: {self.severity}: {self.message}" if where else self._unplaced()

    def _unplaced(self) -> str:
        return f"{self.severity}: {self.message}"

    def to_json(self, tool: str) -> str:
        """One line of JSON: tool, severity, message, hint, file, line, column, op.

        The message is without the hint. What is not known is null; a column of 0 is not known.
        """
        found = None if self.location is None else file_location(self.location)
        entry = {
            "tool": tool,
            "severity": self.severity,
            "message": self.message.removesuffix(f"; {self.hint}"),
            "hint": self.hint,
            "file": None if found is None else found.filename.data,
            "line": None if found is None else found.line.data,
            "column": None if found is None else found.column.data or None,
            "op": self.op,
        }
        return json.dumps(entry)


class CompileError(DiagnosticException):
    """The input cannot be compiled. `str(error)` is one line: "where: error: what".

    message: what is wrong, in the user's terms. Line breaks become blanks.
    op: the op that is wrong. It gives the name, and the location unless `location` is given.
    location: any of xDSL's location attributes.
    hint: what would help; printed after a semicolon.
    """

    def __init__(
        self,
        message: str,
        *,
        op: Operation | None = None,
        location: Attribute | None = None,
        hint: str | None = None,
    ):
        self.op = op
        self.hint = hint
        text = one_line(message)
        if op is not None:
            text = about(op, text)
            location = op.location if location is None else location
        if hint:
            hint = one_line(hint)
            text = f"{text}; {hint}"
        name = None if op is None else _name_of(op)
        self.diagnostic = Diagnostic("error", text, location, hint, name)
        super().__init__(str(self.diagnostic))

    @property
    def message(self) -> str:
        """What is wrong, without the place."""
        return self.diagnostic.message

    @property
    def location(self) -> Attribute | None:
        """Where it is wrong, as a location attribute."""
        return self.diagnostic.location


def verify(module: ModuleOp, after: str | None = None) -> None:
    """Raise a located `CompileError` for the first invalid op, innermost first.

    after: the pass that produced the IR, named in the message.
    """
    from cmopt.support.verification import Verifier  # which raises `CompileError`

    Verifier(after).operation(module)


Handler = Callable[[Diagnostic], None]


def _print_to_stderr(diagnostic: Diagnostic) -> None:
    print(diagnostic, file=sys.stderr)


_handler: ContextVar[Handler] = ContextVar("diagnostic_handler", default=_print_to_stderr)


@contextmanager
def diagnostics_to(handler: Handler) -> Iterator[None]:
    """Within the `with` block, `warn`, `remark` and `note` call `handler` instead of printing."""
    token = _handler.set(handler)
    try:
        yield
    finally:
        _handler.reset(token)


def _report(
    severity: Severity, message: str, op: Operation | None, location: Attribute | None
) -> None:
    text = one_line(message)
    if op is not None:
        text = about(op, text)
        location = op.location if location is None else location
    name = None if op is None else _name_of(op)
    _handler.get()(Diagnostic(severity, text, location, op=name))


def warn(message: str, *, op: Operation | None = None, location: Attribute | None = None) -> None:
    """Report something that compiles but is probably not what the user wants."""
    _report("warning", message, op, location)


def remark(message: str, *, op: Operation | None = None, location: Attribute | None = None) -> None:
    """Report a decision worth knowing."""
    _report("remark", message, op, location)


def note(message: str, *, op: Operation | None = None, location: Attribute | None = None) -> None:
    """Add to the warning or remark reported just before."""
    _report("note", message, op, location)
