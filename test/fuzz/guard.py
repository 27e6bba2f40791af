"""Time and memory limits of one case, for code that runs in the fuzzer's own process."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Timeout(BaseException):
    """A case took too long. It is not an `Exception`, so that the interrupted code does not catch
    it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `Timeout` in the block after so many seconds of the processor, which other programs on
    the machine do not use up. Works only in the main thread."""

    def expire(signum: int, frame: FrameType | None) -> None:
        raise Timeout

    previous = signal.signal(signal.SIGPROF, expire)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)


def address_space() -> int:
    """Bytes of address space that this process has now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def memory_limit(size: int) -> Iterator[None]:
    """Limit this process to `size` bytes of address space. Beyond that, MemoryError is raised."""
    previous = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size, previous[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, previous)
