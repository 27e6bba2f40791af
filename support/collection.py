"""Pause Python's garbage collector while IR grows."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Within the `with` block, the collector of reference cycles does not run.

    All IR is in cycles, and almost none of it dies before a stage ends. So each collection would
    visit all live objects again and free nothing.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
