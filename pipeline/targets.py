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


_CORES: dict[str, Isa] = {
    "cortex-m0": Isa.SCALAR,
    "cortex-m0plus": Isa.SCALAR,
    "cortex-m3": Isa.SCALAR,
    "cortex-m4": Isa.DSP,
    "cortex-m7": Isa.DSP,
    "cortex-m23": Isa.SCALAR,
    "cortex-m33": Isa.DSP,
    "cortex-m35p": Isa.DSP,
    "cortex-m55": Isa.MVE,
    "cortex-m85": Isa.MVE,
}


def target_names() -> tuple[str, ...]:
    """Every name `get_target` knows."""
    return tuple(_CORES)


def get_target(name: str) -> Target:
    """The target of that name. Raises `CompileError` naming the closest one there is."""
    if name in _CORES:
        return Target(name, _CORES[name])
    close = difflib.get_close_matches(name, _CORES, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known targets: {', '.join(_CORES)}"
    raise CompileError(f"unknown target {name!r}", hint=hint)
