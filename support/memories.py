"""How much memory a board has: `flash=1M,sram=256K,dtcm=64K`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cmopt.support.diagnostics import CompileError
from cmopt.support.names import unknown_name

REGIONS = ("flash", "sram", "dtcm")
"""Where a program is: its constants in flash, what it writes in sram. The values that it reads and
writes most are in dtcm, a small and fast memory, if the board has one."""

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True)
class Memories:
    """The bytes of each region; None for flash and sram without a limit, and for no dtcm."""

    flash: int | None = None
    sram: int | None = None
    dtcm: int | None = None


def parse_size(text: str) -> int:
    """A number of bytes; K, M and G are powers of 1,024. Raises CompileError."""
    match = re.fullmatch(r"\s*(\d+)\s*([KMG]?)(?:i?B)?\s*", text)
    if match is None:
        raise CompileError(f"{text.strip()!r} is not a size", hint="write it as 320000 or 320K")
    return int(match[1]) * _UNITS[match[2]]


def parse_memories(text: str) -> Memories:
    """Sizes of regions, with commas between them; K, M and G are powers of 1,024.

    Raises CompileError for another region, a size that is not a number, and a region that is given
    twice.
    """
    sizes: dict[str, int] = {}
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\w+)\s*=\s*(\d+)\s*([KMG]?)(?:i?B)?\s*", part)
        if match is None:
            hint = "write regions as in flash=1M,sram=256K"
            raise CompileError(f"{part.strip()!r} is not a memory size", hint=hint)
        region, number, unit = match.groups()
        if region not in REGIONS:
            raise unknown_name("memory", region, REGIONS)
        if region in sizes:
            raise CompileError(f"the memory {region!r} is given twice")
        sizes[region] = int(number) * _UNITS[unit]
    return Memories(**sizes)
