"""Values whose bytes are read for the last time part by part: each part has its own lifetime."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from itertools import pairwise

from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue

from cmopt.codegen.lifetimes import Buffer, Inside, Liveness, TakeOver, analyze
from cmopt.codegen.placement import Placement, place
from cmopt.dialects.program import ROW_STRIPS

MOST_READS = 512
"""Reads of a buffer that is split, at most."""


def best_placement(func: FuncOp, without: Container[SSAValue] = frozenset()) -> Placement:
    """The smallest plan that is found. In a function in strips of rows, a value that is read strip
    by strip frees its bytes strip by strip, if that gives a smaller plan.

    without: values that are not planned, with all that share bytes with them.
    """
    whole = place(analyze(func).of_values(without, inside=False))
    if ROW_STRIPS not in func.attributes:
        return whole
    liveness = analyze(func).of_values(without, inside=False)
    parts = place(liveness) if by_parts(liveness) else whole
    return parts if parts.size < whole.size else whole


@dataclass(frozen=True)
class Read:
    """Bytes `start … end − 1` of a buffer are read at a time."""

    start: int
    end: int
    time: int


def last_reads(size: int, first: int, reads: Sequence[Read]) -> list[Read]:
    """A buffer's ranges of bytes, in order, each with the time of its last read.

    Neighbouring ranges have different times. Bytes that nothing reads are read at `first`, when
    they are made.
    """
    cuts = sorted({0, size, *(read.start for read in reads), *(read.end for read in reads)})
    ranges: list[Read] = []
    for start, end in pairwise(cuts):
        time = max((r.time for r in reads if r.start <= start and end <= r.end), default=first)
        if ranges and ranges[-1].time == time:
            start = ranges.pop().start
        ranges.append(Read(start, end, time))
    return ranges


def by_parts(liveness: Liveness) -> bool:
    """Split the buffers that are read for the last time part by part. Returns whether there is one.

    The first part is the buffer itself; the others must begin at their distances from it. A buffer
    of which a view is made after a part of it is free stays. Nothing takes over the bytes of a
    buffer that is split.
    """
    kept = {id(buffer) for buffer in liveness.kept}
    split: set[int] = set()
    for buffer in list(liveness.buffers):
        reads = liveness.reads.get(buffer, [])
        if id(buffer) in kept or not 2 <= len(reads) <= MOST_READS:
            continue
        found = [Read(*read) for read in reads]
        ranges = last_reads(buffer.size, buffer.first, found)
        viewed = liveness.viewed.get(buffer, buffer.first)
        if len(ranges) < 2 or viewed > min(part.time for part in ranges):
            continue
        split.add(id(buffer))
        buffer.size, buffer.last = ranges[0].end, ranges[0].time
        for part in ranges[1:]:
            rest = Buffer(part.end - part.start, buffer.first, part.time, [], 1)
            liveness.buffers.append(rest)
            liveness.insides.append(Inside(rest, buffer, part.start))
            liveness.take_overs += [
                TakeOver(over.buffer, rest, over.delta + part.start)
                for over in liveness.take_overs
                if over.successor is buffer
            ]
    liveness.take_overs = [t for t in liveness.take_overs if id(t.buffer) not in split]
    return bool(split)
