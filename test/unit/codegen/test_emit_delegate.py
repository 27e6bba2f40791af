"""Delegates in the file: the runtime finds there what the IR says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from executorch.exir import schema
from executorch.exir._serialize._program import (
    PTEFile,
    _get_extended_header,
    deserialize_pte_binary,
    serialize_pte_binary,
)
from executorch.runtime import Runtime
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import ModuleOp

from cmopt.codegen import tosa_flatbuffer
from cmopt.codegen.emit_delegate import compile_specs, smallest_file
from cmopt.codegen.emit_header import emit_header
from cmopt.codegen.emit_pte import EmittedProgram, emit_pte
from cmopt.codegen.vela import compile_stream
from cmopt.codegen.vela_stream import parse_stream
from cmopt.dialects.arrays import Array
from cmopt.dialects.cortex_m import place_of
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.program import main_function
from cmopt.dialects.shapes import shape_of
from cmopt.interpreters.run import run_module
from cmopt.pipeline.program import Program
from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import NPUS

sys.path.insert(0, str(Path(__file__).parents[1]))
from delegates import MIXED, PROGRAMS, TURN, TWO, VIEWS, delegate, function, turned
from op_programs import planned, random_inputs
from tosa_graphs import convolutions, sum_of_two

TARGET = "cortex-m55+ethos-u55-128"


def delegates_of(module: ModuleOp) -> list[DelegateOp]:
    """The delegates, in the order of their calls."""
    return [op for op in module.walk() if isinstance(op, DelegateOp)]


def raw_program(pte: bytes) -> Any:
    """The program in the file, with the delegates' data where the file keeps it."""
    from executorch.exir._serialize._flatbuffer_program import _flatbuffer_to_program

    return _flatbuffer_to_program(pte)


def data_offset(pte: bytes, index: int) -> int:
    """The offset in the file of a delegate's data."""
    program = raw_program(pte)
    processed = program.execution_plan[0].delegates[index].processed
    if processed.location == schema.DataLocation.SEGMENT:
        header = _get_extended_header(pte)
        assert header is not None
        return header.segment_base_offset + program.segments[processed.index].offset
    return pte.index(program.backend_delegate_data[processed.index].data)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_file_holds_the_streams_of_the_delegates(name: str) -> None:
    module = planned(PROGRAMS[name])
    pte = emit_pte(module).pte
    program = deserialize_pte_binary(pte).program
    plan = program.execution_plan[0]
    calls = [i.instr_args for c in plan.chains for i in c.instructions]
    calls = [call for call in calls if isinstance(call, schema.DelegateCall)]
    assert len(calls) == len(delegates_of(module))
    for call, op in zip(calls, delegates_of(module), strict=True):
        entry = plan.delegates[call.delegate_index]
        assert entry.id == "EthosUBackend"
        data = program.backend_delegate_data[entry.processed.index].data
        expected = compile_stream(tosa_flatbuffer.serialize(op), NPUS[op.npu.data]).data
        assert data[: len(expected)] == expected
        offset = data_offset(pte, call.delegate_index)
        assert offset % 16 == 0
        assert pte[offset : offset + len(expected)] == expected
        stream = parse_stream(expected)
        tensors = [plan.values[index].val for index in call.args]
        for tensor, value in zip(tensors, (*op.inputs, *op.outputs), strict=True):
            assert tensor.sizes == list(shape_of(value))
            assert [int(d) for d in tensor.dim_order] == list(range(len(tensor.sizes)))
            assert tensor.scalar_type.name == "CHAR"
            place = place_of(value)
            assert place is not None
            assert tensor.allocation_info.memory_offset_low == place.offset
        for tensor, io in zip(tensors, (*stream.inputs, *stream.outputs), strict=True):
            assert np.prod(tensor.sizes) == io.nbytes


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_plan_runs_in_one_arena(name: str) -> None:
    """Results may overwrite operands that are not read again, because the NPU has copied them."""
    module = planned(PROGRAMS[name])
    x, *rest = random_inputs(module, np.random.default_rng(0))

    def turn(value: Array) -> Array:
        return value.reshape(1, 4, 6, 8).transpose(0, 2, 1, 3)

    expected: dict[str, Callable[[], list[Array]]] = {
        "turn": lambda: [turn(x)],
        "image": lambda: [x.transpose(0, 2, 3, 1)],
        "two": lambda: [np.concatenate([x, rest[0]], 1), rest[0][::-1]],
        "views": lambda: [np.concatenate([turn(x), turn(rest[0][200:392])])],
        "mixed": lambda: [turn(np.maximum(x, 3))],
    }
    for actual, wanted in zip(run_module(module, [x, *rest]), expected[name](), strict=True):
        np.testing.assert_array_equal(actual, wanted)


