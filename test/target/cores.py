"""The emulated cores: compiler flags, QEMU machine, memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Memory:
    """A region of a machine's address space, in bytes."""

    origin: int
    bytes: int


@dataclass(frozen=True)
class Core:
    """A core, by the name of the compiler's target, and a QEMU machine that has it."""

    target: str
    flags: tuple[str, ...]
    machine: str
    code: Memory
    ram: Memory


_MPS2 = {"code": Memory(0x0000_0000, 4 << 20), "ram": Memory(0x2000_0000, 4 << 20)}
_AN505 = {"code": Memory(0x1000_0000, 4 << 20), "ram": Memory(0x3800_0000, 4 << 20)}
_AN547 = {"code": Memory(0x0000_0000, 512 << 10), "ram": Memory(0x2100_0000, 4 << 20)}
_HARD = "-mfloat-abi=hard"

CORES = {
    core.target: core
    for core in (
        Core("cortex-m3", ("-mfloat-abi=soft",), "mps2-an385", **_MPS2),
        Core("cortex-m4", (_HARD, "-mfpu=fpv4-sp-d16"), "mps2-an386", **_MPS2),
        Core("cortex-m7", (_HARD, "-mfpu=fpv5-d16"), "mps2-an500", **_MPS2),
        Core("cortex-m33", (_HARD, "-mfpu=fpv5-sp-d16"), "mps2-an505", **_AN505),
        Core("cortex-m55", (_HARD,), "mps3-an547", **_AN547),
    )
}
"""By target name: one core without FPU, two of single precision, one of double, one with MVE."""
