"""Results on disk: one JSON object a line, appended at once, so that a run can be continued."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from peer_suites.outcomes import Result


class Store:
    """The results of earlier runs and of this one, by key and flow. The last of each counts."""

    def __init__(self, path: Path):
        """Read the file. An incomplete last line, from a process that ended early, is dropped."""
        self.path = path
        self.results: dict[tuple[str, str], Result] = {}
        text = path.read_text() if path.exists() else ""
        lines = text.split("\n")
        for line in lines[:-1]:
            result = Result.from_json(json.loads(line))
            self.results[result.key, result.flow] = result
        if lines[-1]:
            path.write_text(text[: len(text) - len(lines[-1])])

    def clear(self) -> None:
        """Remove all results, on disk too."""
        self.results.clear()
        self.path.unlink(missing_ok=True)

    def add(self, result: Result) -> None:
        """Add a result, and write it to disk at once."""
        self.results[result.key, result.flow] = result
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(result.to_json()) + "\n")

    def missing(self, key: str, flows: Iterable[str]) -> list[str]:
        """The flows among `flows` that have no result for a case."""
        return [flow for flow in flows if (key, flow) not in self.results]
