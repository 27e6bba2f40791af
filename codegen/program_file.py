"""An ExecuTorch program as a file: a FlatBuffer, followed by segments of data.

The tables are those that ExecuTorch's own serializer writes, see `program_schema`; equal ones are
written once.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any

import flatbuffers
import numpy as np
from flatbuffers.number_types import Uint8Flags

from cmopt.codegen.program_schema import Field, program_schema

_HEADER_BYTES = 32


class _Packer:
    """Writes tables in the order of generated code. alignment: for data that needs one.

    share: write equal lists, strings and tables once. A reader follows offsets, so it sees no
    difference.
    """

    def __init__(self, alignment: int, *, share: bool):
        self.builder = flatbuffers.Builder()
        self.alignment = alignment
        self.share = share
        self.written: dict[Hashable, int] = {}

    def once(self, key: Hashable, write: Callable[[], int]) -> int:
        """The offset of what has this key; it is written if it is new."""
        if not self.share:
            return write()
        if key not in self.written:
            self.written[key] = write()
        return self.written[key]

    def table(self, table: Any) -> int:
        """Write a table. Returns its offset. The name of its class gives the kind of table."""
        slots: list[tuple[Any, Any]] = []
        for field in program_schema().tables[type(table).__name__]:
            value = getattr(table, field.name)
            if field.tables:
                slots.append((Uint8Flags, field.tables.index(type(value).__name__) + 1))
            if field.number is not None and not field.is_list:
                slots.append((field.number, value or 0))
            else:
                slots.append((None, 0 if value is None else self._apart(field, value)))
        key = type(table).__name__, *(_exact(value) for _, value in slots)
        return self.once(key, lambda: self._object(slots))

    def _object(self, slots: Sequence[tuple[Any, Any]]) -> int:
        self.builder.StartObject(len(slots))
        for slot, (number, value) in enumerate(slots):
            if number is None:
                self.builder.PrependUOffsetTRelativeSlot(slot, value, 0)
            else:
                self.builder.PrependSlot(number, slot, value, 0)
        return int(self.builder.EndObject())

    def _apart(self, field: Field, value: Any) -> int:
        """Write a list, a string or a table that a field refers to. Returns its offset."""
        builder = self.builder
        if field.type == "string":
            text = value.encode()  # For a str, the builder counts characters.
            return self.once(text, lambda: int(builder.CreateString(text)))
        if not field.is_list:
            return self.table(value)
        if field.number is None:
            places = [self.table(item) for item in value]
            return self.once(("tables", *places), lambda: self._references(places))
        is_bytes = isinstance(value, bytes)
        items = np.frombuffer(value, np.uint8) if is_bytes else np.array(value, field.number.name)
        if field.is_aligned:
            builder.Prep(self.alignment, items.nbytes)
            return int(builder.CreateNumpyVector(items))
        key = items.dtype.str, items.tobytes()
        return self.once(key, lambda: int(builder.CreateNumpyVector(items)))

    def _references(self, places: Sequence[int]) -> int:
        self.builder.StartVector(4, len(places), 4)
        for place in reversed(places):
            self.builder.PrependUOffsetTRelative(place)
        return int(self.builder.EndVector())


def _exact(value: Any) -> Hashable:
    """A key that two numbers share only if they are stored alike: 0.0 and -0.0 are not."""
    return struct.pack("<d", value) if isinstance(value, float) else int(value)


def _joined(parts: Sequence[bytes], alignment: int) -> tuple[bytes, list[int]]:
    """The parts, joined at aligned offsets, and these offsets."""
    whole, offsets = bytearray(), []
    for part in parts:
        whole += bytes(-len(whole) % alignment)
        offsets.append(len(whole))
        whole += part
    return bytes(whole), offsets


def _overlapping(values: Sequence[bytes], alignment: int) -> tuple[bytes, list[int]]:
    """Bytes that hold each value, and where: all values of zeros begin together."""
    zeros = bytes(max((len(value) for value in values if not any(value)), default=0))
    others = list(dict.fromkeys(value for value in values if any(value)))
    whole, offsets = _joined([zeros, *others], alignment)
    where = dict(zip(others, offsets[1:], strict=True))
    return whole, [where.get(value, 0) for value in values]


def program_file(
    program: Any,
    *,
    alignment: int,
    delegate_alignment: int,
    separate_delegates: bool,
    initial_values: Sequence[bytes] = (),
    share: bool = True,
) -> bytes:
    """The file of a `Program`, with its constants and its delegates' data.

    alignment: of constants and of segments. separate_delegates: if true, the data of each delegate
    becomes a segment, else it stays in the FlatBuffer. initial_values: of the tensors that have
    one, which refer to them by their number, counted from 1. share: write equal parts of the
    FlatBuffer once; without it, the bytes are those of ExecuTorch's own serializer.
    """
    schema = program_schema().classes
    constants, offsets = _joined([part.storage for part in program.constant_buffer], alignment)
    segments = [constants]
    if separate_delegates:
        inline = [part.data for part in program.backend_delegate_data]
        segments += dict.fromkeys(inline)
        plans = [_with_segments(plan, inline, segments) for plan in program.execution_plan]
        program = replace(program, execution_plan=plans, backend_delegate_data=[])
    if initial_values:
        values, starts = _overlapping(initial_values, alignment)
        mutable = [schema.SubsegmentOffsets(len(segments), [0, *starts])]
        program = replace(program, mutable_data_segments=mutable)
        segments.append(values)
    data, places = _joined(segments, alignment)
    program = replace(
        program,
        constant_buffer=[],
        constant_segment=schema.SubsegmentOffsets(0, offsets),
        segments=[
            schema.DataSegment(place, len(part))
            for place, part in zip(places, segments, strict=True)
        ],
    )
    packer = _Packer(delegate_alignment, share=share)
    packer.builder.Finish(packer.table(program), file_identifier=program_schema().identifier)
    flat = bytes(packer.builder.Output())
    return _with_header(flat, data, alignment, max(alignment, delegate_alignment)) if data else flat


def _with_header(flat: bytes, data: bytes, alignment: int, header_alignment: int) -> bytes:
    """A FlatBuffer, a header with the offset of the segments, and the segments.

    The header follows the FlatBuffer's first 8 bytes, which are its root and its identifier.
    """
    room = _HEADER_BYTES + -_HEADER_BYTES % header_alignment
    start = len(flat) + room + -(len(flat) + room) % alignment
    root = int.from_bytes(flat[:4], "little") + room
    header = struct.pack("<4sIQQQ", b"eh00", _HEADER_BYTES, len(flat) + room, start, len(data))
    front = struct.pack("<I", root) + flat[4:8] + header.ljust(room, b"\0") + flat[8:]
    return front.ljust(start, b"\0") + data


def _with_segments(plan: Any, inline: Sequence[bytes], segments: Sequence[bytes]) -> Any:
    """A plan whose delegates refer to their data in the segments."""
    schema = program_schema().classes
    delegates = []
    for delegate in plan.delegates:
        index = segments.index(inline[delegate.processed.index], 1)  # 0 is for the constants
        where = schema.BackendDelegateDataReference(schema.DataLocation.SEGMENT, index)
        delegates.append(replace(delegate, processed=where))
    return replace(plan, delegates=delegates)
