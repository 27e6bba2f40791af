"""Limits on what one case may take, for code that runs in the fuzzer's own process."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Timeout(BaseException):
    """A case took too long. No `Exception`: what it interrupts must not take it for its own."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `Timeout` in the block after so many seconds. For the main thread only."""

    def expire(signum: int, frame: FrameType | None) -> None:
        raise Timeout

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def address_space() -> int:
    """Bytes of address space this process has now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def memory_limit(size: int) -> Iterator[None]:
    """Let this process have `size` bytes of address space: beyond that MemoryError."""
    previous = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size, previous[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, previous)
