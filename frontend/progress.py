"""A progress bar on stderr, if that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def progress(items: Iterable[T], description: str) -> Iterator[T]:
    """The same items, with a bar that vanishes at the end."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    total = len(items) if isinstance(items, Sequence) else None
    console = Console(stderr=True)
    yield from track(items, description=description, total=total, console=console, transient=True)
