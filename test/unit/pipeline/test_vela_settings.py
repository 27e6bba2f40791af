"""The memories of an NPU: from the user's choice to what Vela compiles for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from executorch.backends.arm.arm_vela import vela_compile
from xdsl.dialects.builtin import ModuleOp

import cmopt
from cmopt.codegen.tosa_flatbuffer import serialize
from cmopt.codegen.vela import compile_stream
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.parsing import make_context
from cmopt.pipeline import cm_compile
from cmopt.pipeline.passes import parse_pipeline
from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import NPUS
from cmopt.support.vela_settings import STANDARD, VelaChoice, VelaSettings, standard_config

U55, U65, U85 = (NPUS[f"ethos-{name}"] for name in ("u55-128", "u65-256", "u85-256"))
TARGET = "cortex-m55+ethos-u55-128"


@pytest.fixture(scope="module")
def exported() -> torch.export.ExportedProgram:
    x = torch.randn(1, 3, 8, 8)
    return cmopt.quantize(torch.nn.Conv2d(3, 8, 3).eval(), (x,), target=TARGET)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of the user's own: flash of half the bandwidth, under another name."""
    text = standard_config()
    start = text.index("[System_Config.Ethos_U55_High_End_Embedded]")
    section = text[start : text.index("[", start + 1)]
    slow = section.replace("Ethos_U55_High_End_Embedded", "My_Board")
    assert "OffChipFlash_clock_scale=0.125" in slow
    slow = slow.replace("OffChipFlash_clock_scale=0.125", "OffChipFlash_clock_scale=0.0625")
    path = tmp_path / "board.ini"
    path.write_text(f"{text}\n{slow}")
    return path


def test_the_choice_is_in_the_ir_and_reaches_vela(
    exported: torch.export.ExportedProgram, config: Path
) -> None:
    default = cmopt.compile(exported, target=TARGET)
    chosen = cmopt.compile(exported, target=TARGET, memory_mode="Sram_Only")
    for stage in ("ethos_u", "cortex_m", "planned"):
        assert 'ethos_u.memory_mode = "Sram_Only"' in chosen.ir(stage), stage
        assert "memory_mode" not in default.ir(stage)
    assert b"--memory-mode=Shared_Sram" in default.pte
    assert b"--memory-mode=Sram_Only" in chosen.pte
    assert default.report.delegates[0].figures.flash_bytes > 0
    assert chosen.report.delegates[0].figures.flash_bytes == 0

    own = cmopt.compile(exported, target=TARGET, system_config="My_Board", vela_config=str(config))
    (delegate,) = (op for op in own.modules["planned"].walk() if isinstance(op, DelegateOp))
    assert delegate.settings == VelaSettings("My_Board", "", config.read_text())
    assert own.report.npu_cycles != default.report.npu_cycles
    # Vela's own command line makes the same of the same file.
    flags = [f.replace("vela.ini", str(config)) for f in delegate.settings.flags_for(U55)]
    flatbuffer = serialize(delegate)
    theirs = vela_compile(flatbuffer, flags).processed_bytes
    assert compile_stream(flatbuffer, U55, delegate.settings).data == theirs


def test_the_tool_takes_it_too(
    exported: torch.export.ExportedProgram, config: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    torch.export.save(exported, tmp_path / "m.pt2")
    arguments = [
        str(tmp_path / "m.pt2"), "--target", TARGET, "-o", str(tmp_path / "m.pte"),
        "--vela-config", str(config), "--system-config", "My_Board", "--memory-mode", "Sram_Only",
    ]  # fmt: skip
    assert cm_compile.main(arguments) == 0, capsys.readouterr().err
    own = cmopt.compile(
        exported, target=TARGET, system_config="My_Board", memory_mode="Sram_Only",
        vela_config=str(config),
    )  # fmt: skip
    assert (tmp_path / "m.pte").read_bytes() == own.pte


def test_the_limit_of_the_arena_is_that_of_the_memory_mode() -> None:
    for npu, mode, limit in (
        (U55, "", 1 << 32), (U65, "", 384 << 10), (U85, "", 1 << 40),
        (U65, "Dedicated_Sram_512KB", 512 << 10), (U65, "Dedicated_Sram", 1 << 32),
        (U85, "Dedicated_Sram_256KB", 256 << 10), (U55, "Sram_Only", 1 << 32),
    ):  # fmt: skip
        assert VelaSettings(memory_mode=mode).arena_size_limit(npu) == limit
    # The table of families says what the file says.
    for npu in (U55, U65, U85):
        named = VelaSettings(memory_mode=npu.defaults.memory_mode)
        assert named.arena_size_limit(npu) == npu.defaults.arena_size_limit


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (VelaChoice("Ethos_U55_High_End"), f"'{STANDARD}' has no System_Config "
         "'Ethos_U55_High_End'; one of Ethos_U55_Deep_Embedded, Ethos_U55_High_End_Embedded"),
        (VelaChoice(memory_mode="sram_only"), "has no Memory_Mode 'sram_only'; did you mean "
         "'Sram_Only'?"),
        (VelaChoice(path="none.ini"), "cannot read 'none.ini': No such file"),
        (VelaChoice(path="/dev/null"), "cannot read '/dev/null': not a file"),
    ],
)  # fmt: skip
def test_errors(choice: VelaChoice, message: str) -> None:
    with pytest.raises(CompileError) as caught:
        choice.settings(U55)
    assert message in str(caught.value)


def test_a_file_that_is_no_configuration(tmp_path: Path) -> None:
    for text, message in (
        ("hello\n", "is not a configuration of Vela: File contains no section headers"),
        ("[a]\nb=1\n", "has no System_Config 'Ethos_U55_High_End_Embedded'"),
        ("\udcff", "cannot read"),
    ):
        (tmp_path / "x.ini").write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(CompileError, match=message):
            VelaChoice(path=str(tmp_path / "x.ini")).settings(U55)


def test_the_pass_knows_which_npu_it_chooses_for() -> None:
    (pass_,) = parse_pipeline('delegate-to-ethos-u{npu="ethos-u55-12" memory-mode="Sram_Only"}')
    with pytest.raises(CompileError, match="unknown NPU 'ethos-u55-12'; did you mean"):
        pass_.apply(make_context(), ModuleOp([]))


def test_a_core_alone_has_no_such_choice() -> None:
    with pytest.raises(CompileError, match="are for an NPU; name a target with one"):
        VelaChoice(memory_mode="Sram_Only").settings(None)
    assert VelaChoice().settings(None) == VelaSettings()
