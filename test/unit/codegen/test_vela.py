"""Vela gives the same bytes as in ExecuTorch's own backend, and figures that add up."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from executorch.backends.arm.arm_vela import vela_compile
from xdsl.dialects.test import TestOp

from cmopt.codegen.vela import compile_stream
from cmopt.codegen.vela_stream import parse_stream
from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import NPUS, Npu
from cmopt.support.vela_settings import VelaSettings

sys.path.insert(0, str(Path(__file__).parents[1]))
from tosa_graphs import GRAPHS, bad_pool, convolutions, reversed_channels, sum_of_two

U55 = NPUS["ethos-u55-128"]


def flags(npu: Npu, settings: VelaSettings | None = None) -> list[str]:
    return list((settings or VelaSettings()).flags_for(npu))


@pytest.mark.parametrize("npu", NPUS)
@pytest.mark.parametrize("graph", GRAPHS)
def test_bytes_are_those_of_executorch(graph: str, npu: str) -> None:
    flatbuffer = GRAPHS[graph]()
    stream = compile_stream(flatbuffer, NPUS[npu])
    assert stream.data == vela_compile(flatbuffer, flags(NPUS[npu])).processed_bytes
    assert parse_stream(stream.data) == stream.stream


@pytest.mark.parametrize(
    ("npu", "system_config", "memory_mode"),
    [
        ("ethos-u55-128", "Ethos_U55_Deep_Embedded", "Sram_Only"),
        ("ethos-u55-256", "", "Sram_Only"),
        ("ethos-u65-256", "Ethos_U65_Client_Server", "Dedicated_Sram_512KB"),
        ("ethos-u65-512", "", "Dedicated_Sram"),
        ("ethos-u85-256", "Ethos_U85_SYS_Flash_High", "Shared_Sram"),
        ("ethos-u85-512", "", "Dedicated_Sram_256KB"),
    ],
)
def test_other_memories_give_the_bytes_of_executorch(
    npu: str, system_config: str, memory_mode: str
) -> None:
    settings = VelaSettings(system_config, memory_mode)
    flatbuffer = convolutions()
    stream = compile_stream(flatbuffer, NPUS[npu], settings)
    theirs = vela_compile(flatbuffer, flags(NPUS[npu], settings)).processed_bytes
    assert stream.data == theirs


def test_flags_and_tosa_are_those_of_executorch() -> None:
    from executorch.backends.arm.ethosu import EthosUCompileSpec

    for npu in NPUS.values():
        theirs = EthosUCompileSpec(npu.name)
        assert flags(npu) == theirs.compiler_flags
        assert npu.tosa_spec == str(theirs.tosa_spec)


def test_tensors_are_in_the_order_of_the_graph() -> None:
    stream = compile_stream(sum_of_two(), U55)
    assert [t.shape for t in stream.inputs] == [(1, 1, 1, 1, 5, 33)] * 2
    assert [t.nbytes for t in (*stream.inputs, *stream.outputs)] == [5 * 33] * 4
    for one, other in (stream.inputs, stream.outputs):
        assert abs(one.offset - other.offset) >= 5 * 33


@pytest.mark.parametrize("npu", NPUS)
def test_figures(npu: str) -> None:
    """MACs follow from the shapes. The figures of the network are the sums of those of its ops."""
    figures = compile_stream(convolutions(), NPUS[npu]).figures
    first, second = 16 * 9 * 3, 24 * 9 * 16
    assert figures.macs == 16 * 16 * (first + second)
    assert figures.weight_bytes == first + second
    assert [op.macs for op in figures.ops] == [16 * 16 * first, 16 * 16 * second]
    assert [(op.name, op.operator) for op in figures.ops] == [
        ("first", "Conv2D"),
        ("second", "Conv2D"),
    ]
    assert figures.cycles >= figures.compute_cycles > 0
    assert figures.cycles == sum(op.cycles for op in figures.ops)
    assert figures.compute_cycles == sum(op.compute_cycles for op in figures.ops)
    # Feature maps and constants are in some memory, for every memory mode.
    stored = figures.sram_bytes + figures.dram_bytes + figures.flash_bytes
    assert stored >= 16 * 16 * (16 + 24) + figures.encoded_weight_bytes


def test_more_macs_take_fewer_cycles() -> None:
    cycles = [compile_stream(convolutions(), NPUS[f"ethos-u55-{n}"]).figures.cycles
              for n in (32, 64, 128, 256)]  # fmt: skip
    assert cycles == sorted(cycles, reverse=True)
    assert len(set(cycles)) == 4


@pytest.mark.parametrize(
    ("flatbuffer", "message"),
    [
        (b"", "not a TOSA flatbuffer"),
        (b"\0\0\0\0TFL3" + bytes(64), "not a TOSA flatbuffer"),
        (convolutions()[:400], "ethos-u55-128: TOSA FB Reader error: - Failed to load TOSA model"),
        (reversed_channels(), r"ethos-u55-128: Non-passthrough operation \(Reverse\) could not"),
        (bad_pool(), "Parameters do not yield exact integer output dimensions"),
    ],
    ids=["empty", "tflite", "truncated", "unsupported", "invalid"],
)
def test_what_is_refused(flatbuffer: bytes, message: str) -> None:
    with pytest.raises(CompileError, match=message) as error:
        compile_stream(flatbuffer, U55, op=TestOp())
    assert "'test.op' op " in str(error.value)
    assert "\n" not in str(error.value)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    compile_stream(convolutions(), NPUS["ethos-u85-256"])
    with pytest.raises(CompileError):
        compile_stream(reversed_channels(), U55)
    assert capfd.readouterr() == ("", "")


def test_it_is_quick() -> None:
    """It usually takes 0.01 s of CPU. Ten times that means that Vela's Python was imported."""
    flatbuffer = convolutions()
    compile_stream(flatbuffer, U55)
    start = time.process_time()
    compile_stream(flatbuffer, U55)
    assert time.process_time() - start < 0.1


def test_only_the_core_of_vela_is_imported() -> None:
    """Nothing of Vela is imported before it is needed."""
    code = (
        "import sys\n"
        "from cmopt.codegen.vela import compile_stream\n"
        "from cmopt.support.targets import NPUS\n"
        "assert not [m for m in sys.modules if m.startswith('ethosu')]\n"
        "compile_stream(bytes.fromhex(sys.argv[1]), NPUS['ethos-u55-128'])\n"
        "modules = {m.partition('.')[0] for m in sys.modules}\n"
        "assert not modules & {'executorch', 'torch'}, modules\n"
        "assert 'ethosu.vela' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, convolutions().hex()], check=True)