def test_equal_delegates_are_one() -> None:
    emitted = emit_pte(planned(VIEWS))
    plan = deserialize_pte_binary(emitted.pte).program.execution_plan[0]
    assert len(plan.delegates) == 1
    assert [i.instr_args.delegate_index for i in plan.chains[0].instructions] == [0, 0]
    assert [d.name for d in emitted.delegates] == ["delegate_0", "delegate_1"]


def test_one_function_for_two_npus_has_two_delegates() -> None:
    body = f"{turned('%t', '%x')}\n{turned('%u', '%x', 'ethos-u55-256')}"
    result = "(tensor<1x6x4x8xi8>, tensor<1x6x4x8xi8>)"
    emitted = emit_pte(planned(function("%x: tensor<1x4x6x8xi8>", body, result, "%t, %u")))
    plan = deserialize_pte_binary(emitted.pte).program.execution_plan[0]
    assert [spec.value for d in plan.delegates for spec in d.compile_specs if spec.key == "target"
            ] == [b"ethos-u55-128", b"ethos-u55-256"]  # fmt: skip


@pytest.mark.parametrize("npu", NPUS.values(), ids=NPUS)
def test_compile_specs_are_those_of_executorch(npu: Any) -> None:
    from executorch.backends.arm.ethosu import EthosUCompileSpec

    theirs = {s.key: s.value for s in EthosUCompileSpec(npu.name)._to_list()}
    assert dict(compile_specs(npu)) == theirs


def test_a_scalar() -> None:
    body = """
      %t = "tosa.const"() <{values = dense<5> : tensor<256xi8>}> : () -> tensor<256xi8>
      %r = tosa.table %a, %t : (tensor<i8>, tensor<256xi8>) -> tensor<i8>
      ethos_u.yield %r : tensor<i8>"""
    text = delegate("%y", "%x", "%a: tensor<i8>", "tensor<i8>", body, "tensor<i8>")
    emitted = emit_pte(planned(function("%x: tensor<i8>", text, "tensor<i8>")))
    plan = deserialize_pte_binary(emitted.pte).program.execution_plan[0]
    call = plan.chains[0].instructions[0].instr_args
    assert [plan.values[index].val.sizes for index in call.args] == [[], []]
    assert emitted.delegates[0].inputs == ("i8",)


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=3, unique=True),
    st.lists(st.integers(1, 70), max_size=3),
)
def test_data_is_aligned_and_kept_where_it_takes_least(
    blobs: list[int], constants: list[int]
) -> None:
    """For any other contents of the file: names, constants, other delegates."""
    streams = [bytes([n]) * 16 * n for n in blobs]
    entries = [
        schema.BackendDelegate(
            "B" * n, schema.BackendDelegateDataReference(schema.DataLocation.INLINE, i), []
        )
        for i, n in enumerate(blobs)
    ]
    chain = schema.Chain([], [], [], None)
    plan = schema.ExecutionPlan(
        "forward", schema.ContainerMetadata("", ""), [], [], [], [chain], [], entries, [0, 16]
    )
    program = schema.Program(
        0,
        [plan],
        [schema.Buffer(b""), *(schema.Buffer(b"\xff" * n) for n in constants)],
        [schema.BackendDelegateInlineData(s) for s in streams],
        [],
        schema.SubsegmentOffsets(0, []),
    )
    pte = smallest_file(program, 16)
    for index, stream in enumerate(streams):
        offset = data_offset(pte, index)
        assert offset % 16 == 0
        assert pte[offset : offset + len(stream)] == stream
    for extract in (False, True):
        other = serialize_pte_binary(
            PTEFile(program), extract_delegate_segments=extract, segment_alignment=16
        )
        assert len(pte) <= len(bytes(other))


