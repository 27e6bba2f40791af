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
    """Planned memory in lines of at most `width` characters, 40 at least: the arena, and then the
    fast memory if the function uses any.

    A column of characters is one step or, of a long program, the one with the most live bytes of
    several steps. Below the picture, the largest values at the peak are listed.
    """
    picture = _picture(arena_map(func), max(width, 40)) or "the arena is empty"
    fast = _picture(arena_map(func, "dtcm"), max(width, 40))
    return f"{picture}\ndtcm\n{fast}" if fast else picture


def _picture(found: ArenaMap, width: int) -> str:
    """One region; an empty text if it has no bytes."""
    if not found.size:
        return ""
    margin = len(f"{found.size:,}") + 1
    columns = _columns(found, width - margin - 1)
    scale = (width - margin - 1) // len(columns)
    shades = _shades(found.blocks)
    live = [_live(found, column) for column in columns]
    lines = []
    for row in reversed(range(ROWS)):
        low, high = row * found.size // ROWS, (row + 1) * found.size // ROWS
        label = f"{high:,}" if row % 4 == 3 else ""
        cells = "".join(_cell(blocks, low, high, shades) * scale for blocks in live)
        lines.append(f"{label:>{margin - 1}} │{cells}")
    lines.append(" " * margin + "└" + "─" * (len(columns) * scale))
    lines.append(" " * (margin + 1 + columns.index(found.peak) * scale) + "▲" * scale)
    lines += _at_peak(found, shades)
    return "\n".join(line if len(line) <= width else f"{line[: width - 1]}…" for line in lines)


def _columns(found: ArenaMap, room: int) -> list[int]:
    """The steps that the picture shows: all, or of each group the one with the most live bytes."""
    count = len(found.columns)
    parts = min(count, room)
    borders = [part * count // parts for part in range(parts + 1)]
    return [
        max(range(low, high), key=lambda column: (found.live[column], -column))
        for low, high in pairwise(borders)
    ]


def _live(found: ArenaMap, column: int) -> list[ArenaBlock]:
    return [block for block in found.blocks if block.first <= column <= block.last]


def _shades(blocks: Sequence[ArenaBlock]) -> dict[ArenaBlock, str]:
    """A shade for each block that differs from those before it which it touches.

    blocks: in order of their first column.
    """
    chosen: dict[ArenaBlock, str] = {}
    before: list[ArenaBlock] = []
    for block in blocks:
        before = [other for other in before if other.last + 1 >= block.first]
        near = {chosen[other] for other in before if _touch(block, other)}
        free = [shade for shade in SHADES if shade not in near]
        chosen[block] = free[0] if free else SHADES[len(chosen) % len(SHADES)]
        before.append(block)
    return chosen


def _touch(a: ArenaBlock, b: ArenaBlock) -> bool:
    """Whether the addresses of two blocks are next to each other, with some room between them
    because cells are larger than bytes."""
    gap = max(a.size, b.size) // 2
    return a.offset <= b.offset + b.size + gap and b.offset <= a.offset + a.size + gap


def _cell(blocks: Sequence[ArenaBlock], low: int, high: int, shades: dict[ArenaBlock, str]) -> str:
    """The shade of the block that fills most of the bytes `low … high`, or a blank."""
    best, most = " ", 0
    for block in blocks:
        shared = min(high, block.offset + block.size) - max(low, block.offset)
        if shared > 0 and shared >= most:
            best, most = shades[block], shared
    return best


def _at_peak(found: ArenaMap, shades: dict[ArenaBlock, str]) -> list[str]:
    """The largest values at the peak, with their bytes and places."""
    op = found.columns[found.peak]
    where = op.name if op is not None else "the inputs"
    live = sorted(_live(found, found.peak), key=lambda block: -block.size)
    lines = [f"peak: {found.live[found.peak]:,} bytes hold a value at {where}"]
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
