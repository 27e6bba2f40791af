"""The outcome of a case in one flow, also from an exception."""

from __future__ import annotations

import re
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

OK = "ok"
REFUSED = "refused"
ERROR = "error"
CRASH = "crash"
TIMEOUT = "timeout"
SKIPPED = "skipped"
WRONG_BYTES = "wrong bytes"

OUTCOMES = (OK, REFUSED, ERROR, CRASH, TIMEOUT, WRONG_BYTES, SKIPPED)
FAULTS = (ERROR, CRASH, TIMEOUT, WRONG_BYTES)
"""Outcomes that a program of ours must never have."""

CANNOT_RUN = "it cannot be run"
"""In the message of a program of upstream whose operators in Python raise an error."""

FLOWS = ("ours", "theirs", "upstream")
"""cmopt with its own quantizer, cmopt on upstream's quantized program, and ExecuTorch alone."""

CLEAR = ("CompileError", "ValueError", "TypeError")
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Result:
    """The outcome of one case in one flow.

    message: one line, unless the outcome is "ok". phase: the last phase that began. frame: for an
    error, the innermost line of this repository, "lowering/x.py:12 in name". figures: see
    `figures`. reasons: what stayed in float or off the NPU, and why.
    """

    key: str
    flow: str
    outcome: str
    phase: str = ""
    message: str = ""
    frame: str = ""
    seconds: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The fields that are set."""
        return {name: value for name, value in asdict(self).items() if value not in ("", {}, [])}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Result:
        """The inverse of `to_json`. Raises TypeError for unknown fields."""
        return cls(**values)


def of_exception(error: BaseException, flow: str) -> tuple[str, str, str]:
    """Outcome, message and frame of an exception that a flow raised.

    A flow of ours refuses a model with a CompileError, or with a ValueError or TypeError that our
    own code raises. Any other exception is an error. For upstream, every exception is a refusal.
    """
    message = without_places(f"{type(error).__name__}: {error}")
    if flow == "upstream":
        return REFUSED, message, ""
    if type(error).__name__ == "CompileError":
        return REFUSED, message, ""
    frames = _frames(error)
    ours = [frame for frame in frames if _inside(frame.filename)]
    is_raised_here = bool(frames) and _inside(frames[-1].filename)
    if type(error).__name__ in CLEAR and is_raised_here and _is_raise(frames[-1]):
        return REFUSED, message, ""
    if not ours:
        return ERROR, message, ""
    innermost = ours[-1]
    path = Path(innermost.filename).resolve().relative_to(REPOSITORY)
    return ERROR, message, f"{path}:{innermost.lineno} in {innermost.name}"


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames of the exception that was raised first."""
    while error.__cause__ is not None:
        error = error.__cause__
    return list(traceback.extract_tb(error.__traceback__))


def _is_raise(frame: traceback.FrameSummary) -> bool:
    """Whether a frame is at a `raise` statement, which may have several lines."""
    return "raise" in (frame.line or "") or "raise" in (getattr(frame, "_original_line", "") or "")


def _inside(filename: str) -> bool:
    """Whether a file is part of this repository, but not of its tests and benchmarks."""
    path = Path(filename).resolve()
    if filename.startswith("<") or not path.is_relative_to(REPOSITORY):
        return False
    top = path.relative_to(REPOSITORY).parts[0]
    return not top.startswith(".") and top not in ("benchmarks", "test", "build")


def without_places(text: str, limit: int = 400) -> str:
    """One line of at most `limit` characters, without the folders and the addresses of a run."""
    line = " ".join(text.split())
    line = re.sub(r"(/[\w.+-]+)+/(?=[\w.+-]+)", "", line)
    line = re.sub(r"0x[0-9a-f]{6,}", "0x…", line)
    return line if len(line) <= limit else line[: limit - 1] + "…"