def test_memory_counted_by_hand() -> None:
    """Two values, one input, two tensors of rank 4, one delegate with five specs, one call."""
    emitted = emit_pte(planned(TURN))
    tensors = 2 * 16 + 1 + 3 + 2 * (4 * 4 + 32)
    delegates = 4 + 40 + 5 * 12
    assert emitted.method_allocator_bytes == tensors + delegates + 20 + 4 + 8 + 2 * 4
    scratch = compile_stream(
        tosa_flatbuffer.serialize(delegates_of(planned(TURN))[0]), NPUS["ethos-u55-128"]
    ).scratch_bytes
    assert emitted.temp_allocator_bytes == scratch


def test_scratch_and_widest_kernel_share_the_temp_allocator() -> None:
    emitted = emit_pte(planned(MIXED))
    assert emitted.temp_allocator_bytes == emitted.delegates[0].scratch_bytes > 3 * 28


def test_the_runtime_asks_for_the_backend(capfd: pytest.CaptureFixture[str]) -> None:
    """The rest of the file is right: 0x20 is NotFound."""
    program = Runtime.get().load_program(emit_pte(planned(TWO)).pte)
    with pytest.raises(RuntimeError, match="0x:20"):
        program.load_method("forward")
    assert "Backend EthosUBackend is not registered" in "".join(capfd.readouterr())


def program_of(text: str) -> Program:
    """A program with the given planned stage."""
    return Program(TARGET, "int8", "stock", {"planned": planned(text)})


def test_the_host_has_no_npu() -> None:
    with pytest.raises(CompileError, match=r"needs EthosUBackend.*no NPU.*program\.interpret"):
        program_of(TURN).run(np.zeros((1, 4, 6, 8), np.int8))


def test_an_unknown_npu() -> None:
    module = planned(TURN)
    from xdsl.dialects.builtin import StringAttr

    delegates_of(module)[0].npu = StringAttr("ethos-u99")
    with pytest.raises(CompileError, match="unknown NPU 'ethos-u99'; one of ethos-u55-32, "):
        emit_pte(module)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (sum_of_two, r"'ethos_u\.delegate' op has 1 operands, its command stream 2"),
        (convolutions, r"operand 0 is 1x4x6x8xi8, in the command stream it has shape \[1, 1, 1,"),
        (lambda: b"", r"'ethos_u\.delegate' op these bytes are not a TOSA flatbuffer"),
    ],
)
def test_a_stream_that_is_not_the_ops(
    graph: Callable[[], bytes], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tosa_flatbuffer, "serialize", lambda op: graph())
    with pytest.raises(CompileError, match=message):
        emit_pte(planned(TURN))


def test_report() -> None:
    report = program_of(VIEWS).report
    first, second = report.delegates
    assert report.ops == {"ethos_u.delegate": 2}
    assert report.npu_cycles == first.figures.cycles + second.figures.cycles > 0
    assert report.temp_allocator_bytes == max(first.scratch_bytes, second.scratch_bytes)
    assert (first.inputs, first.outputs) == (("1x4x6x8xi8",), ("1x6x4x8xi8",))
    text = str(report)
    assert f"ethos-u55-128: {report.npu_cycles:,} cycles" in text
    assert "delegate_1" in text and "Transpose" in text
    figures = json.loads(report.to_json())
    assert figures["npu_cycles"] == report.npu_cycles
    assert figures["delegates"][1]["figures"]["ops"][0]["operator"] == "Transpose"


HEADER_CHECK = """
#include "model.h"
#include <stdio.h>
static unsigned char temp[MODEL_TEMP_ALLOCATOR_BYTES];
static const char *const backends[] = MODEL_BACKENDS;
int main(void) {
  printf("%s %s %d %d %d %d", backends[0], MODEL_NPU, (int)sizeof temp, MODEL_DELEGATE_COUNT,
         MODEL_DELEGATE_1_SCRATCH_BYTES, MODEL_NPU_CYCLES);
  return MODEL_OPERATOR_COUNT;
}
"""


def test_header(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    module = planned(VIEWS)
    emitted: EmittedProgram = emit_pte(module)
    (tmp_path / "model.h").write_text(emit_header(main_function(module), emitted, "model"))
    (tmp_path / "main.c").write_text(HEADER_CHECK)
    binary = tmp_path / "main"
    flags = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, "-o", binary, tmp_path / "main.c"], check=True)
    output = subprocess.run([binary], capture_output=True, text=True, check=True).stdout
    scratch = emitted.delegates[1].scratch_bytes
    cycles = sum(d.figures.cycles for d in emitted.delegates)
    assert output == f"EthosUBackend ethos-u55-128 {scratch} 2 {scratch} {cycles}"
