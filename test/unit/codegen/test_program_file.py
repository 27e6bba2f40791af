"""Program files: the bytes of ExecuTorch's own serializer, without importing it."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from executorch.exir import schema
from executorch.exir._serialize._program import (
    PTEFile,
    deserialize_pte_binary,
    serialize_pte_binary,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from cmopt.codegen.program_file import program_file
from cmopt.codegen.program_schema import program_schema

UNIT = Path(__file__).parents[1]


def program_of(
    schema: Any,
    numbers: list[int],
    constants: list[bytes],
    blobs: list[bytes],
    text: str,
    real: float,
) -> Any:
    """A program with an EValue of every kind, in ExecuTorch's own classes or in ours."""
    planned = schema.AllocationDetails(1, abs(numbers[0]), 0)

    def tensor(type: Any, sizes: list[int], order: list[int], index: int, place: Any) -> Any:
        return schema.Tensor(
            scalar_type=type,
            storage_offset=0,
            sizes=sizes,
            dim_order=order,
            requires_grad=False,
            data_buffer_idx=index,
            allocation_info=place,
            layout=0,
            shape_dynamism=schema.TensorShapeDynamism.STATIC,
        )

    char, long = schema.ScalarType.CHAR, schema.ScalarType.LONG
    values = [
        tensor(char, [1, 2, 3], [0, 2, 1], 0, planned),
        tensor(long, [], [], 7, None),
        *map(schema.Int, numbers),
        schema.IntList(numbers),
        *(schema.Bool(True), schema.Bool(False), schema.BoolList([True, False])),
        *(schema.Double(real), schema.Double(0.0), schema.DoubleList([real, 1.5])),
        *(schema.String(text), schema.Null()),
        *(schema.TensorList([0, 1]), schema.OptionalTensorList([-1, 0])),
    ]
    inline = schema.DataLocation.INLINE
    delegates = [
        schema.BackendDelegate(
            text,
            schema.BackendDelegateDataReference(inline, index),
            [schema.CompileSpec("key", text.encode())],
        )
        for index in range(len(blobs))
    ]
    calls = [schema.KernelCall(1, [0, 1, 0]), *(schema.DelegateCall(i, [0]) for i in range(2))]
    plan = schema.ExecutionPlan(
        "forward",
        schema.ContainerMetadata("", text),
        [schema.EValue(value) for value in values],
        [0],
        [1, 0],
        [schema.Chain([], [], [schema.Instruction(call) for call in calls], None)],
        [schema.Operator("aten::add", "out"), schema.Operator(text, "")],
        delegates,
        [0, 2**33],
    )
    return schema.Program(
        0,
        [plan],
        [schema.Buffer(data) for data in constants],
        [schema.BackendDelegateInlineData(blob) for blob in blobs],
        [],
        schema.SubsegmentOffsets(0, []),
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=5),
    st.lists(st.binary(max_size=40), max_size=4),
    st.lists(st.binary(min_size=1, max_size=70), max_size=3),
    # flatbuffers miscounts other strings, so ExecuTorch's serializer writes a broken file for them.
    st.text(st.characters(max_codepoint=127), max_size=5),
    st.floats(),
    st.sampled_from([(16, 16), (4, 16), (64, 32), (128, 4)]),
)
def test_the_bytes_are_those_of_executorch(
    numbers: list[int],
    constants: list[bytes],
    blobs: list[bytes],
    text: str,
    real: float,
    alignments: tuple[int, int],
) -> None:
    theirs, ours = (
        program_of(classes, numbers, [b"", *constants], blobs, text, real)
        for classes in (schema, program_schema().classes)
    )
    alignment, delegate_alignment = alignments
    for separate in (False, True):
        expected = serialize_pte_binary(
            PTEFile(theirs),
            extract_delegate_segments=separate,
            segment_alignment=alignment,
            constant_tensor_alignment=alignment,
            delegate_alignment=delegate_alignment,
        )
        actual, shared = (
            program_file(
                ours,
                alignment=alignment,
                delegate_alignment=delegate_alignment,
                separate_delegates=separate,
                share=share,
            )
            for share in (False, True)
        )
        assert actual == bytes(expected)
        assert len(shared) <= len(actual)
        assert repr(deserialize_pte_binary(shared)) == repr(deserialize_pte_binary(actual))


def test_equal_parts_are_written_once() -> None:
    """Two EValues of one tensor type cost a few bytes more than one, not twice as many."""
    classes = program_schema().classes
    one, two = (program_of(classes, [1], [b""], [], "x", 1.0) for _ in range(2))
    two.execution_plan[0].values.append(two.execution_plan[0].values[0])
    sizes = [
        len(program_file(p, alignment=4, delegate_alignment=4, separate_delegates=False))
        for p in (one, two)
    ]
    assert sizes[1] - sizes[0] <= 8


def test_a_string_beyond_ascii_is_read_back() -> None:
    program = program_of(program_schema().classes, [1], [b""], [], "größe", 1.0)
    file = program_file(program, alignment=16, delegate_alignment=16, separate_delegates=False)
    plan = deserialize_pte_binary(file).program.execution_plan[0]
    assert plan.operators[1].name == "größe"


@pytest.mark.parametrize("name", sorted(program_schema().tables))
def test_tables_have_the_fields_of_executorchs_classes(name: str) -> None:
    theirs = getattr(schema, name)
    ours = getattr(program_schema().classes, name)
    assert {f.name for f in dataclasses.fields(ours)} == {
        f.name for f in dataclasses.fields(theirs)
    }


def test_writing_a_file_imports_neither_executorchs_exporter_nor_torch() -> None:
    code = f"""
import sys
sys.path.insert(0, {str(UNIT)!r})
from op_programs import PROGRAMS, planned
from cmopt.codegen.emit_pte import emit_pte
assert emit_pte(planned(next(iter(PROGRAMS.values())))).pte[4:8] == b"ET12"
sys.exit(any(name in sys.modules for name in ("executorch.exir", "torch")))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
