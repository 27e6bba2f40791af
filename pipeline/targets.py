"""The targets: a Cortex-M core and the instruction set its kernels are built for."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import Enum

from cmopt.pipeline.diagnostics import CompileError


class Isa(Enum):
    """Which of CMSIS-NN's builds runs; scratch sizes and linear's bias depend on it."""

    SCALAR = "scalar"
    DSP = "dsp"
    MVE = "mve"


@dataclass(frozen=True)
class Target:
    """A core by name, and the instruction set its CMSIS-NN is built for."""

    name: str
    isa: Isa


KERNEL_LIBRARIES = ("stock",)
"""Operator libraries a program may call: "stock" is what ExecuTorch's own device build has."""

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
"""Each core with what it has at most; the extensions of Armv8-M cores are the vendor's choice."""

_WITHOUT: dict[str, tuple[Isa, Isa]] = {
    "nomve": (Isa.MVE, Isa.DSP),
    "nodsp": (Isa.DSP, Isa.SCALAR),
}
"""What a suffix takes away, and what is left; spelled as in GCC's -mcpu."""


def target_names() -> tuple[str, ...]:
    """The cores, without suffixes."""
    return tuple(_CORES)


def get_target(name: str) -> Target:
    """The target of a name like "cortex-m55" or "cortex-m55+nomve" (an M55 built without MVE).

    Raises CompileError, naming what there is, for a core or a suffix that does not exist and for
    a suffix that takes away what the core does not have.
    """
    core, *suffixes = name.split("+")
    if core not in _CORES:
        close = difflib.get_close_matches(core, _CORES, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known targets: {', '.join(_CORES)}"
        raise CompileError(f"unknown target {name!r}", hint=hint)
    isa = _CORES[core]
    for suffix in suffixes:
        if suffix not in _WITHOUT:
            known = ", ".join(f"+{s}" for s in _WITHOUT)
            raise CompileError(
                f"unknown suffix +{suffix} in target {name!r}", hint=f"one of {known}"
            )
        taken, left = _WITHOUT[suffix]
        order = list(Isa)
        if order.index(isa) < order.index(taken):
            raise CompileError(
                f"target {name!r}: there is no {taken.name} to leave out",
                hint=f"{core} has {_CORES[core].name}",
            )
        isa = left
    return Target(name, isa)
