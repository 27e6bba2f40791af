"""Target names: cores, suffixes, and what is refused."""

from __future__ import annotations

import pytest

from cmopt.pipeline.diagnostics import CompileError
from cmopt.pipeline.targets import Isa, get_target, target_names


@pytest.mark.parametrize(
    ("name", "isa"),
    [
        ("cortex-m0", Isa.SCALAR),
        ("cortex-m0plus", Isa.SCALAR),
        ("cortex-m3", Isa.SCALAR),
        ("cortex-m4", Isa.DSP),
        ("cortex-m7", Isa.DSP),
        ("cortex-m23", Isa.SCALAR),
        ("cortex-m33", Isa.DSP),
        ("cortex-m33+nodsp", Isa.SCALAR),
        ("cortex-m35p", Isa.DSP),
        ("cortex-m52", Isa.MVE),
        ("cortex-m55", Isa.MVE),
        ("cortex-m55+nomve", Isa.DSP),
        ("cortex-m55+nodsp", Isa.SCALAR),
        ("cortex-m85+nomve+nodsp", Isa.SCALAR),
    ],
)
def test_instruction_sets(name: str, isa: Isa) -> None:
    assert get_target(name).isa is isa


def test_every_core_is_a_target() -> None:
    assert [get_target(name).name for name in target_names()] == list(target_names())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cortex-m56", "unknown target 'cortex-m56'; did you mean"),
        ("avr", "unknown target 'avr'; known targets: cortex-m0, "),
        ("cortex-m55+mve", r"unknown suffix \+mve.*; one of \+nomve, \+nodsp"),
        ("cortex-m7+nomve", "there is no MVE to leave out; cortex-m7 has DSP"),
        ("cortex-m3+nodsp", "there is no DSP to leave out; cortex-m3 has SCALAR"),
        ("cortex-m55+nomve+nomve", "there is no MVE to leave out"),
        ("cortex-m55+", r"unknown suffix \+ in"),
    ],
)
def test_what_is_refused(name: str, message: str) -> None:
    with pytest.raises(CompileError, match=message):
        get_target(name)
