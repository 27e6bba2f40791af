"""The expected diagnostics of a test, for `cm-opt --verify-diagnostics`.

They stand in the IR's comments, as in MLIR::

    // expected-error@+1 {{perm [0, 2, 2] is not a permutation}}
    %0 = edge.permute …

The kind is error, warning, remark or note. The place is the line itself, `@+1`, `@-2`, `@above` or
`@below` (the nearest line before or after without an expectation), or `@unknown` for a diagnostic
outside this file. The text is a part of the message. A number before the text says how often.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cmopt.support.diagnostics import Diagnostic, Severity
from cmopt.support.locations import file_position

_EXPECTATION = re.compile(
    r"expected-(?P<severity>error|warning|remark|note)"
    r"(?:@(?P<place>[+-]\d+|above|below|unknown))?"
    r"[ \t]*(?P<count>\d+)?[ \t]*\{\{(?P<text>.*?)\}\}"
)
_ATTEMPT = re.compile(r"[^/]*//[ \t]*expected-(?:error|warning|remark|note)\b")


@dataclass(frozen=True)
class Expectation:
    """A diagnostic expected at `line`; None: outside this file. `text` is part of its message."""

    severity: Severity
    line: int | None
    text: str
    written_at: int

    def matches(self, diagnostic: Diagnostic, line: int | None) -> bool:
        """Whether `diagnostic`, at `line` of this file (None: elsewhere), meets the expectation."""
        return (
            self.severity == diagnostic.severity
            and self.line == line
            and self.text in diagnostic.message
        )


def parse_expectations(text: str, first_line: int = 1) -> list[Expectation]:
    """The expectations in `text`. Its first line has the number `first_line`.

    Raises ValueError, with the line number, for a malformed expectation.
    """
    lines = text.split("\n")
    holds = [bool(_EXPECTATION.search(line)) for line in lines]
    return [
        expectation
        for index in range(len(lines))
        for expectation in _in_line(lines, holds, index, first_line)
    ]


def _in_line(
    lines: Sequence[str], holds: Sequence[bool], index: int, first_line: int
) -> Iterator[Expectation]:
    if not holds[index]:
        if _ATTEMPT.match(lines[index]):
            raise ValueError(f"{first_line + index}: malformed expectation: {lines[index].strip()}")
        return
    for match in _EXPECTATION.finditer(lines[index]):
        line = _target(match["place"], index, holds)
        severity: Severity = match["severity"]  # type: ignore[assignment]
        for _ in range(int(match["count"] or 1)):
            yield Expectation(
                severity,
                None if line is None else line + first_line,
                match["text"],
                index + first_line,
            )


def _target(place: str | None, index: int, holds: Sequence[bool]) -> int | None:
    match place:
        case None:
            return index
        case "unknown":
            return None
        case "above" | "below":
            step = -1 if place == "above" else 1
            index += step
            while 0 <= index < len(holds) and holds[index]:
                index += step
            return index
        case offset:
            return index + int(offset)


def unmet(
    expectations: Sequence[Expectation], diagnostics: Sequence[Diagnostic], file: str
) -> list[str]:
    """One line for each expectation that was not met and each diagnostic that was not expected.

    file: the file name the IR was parsed with. Each diagnostic meets at most one expectation.
    """
    left = list(expectations)
    problems: list[str] = []
    for diagnostic in diagnostics:
        position = None if diagnostic.location is None else file_position(diagnostic.location)
        line = position[1] if position and position[0] == file else None
        met = next((e for e in left if e.matches(diagnostic, line)), None)
        if met is None:
            problems.append(f"unexpected {diagnostic}")
        else:
            left.remove(met)
    problems += (
        f'{file}:{e.written_at}: expected {e.severity} "{e.text}" was not produced' for e in left
    )
    return problems
