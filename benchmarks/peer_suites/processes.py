"""Cases in forked processes: a crash or an endless loop ends one case, not the run."""

from __future__ import annotations

import faulthandler
import json
import os
import selectors
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peer_suites.outcomes import CRASH, SKIPPED, TIMEOUT, Result, without_places
from peer_suites.suites import Case

Emit = Callable[[dict[str, Any]], None]
Body = Callable[[Case, Sequence[str], Emit], None]


@dataclass
class _Child:
    """One process: its work, and what it reported last."""

    case: Case
    flows: list[str]
    pid: int
    pipe: int
    log: Path
    deadline: float
    phase: str = "begin"
    rest: bytes = b""
    is_late: bool = False
    began: float = field(default_factory=time.monotonic)


def run_cases(
    work: Sequence[tuple[Case, Sequence[str]]],
    body: Body,
    *,
    jobs: int,
    timeout: float,
    folder: Path,
    until: float,
) -> Iterator[Result]:
    """The results of each case in each of its flows, as they become known.

    body: runs in a process for each case. It emits {"flow", "phase"} before each phase of a flow
        and {"result"} at the end of each flow. timeout: seconds for one flow. folder: for the
        output of the processes. until: no case begins after this time of `time.monotonic`.
    """
    waiting = [(case, list(flows)) for case, flows in reversed(work)]
    children: dict[int, _Child] = {}
    selector = selectors.DefaultSelector()
    try:
        while waiting or children:
            while waiting and len(children) < jobs and time.monotonic() < until:
                case, flows = waiting.pop()
                child = _start(case, flows, body, timeout, folder)
                children[child.pipe] = child
                selector.register(child.pipe, selectors.EVENT_READ)
            if not children:
                return
            for event, _ in selector.select(timeout=0.5):
                child = children[event.fd]
                data = os.read(child.pipe, 1 << 16)
                if data:
                    yield from _read(child, data, timeout)
                    continue
                selector.unregister(child.pipe)
                del children[child.pipe]
                if (result := _end(child)) is not None:
                    yield result
                    child.flows.remove(result.flow)
                if child.flows:
                    waiting.append((child.case, child.flows))
            for child in children.values():
                if time.monotonic() > child.deadline and not child.is_late:
                    child.is_late = True
                    _kill(child.pid)
    finally:
        for child in children.values():
            _kill(child.pid)
            os.waitpid(child.pid, 0)


def _start(case: Case, flows: list[str], body: Body, timeout: float, folder: Path) -> _Child:
    reader, writer = os.pipe()
    handle, name = tempfile.mkstemp(dir=folder, suffix=".log")
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _child(case, flows, body, reader, writer, handle)
    os.close(writer)
    os.close(handle)
    return _Child(case, list(flows), pid, reader, Path(name), time.monotonic() + timeout)


def _child(
    case: Case, flows: list[str], body: Body, reader: int, writer: int, log: int
) -> None:  # does not return
    code = 1
    try:
        os.setpgid(0, 0)
        os.close(reader)
        faulthandler.disable()  # Its lines would hide the last line of output.
        for stream in (1, 2):
            os.dup2(log, stream)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        with os.fdopen(writer, "w") as pipe:

            def emit(event: dict[str, Any]) -> None:
                pipe.write(json.dumps(event) + "\n")
                pipe.flush()

            body(case, flows, emit)
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _read(child: _Child, data: bytes, timeout: float) -> Iterator[Result]:
    *lines, child.rest = (child.rest + data).split(b"\n")
    for line in lines:
        event = json.loads(line)
        if "result" in event:
            now = time.monotonic()
            values = event["result"] | {"seconds": round(now - child.began, 2)}
            child.began, child.deadline = now, now + timeout
            result = Result.from_json(values)
            child.flows.remove(result.flow)
            child.phase = "begin"
            yield result
        else:
            child.phase = event["phase"]


def _end(child: _Child) -> Result | None:
    """The result of the flow in which a process ended; None if it was in no flow."""
    os.close(child.pipe)
    _, status = os.waitpid(child.pid, 0)
    said = child.log.read_text(errors="replace").strip().splitlines()
    child.log.unlink()
    if not child.flows:
        return None
    flow = child.flows[0]
    seconds = round(time.monotonic() - child.began, 2)
    if child.is_late:
        message = f"no result after {seconds:.0f} s"
        return Result(child.case.key, flow, TIMEOUT, child.phase, message, seconds=seconds)
    last = without_places(said[-1], 200) if said else ""
    if os.WIFSIGNALED(status):
        end = signal.Signals(os.WTERMSIG(status)).name
    else:
        end = f"exit code {os.WEXITSTATUS(status)}"
    message = f"{end}: {last}" if last else end
    return Result(child.case.key, flow, CRASH, child.phase, message, seconds=seconds)


def _kill(pid: int) -> None:
    """End a process and the processes that it has started."""
    for end in (os.killpg, os.kill):
        try:
            end(pid, signal.SIGKILL)
            return
        except ProcessLookupError:
            continue


def skipped(key: str, flow: str, reason: str) -> Result:
    """The result of a case that has nothing to compare."""
    return Result(key, flow, SKIPPED, "record", without_places(reason))
