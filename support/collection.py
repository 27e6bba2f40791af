"""Python's collector of cycles, out of the way where IR grows."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Within, nothing is collected that only a cycle keeps alive.

    All IR is in cycles, and next to none of it dies before a stage ends: each collection would go
    through all that lives, again and again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
