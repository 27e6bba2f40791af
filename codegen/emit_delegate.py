"""Emit `ethos_u.delegate`: a call of ExecuTorch's Ethos-U backend, with its command stream.

Two conditions are checked here because the runtime checks them only on the device: the stream has
the op's operands and results, and it lies in the file where the NPU's driver can read it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xdsl.ir import SSAValue

from cmopt.codegen.program_file import program_file
from cmopt.codegen.vela import CommandStream, NpuFigures, compile_stream
from cmopt.codegen.vela_stream import STREAM_ALIGNMENT, StreamTensor
from cmopt.dialects.cortex_m import View, itemsize
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.shapes import element_of, numel, shape_of
from cmopt.support.diagnostics import CompileError
from cmopt.support.locations import render
from cmopt.support.names import names_hint
from cmopt.support.targets import NPUS, Npu
from cmopt.support.vela_settings import VelaSettings

if TYPE_CHECKING:
    from cmopt.codegen.emit_pte import FunctionEmitter

BACKEND = "EthosUBackend"
"""The name that the backend registers."""


@dataclass(frozen=True)
class EmittedDelegate:
    """One call of the NPU: its tensors as "1x8x8x3xi8", its sizes in bytes, and Vela's figures.

    stream_bytes: size of the delegate's data, weights included; calls with equal data share it.
    scratch_bytes: memory that the call takes from the temp allocator.
    """

    name: str
    npu: str
    location: str | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    stream_bytes: int
    scratch_bytes: int
    figures: NpuFigures


def emit_delegate(op: DelegateOp, emitter: FunctionEmitter) -> None:
    """Emit one call. Raises CompileError, with Vela's reason, if the NPU cannot compute it."""
    from cmopt.codegen.tosa_flatbuffer import serialize

    npu, settings = _npu(op), op.settings
    stream = compile_stream(serialize(op), npu, settings, op=op)
    _check_border(op, stream)
    builder = emitter.builder
    tensors = [*op.inputs, *op.outputs]
    index = builder.delegate(BACKEND, stream.data, compile_specs(npu, settings))
    builder.call_delegate(index, [emitter.value(v, View.CONTIGUOUS) for v in tensors])
    builder.npu_calls.append(
        EmittedDelegate(
            name=f"delegate_{len(builder.npu_calls)}",
            npu=npu.name,
            location=render(op.location),
            inputs=tuple(map(_type_text, op.inputs)),
            outputs=tuple(map(_type_text, op.outputs)),
            stream_bytes=len(stream.data),
            scratch_bytes=stream.scratch_bytes,
            figures=stream.figures,
        )
    )


def compile_specs(npu: Npu, settings: VelaSettings | None = None) -> tuple[tuple[str, bytes], ...]:
    """The compile specs that ExecuTorch's own backend writes: keys and values."""
    return (
        ("tosa_spec", npu.tosa_spec.encode()),
        ("compile_flags", " ".join((settings or VelaSettings()).flags_for(npu)).encode()),
        ("output_format", b"vela"),
        ("preserve_io_quantization", b"False"),
        ("target", npu.name.encode()),
    )


def _npu(op: DelegateOp) -> Npu:
    name = op.npu.data
    if name not in NPUS:
        raise CompileError(f"unknown NPU {name!r}", op=op, hint=names_hint(name, NPUS))
    return NPUS[name]


def _type_text(value: SSAValue) -> str:
    return "x".join([*map(str, shape_of(value)), str(element_of(value))])


def _check_border(op: DelegateOp, stream: CommandStream) -> None:
    """Raises CompileError if a tensor's size in the stream is not that of its runtime argument."""
    _check_tensors(op, "operand", op.inputs, stream.inputs)
    _check_tensors(op, "result", op.outputs, stream.outputs)


def _check_tensors(
    op: DelegateOp, what: str, values: Sequence[SSAValue], tensors: Sequence[StreamTensor]
) -> None:
    if len(values) != len(tensors):
        raise CompileError(
            f"has {len(values)} {what}s, its command stream {len(tensors)}",
            op=op,
            hint="Vela drops an operand that nothing reads",
        )
    for index, (value, tensor) in enumerate(zip(values, tensors, strict=True)):
        # Vela may write a shape differently: 1x3x1024 instead of 1x3x32x32.
        if (numel(shape_of(value)), itemsize(value.type)) != (
            math.prod(tensor.shape),
            tensor.element_size,
        ):
            raise CompileError(
                f"{what} {index} is {_type_text(value)}, in the command stream it has shape "
                f"{list(tensor.shape)} and elements of {tensor.element_size} bytes",
                op=op,
            )


def smallest_file(program: Any, alignment: int, initial_values: Sequence[bytes] = ()) -> bytes:
    """The smaller of two files of the program: the delegates' data in line, or in segments.

    Raises CompileError if the data of a delegate is not aligned for the NPU's driver.
    """
    streams = [inline.data for inline in program.backend_delegate_data]
    files = [
        program_file(
            program,
            alignment=alignment,
            delegate_alignment=STREAM_ALIGNMENT,
            separate_delegates=separate,
            initial_values=initial_values,
        )
        for separate in ((False, True) if streams else (False,))
    ]
    aligned = [file for file in files if is_aligned(file, streams)]
    if not aligned:
        raise CompileError(f"a command stream is not at a multiple of {STREAM_ALIGNMENT} bytes")
    return min(aligned, key=len)


def is_aligned(file: bytes, streams: Iterable[bytes]) -> bool:
    """Whether the file contains every stream, unchanged, at an aligned offset."""
    offsets = [file.find(stream) for stream in streams]
    return all(offset >= 0 and offset % STREAM_ALIGNMENT == 0 for offset in offsets)
