"""Signals that end a process: raised as exceptions, so that files are cleaned up first."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

AGAIN = 0.01
"""Seconds after which a signal is sent again whose exception Python ignored."""


class Interrupted(BaseException):
    """A signal asks the process to end. It is no `Exception`, so that nothing catches it."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


_received: list[int] = []


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    _received.append(number)
    raise Interrupted(number)


@contextmanager
def signals_raised() -> Iterator[None]:
    """Within the `with` block, SIGINT, SIGTERM and SIGHUP raise `Interrupted`.

    Python ignores an exception in a callback of its own, such as `__del__`. The signal is then sent
    again.
    """
    before: dict[signal.Signals, Any] = {}
    report_ignored = sys.unraisablehook

    def ignored(what: sys.UnraisableHookArgs) -> None:
        if not isinstance(what.exc_value, Interrupted):
            report_ignored(what)
            return
        again = threading.Timer(AGAIN, os.kill, (os.getpid(), what.exc_value.number))
        again.daemon = True
        again.start()

    sys.unraisablehook = ignored
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # A signal that is ignored, as after nohup, stays ignored.
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                before[number] = signal.signal(number, _interrupt)
    try:
        yield
    finally:
        sys.unraisablehook = report_ignored
        for number, handler in before.items():
            signal.signal(number, handler)
        _received.clear()


def check_interrupted() -> None:
    """Raise `Interrupted` if a signal came that a library in C++ has made another error of."""
    if _received:
        raise Interrupted(_received[-1])
