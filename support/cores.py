"""The cores as GCC knows them, and QEMU's machines that run their code."""

from __future__ import annotations

from dataclasses import dataclass

from cmopt.support.targets import get_target


@dataclass(frozen=True)
class Memory:
    """A region of a machine's address space, in bytes."""

    origin: int
    bytes: int


@dataclass(frozen=True)
class Machine:
    """A machine of QEMU, by its name: the address of the vectors, and where code and data go."""

    name: str
    start: int
    code: Memory
    ram: Memory


@dataclass(frozen=True)
class Core:
    """How code for a core is compiled, and the machine that runs it.

    target: a name of `cmopt.support.targets`, without an NPU. flags: the options of GCC.
    """

    target: str
    flags: tuple[str, ...]
    machine: Machine


_VECTORS = 1 << 10
_CODE, _RAM = Memory(_VECTORS, (4 << 20) - _VECTORS), Memory(0x2000_0000, 4 << 20)
_M3 = Machine("mps2-an385", 0, _CODE, _RAM)
_M4 = Machine("mps2-an386", 0, _CODE, _RAM)
_M7 = Machine("mps2-an500", 0, _CODE, _RAM)
_M33 = Machine(
    "mps2-an505",
    0x1000_0000,
    Memory(0x1000_0000 + _VECTORS, (4 << 20) - _VECTORS),
    Memory(0x3800_0000, 4 << 20),
)
# The memory at 0 has 512 KB only, so code is in DDR.
_M55 = Machine("mps3-an547", 0, Memory(0x6000_0000, 64 << 20), Memory(0x2100_0000, 4 << 20))

_SOFT, _HARD = "-mfloat-abi=soft", "-mfloat-abi=hard"

_CORES: dict[str, tuple[str, tuple[str, ...], Machine]] = {
    "cortex-m0": ("cortex-m0", (_SOFT,), _M3),
    "cortex-m0plus": ("cortex-m0plus", (_SOFT,), _M3),
    "cortex-m3": ("cortex-m3", (_SOFT,), _M3),
    "cortex-m4": ("cortex-m4", (_HARD, "-mfpu=fpv4-sp-d16"), _M4),
    "cortex-m7": ("cortex-m7", (_HARD, "-mfpu=fpv5-d16"), _M7),
    "cortex-m23": ("cortex-m23", (_SOFT,), _M33),
    "cortex-m33": ("cortex-m33", (_HARD, "-mfpu=fpv5-sp-d16"), _M33),
    "cortex-m35p": ("cortex-m35p", (_HARD, "-mfpu=fpv5-sp-d16"), _M33),
    "cortex-m52": ("cortex-m55", (_HARD,), _M55),
    "cortex-m55": ("cortex-m55", (_HARD,), _M55),
    "cortex-m85": ("cortex-m55", (_HARD,), _M55),
}
"""For each core: GCC's name of it (that of the M55 where GCC 12 does not know the core, whose
instructions are the same), the float options, and a machine that has all of its instructions."""

EMULATED = ("cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
"""One core without FPU, two of single precision, one of double, one with MVE, each on its own
machine."""


def core_of(target: str) -> Core:
    """The core of a target's name; suffixes such as +nomve are passed to GCC, an NPU is left out.

    Raises CompileError for an unknown target.
    """
    get_target(target)
    name, *suffixes = target.split("+")
    kept = [suffix for suffix in suffixes if not suffix.startswith("ethos")]
    gcc, flags, machine = _CORES[name]
    cpu = "+".join([gcc, *kept])
    return Core("+".join([name, *kept]), (f"-mcpu={cpu}", "-mthumb", *flags), machine)


MACHINE_PARTS = ("console", "semihosting", "startup")
"""The sources of `kernels/machine` for a bare core."""

LINK_FLAGS = ("-nostartfiles", "--specs=nano.specs", "--specs=nosys.specs", "-Wl,--gc-sections")
"""GCC's options to link for a bare core, without those of the machine."""


def link_symbols(core: Core) -> list[str]:
    """GCC's options that tell `kernels/machine/link.ld` where code and data go."""
    symbols = {
        "START_ORIGIN": core.machine.start,
        "CODE_ORIGIN": core.machine.code.origin,
        "CODE_BYTES": core.machine.code.bytes,
        "RAM_ORIGIN": core.machine.ram.origin,
        "RAM_BYTES": core.machine.ram.bytes,
    }
    return [f"-Wl,--defsym={name}={value:#x}" for name, value in symbols.items()]


def emulator_options(core: Core) -> list[str]:
    """QEMU's options to run an image with a console and files on the host."""
    return [
        *("-M", core.machine.name, "-nographic", "-monitor", "none", "-serial", "none"),
        *("-semihosting-config", "enable=on,target=native"),
    ]
