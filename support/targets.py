"""The targets: a Cortex-M core, the instruction set of its kernels, and its NPU."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from cmopt.support.diagnostics import CompileError
from cmopt.support.names import names_hint, unknown_name


class Isa(Enum):
    """The CMSIS-NN build that runs. Scratch sizes and the bias of a linear depend on it."""

    SCALAR = "scalar"
    DSP = "dsp"
    MVE = "mve"


@dataclass(frozen=True)
class NpuFamily:
    """The properties that all sizes of one Ethos-U share.

    system_config, memory_mode: sections of Vela's `Arm/vela.ini`, ExecuTorch's defaults.
    arena_size_limit: bytes that the scheduler may use for feature maps: the limit of that memory
    mode, or the whole address space.
    tosa_extensions: what a TOSA graph for it may use besides the integer profile.
    """

    accelerator: str
    system_config: str
    memory_mode: str
    arena_size_limit: int
    tosa_extensions: tuple[str, ...]


@dataclass(frozen=True)
class Npu:
    """An Ethos-U of one size: `name` as Vela spells it, "ethos-u55-128"; `family` "u55".

    macs: multiply-accumulates of a core per cycle.
    """

    name: str
    family: str
    macs: int
    cores: int = 1

    @property
    def defaults(self) -> NpuFamily:
        """The properties of its family."""
        return NPU_FAMILIES[self.family]

    @property
    def tosa_spec(self) -> str:
        """The TOSA version and extensions of a graph for it, as ExecuTorch spells them."""
        return "+".join(("TOSA-1.0", "INT", *self.defaults.tosa_extensions))


@dataclass(frozen=True)
class Target:
    """A core by name, the instruction set of its CMSIS-NN build, and the NPU next to it."""

    name: str
    isa: Isa
    npu: Npu | None = None


NPU_FAMILIES: dict[str, NpuFamily] = {
    "u55": NpuFamily(
        "EthosU55",
        "Ethos_U55_High_End_Embedded",
        "Shared_Sram",
        1 << 32,
        ("int16", "int4", "u55"),
    ),
    "u65": NpuFamily(
        "EthosU65",
        "Ethos_U65_High_End",
        "Dedicated_Sram_384KB",
        384 << 10,
        ("int16", "int4", "u55"),
    ),
    "u85": NpuFamily(
        "EthosU85",
        "Ethos_U85_SYS_DRAM_Mid",
        "Sram_Only",
        1 << 40,
        ("int16", "int4", "cf"),
    ),
}

NPUS: dict[str, Npu] = {
    npu.name: npu
    for npu in (
        *(Npu(f"ethos-u55-{macs}", "u55", macs) for macs in (32, 64, 128, 256)),
        Npu("ethos-u65-256", "u65", 256),
        Npu("ethos-u65-512", "u65", 256, cores=2),
        *(Npu(f"ethos-u85-{macs}", "u85", macs) for macs in (128, 256, 512, 1024, 2048)),
    )
}
"""Every configuration of Vela, by its name."""


STOCK, OWN = "stock", "cmopt"

KERNEL_LIBRARIES = (STOCK, OWN)
"""Operator libraries a program may call.

"stock": the operators of ExecuTorch's device build. "cmopt": these, and the operators `cmopt::…` of
this project, which compute with int16 activations. They are linked in addition.
"""


def check_kernels(name: str) -> None:
    """Raises CompileError if there is no operator library of this name."""
    if name not in KERNEL_LIBRARIES:
        raise unknown_name("kernels", name, KERNEL_LIBRARIES)


_CORES: dict[str, Isa] = {
    "cortex-m0": Isa.SCALAR,
    "cortex-m0plus": Isa.SCALAR,
    "cortex-m3": Isa.SCALAR,
    "cortex-m4": Isa.DSP,
    "cortex-m7": Isa.DSP,
    "cortex-m23": Isa.SCALAR,
    "cortex-m33": Isa.DSP,
    "cortex-m35p": Isa.DSP,
    "cortex-m52": Isa.MVE,
    "cortex-m55": Isa.MVE,
    "cortex-m85": Isa.MVE,
}
"""Cores with their largest instruction set. Vendors may leave out Armv8-M extensions."""

_WITHOUT: dict[str, tuple[Isa, Isa]] = {
    "nomve": (Isa.MVE, Isa.DSP),
    "nodsp": (Isa.DSP, Isa.SCALAR),
}
"""The instruction set that a suffix removes, and the one left. Spelled as in GCC's -mcpu."""


def target_names() -> tuple[str, ...]:
    """The cores, without suffixes."""
    return tuple(_CORES)


def get_target(name: str) -> Target:
    """The target of a name like "cortex-m55", "cortex-m55+nomve" (an M55 built without MVE) or
    "cortex-m55+ethos-u55-128"; the order of the suffixes does not matter.

    Raises CompileError, with a hint, for an unknown core, suffix or NPU, for a second NPU, and for
    a suffix that removes an instruction set that the core does not have.
    """
    core, *suffixes = name.split("+")
    if core not in _CORES:
        raise CompileError(f"unknown target {name!r}", hint=_hint_for_core(core))
    npus = [s for s in suffixes if s.startswith("ethos")]
    if len(npus) > 1:
        raise CompileError(f"target {name!r} has {len(npus)} NPUs", hint="a target has at most one")
    isa = _isa(name, core, [s for s in suffixes if s not in npus])
    return Target(name, isa, _npu(name, npus[0]) if npus else None)


def _hint_for_core(core: str) -> str:
    if core in NPUS:
        return f"name the core too, as in cortex-m55+{core}"
    return names_hint(core, _CORES)


def _isa(name: str, core: str, suffixes: list[str]) -> Isa:
    """The core's instruction set after `suffixes`, in any order."""
    isa = _CORES[core]
    order = list(Isa)
    for suffix in suffixes:
        if suffix not in _WITHOUT:
            known = [f"+{s}" for s in _WITHOUT]
            listed = f"one of {', '.join(known)}, or an NPU like +ethos-u55-128"
            raise CompileError(
                f"unknown suffix +{suffix} in target {name!r}",
                hint=names_hint(f"+{suffix}", known, listed),
            )
        taken, left = _WITHOUT[suffix]
        if order.index(isa) < order.index(taken):
            raise CompileError(
                f"target {name!r}: there is no {taken.name} to leave out",
                hint=f"{core} has {_CORES[core].name}",
            )
        isa = left
    return isa


def _npu(name: str, npu: str) -> Npu:
    if npu not in NPUS:
        known = [f"+{each}" for each in NPUS]
        hint = names_hint(f"+{npu}", known)
        raise CompileError(f"unknown NPU +{npu} in target {name!r}", hint=hint)
    return NPUS[npu]
