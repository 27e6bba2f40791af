"""Target names: cores, suffixes, and names that are refused."""

from __future__ import annotations

import pytest

from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import NPUS, Isa, Npu, Target, get_target, target_names


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
    target = get_target(name)
    assert target.isa is isa
    assert target.npu is None


@pytest.mark.parametrize(
    ("name", "isa", "npu"),
    [
        ("cortex-m55+ethos-u55-128", Isa.MVE, Npu("ethos-u55-128", "u55", macs=128)),
        ("cortex-m55+nomve+ethos-u55-32", Isa.DSP, Npu("ethos-u55-32", "u55", macs=32)),
        ("cortex-m55+ethos-u55-256+nomve", Isa.DSP, Npu("ethos-u55-256", "u55", macs=256)),
        ("cortex-m33+ethos-u65-512", Isa.DSP, Npu("ethos-u65-512", "u65", macs=256, cores=2)),
        (
            "cortex-m85+nomve+ethos-u85-2048+nodsp",
            Isa.SCALAR,
            Npu("ethos-u85-2048", "u85", macs=2048),
        ),
    ],
)
def test_npus(name: str, isa: Isa, npu: Npu) -> None:
    assert get_target(name) == Target(name, isa, npu)


def test_every_npu_is_one_that_vela_knows() -> None:
    from ethosu.vela.architecture_features import Accelerator

    assert sorted(NPUS) == sorted(Accelerator.member_list())


@pytest.mark.parametrize("npu", NPUS.values(), ids=NPUS)
def test_npu_is_configured_as_vela_configures_it(npu: Npu) -> None:
    from importlib.resources import files

    from ethosu.vela.architecture_features import ArchitectureFeatures

    architecture = ArchitectureFeatures(
        vela_config_files=[str(files("ethosu") / "config_files" / "Arm" / "vela.ini")],
        accelerator_config=npu.name,
        system_config=npu.defaults.system_config,
        memory_mode=npu.defaults.memory_mode,
        max_blockdep=3,
        verbose_config=False,
        arena_cache_size=None,
    )
    assert npu.macs == architecture.num_macs_per_cycle
    assert npu.cores == architecture.ncores
    assert npu.defaults.arena_size_limit == architecture.arena_cache_size


def test_every_core_is_a_target() -> None:
    assert [get_target(name).name for name in target_names()] == list(target_names())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cortex-m56", "unknown target 'cortex-m56'; did you mean"),
        ("cortex-a53", "unknown target 'cortex-a53'; one of cortex-m0, "),
        ("Cortex-M55", "unknown target 'Cortex-M55'; did you mean 'cortex-m55'?"),
        ("avr", "unknown target 'avr'; one of cortex-m0, "),
        ("cortex-m55+mve", r"unknown suffix \+mve.*; one of \+nomve, \+nodsp"),
        ("cortex-m7+nomve", "there is no MVE to leave out; cortex-m7 has DSP"),
        ("cortex-m3+nodsp", "there is no DSP to leave out; cortex-m3 has SCALAR"),
        ("cortex-m55+nomve+nomve", "there is no MVE to leave out"),
        ("cortex-m55+", r"unknown suffix \+ in"),
        ("ethos-u55-128", r"unknown target 'ethos-u55-128'; name the core too, as in cortex-m55\+"),
        (
            "cortex-m55+ethos-u55-100",
            r"unknown NPU \+ethos-u55-100 in target 'cortex-m55\+ethos-u55-100'; "
            r"did you mean '\+ethos-u55-128'\?",
        ),
        ("cortex-m55+ethos-u99", r"unknown NPU \+ethos-u99 .*; one of \+ethos-u55-32, .*-2048"),
        ("cortex-m55+ethos-u55-128+ethos-u55-128", "has 2 NPUs; a target has at most one"),
        ("cortex-m55+ethos-u55-128+ethos-u65-256", "has 2 NPUs; a target has at most one"),
        ("cortex-m7+ethos-u55-128+nomve", "there is no MVE to leave out; cortex-m7 has DSP"),
    ],
)
def test_what_is_refused(name: str, message: str) -> None:
    with pytest.raises(CompileError, match=message):
        get_target(name)
