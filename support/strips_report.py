"""What `split-rows` has done, as data of the report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class RowStrips:
    """A run of calls in strips of rows: the user's lines of the first and the last call ("" if
    unknown), the numbers of calls and strips, and the products and calls that this adds."""

    first: str
    last: str
    calls: int
    strips: int
    extra_products: int
    extra_calls: int


def to_json(strips: Sequence[RowStrips]) -> str:
    """The text from which `from_json` makes equal entries."""
    return json.dumps([asdict(entry) for entry in strips])


def from_json(text: str) -> tuple[RowStrips, ...]:
    """The entries of a text that `to_json` made."""
    return tuple(RowStrips(**entry) for entry in json.loads(text))
