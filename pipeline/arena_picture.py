"""The arena as a picture of characters: addresses upwards, time to the right."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation

from cmopt.codegen.arena_map import ArenaBlock, ArenaMap, arena_map
from cmopt.dialects.cortex_m import ScratchOp

SHADES = "█▓▒░"
"""Blocks that touch have different shades, as far as four are enough."""
ROWS = 16
"""The height of the picture."""
MOST_NAMES = 8
"""Blocks that the list of the peak has, at most."""


def arena_picture(func: FuncOp, width: int) -> str:
    """The arena of a planned function in lines of at most `width` characters, 40 at least.

    A column of characters is one step or, of a long program, the one with the most live bytes of
    several steps. Below the picture, the largest values at the peak are listed.
    """
    found = arena_map(func)
    if not found.size:
        return "the arena is empty"
    margin = len(f"{found.size:,}") + 1
    columns = _columns(found, max(width, 40) - margin - 1)
    shades = _shades(found.blocks)
    picture = []
    for row in reversed(range(ROWS)):
        low, high = row * found.size // ROWS, (row + 1) * found.size // ROWS
        line = "".join(_cell(found, column, low, high, shades) for column in columns)
        label = f"{high:,}" if row % 4 == 3 else ""
        picture.append(f"{label:>{margin - 1}} │{line}")
    scale = max(1, (width - margin - 1) // len(columns))
    if scale > 1:
        picture = [line[: margin + 1] + "".join(c * scale for c in line[margin + 1 :])
                   for line in picture]  # fmt: skip
    at = next(i for i, column in enumerate(columns) if column >= found.peak)
    mark = " " * (margin + 1 + at * scale) + "▲" * scale
    picture.append(" " * margin + "└" + "─" * (len(columns) * scale))
    return "\n".join([*picture, mark, *_at_peak(found)])


def _columns(found: ArenaMap, room: int) -> list[int]:
    """The steps that the picture shows: all, or of each group the one with the most live bytes."""
    count = len(found.columns)
    parts = min(count, room)
    borders = [part * count // parts for part in range(parts + 1)]
    return [
        max(range(low, high), key=lambda column: (found.live[column], -column))
        for low, high in pairwise(borders)
    ]


def _shades(blocks: Sequence[ArenaBlock]) -> dict[ArenaBlock, str]:
    """A shade for each block that differs from those before it which it touches."""
    chosen: dict[ArenaBlock, str] = {}
    for block in blocks:
        near = {shade for other, shade in chosen.items() if _touch(block, other)}
        free = [shade for shade in SHADES if shade not in near]
        chosen[block] = free[0] if free else SHADES[len(chosen) % len(SHADES)]
    return chosen


def _touch(a: ArenaBlock, b: ArenaBlock) -> bool:
    """Whether two blocks share a border, with a little room: cells are larger than bytes."""
    gap = max(a.size, b.size) // 2
    in_time = a.first <= b.last + 1 and b.first <= a.last + 1
    return in_time and a.offset <= b.offset + b.size + gap and b.offset <= a.offset + a.size + gap


def _cell(found: ArenaMap, column: int, low: int, high: int,
          shades: dict[ArenaBlock, str]) -> str:  # fmt: skip
    """The shade of the block that fills most of some bytes at a step, or a blank."""
    best, most = " ", 0
    for block in found.blocks:
        if block.first <= column <= block.last:
            shared = min(high, block.offset + block.size) - max(low, block.offset)
            if shared > 0 and shared >= most:
                best, most = shades[block], shared
    return best


def _at_peak(found: ArenaMap) -> list[str]:
    """The largest values at the peak, with their bytes and places."""
    op = found.columns[found.peak]
    where = op.name if op is not None else "the inputs"
    live = [b for b in found.blocks if b.first <= found.peak <= b.last]
    live.sort(key=lambda block: -block.size)
    lines = [f"peak: {found.live[found.peak]:,} bytes hold a value at {where}"]
    shades = _shades(found.blocks)
    for block in live[:MOST_NAMES]:
        what = "scratch" if isinstance(block.value.owner, ScratchOp) else _name(block)
        lines.append(
            f"  {shades[block]} {block.size:>10,} bytes at {block.offset:>9,}, {what}"
            + (", state" if block.is_kept else "")
        )
    rest = live[MOST_NAMES:]
    if rest:
        lines.append(f"    {sum(b.size for b in rest):>10,} bytes of {len(rest)} others")
    return lines


def _name(block: ArenaBlock) -> str:
    owner, hint = block.value.owner, block.value.name_hint
    name = f"%{hint}" if hint else "result"
    return f"{name} of {owner.name}" if isinstance(owner, Operation) else f"{name}, an argument"
