"""A progress bar on stderr, if that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def progress(items: Iterable[T], description: str, *, names_items: bool = False) -> Iterator[T]:
    """The same items, with a bar that vanishes at the end.

    names_items: show the item that is being worked on after the description.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import Progress

    total = len(items) if isinstance(items, Sequence) else None
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=total)
        for item in items:
            if names_items:
                bar.update(task, description=f"{description}: {item}")
            yield item
            bar.advance(task)
