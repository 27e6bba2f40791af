"""The packed form of a command stream: it is parsed again, and malformed data is refused."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmopt.codegen.vela_stream import Stream, StreamTensor, pack_stream, parse_stream

INPUT = StreamTensor((1, 1, 1, 2, 3, 4), 1, 0, 1)
OUTPUT = StreamTensor((1, 1, 1, 1, 1, 6), 4, 32, 1)
STREAM = Stream(b"COP1" + bytes(9), b"weights", 64, (INPUT,), (OUTPUT,))
HEADER = 32
COMMANDS_AT, WEIGHTS_AT = HEADER, HEADER + HEADER + 16
SCRATCH_AT = WEIGHTS_AT + HEADER + 16
INPUTS_AT = SCRATCH_AT + HEADER + 16


def tensors() -> st.SearchStrategy[StreamTensor]:
    """Tensors within a scratch of 4096 bytes."""
    sizes = st.tuples(*[st.integers(1, 3)] * 6)
    return st.builds(
        StreamTensor, sizes, st.sampled_from([1, 2, 4]), st.integers(0, 1024), st.just(1)
    )


@given(
    st.builds(
        Stream,
        st.binary(max_size=40).map(lambda b: b"COP1" + b),
        st.binary(max_size=40),
        st.just(4096),
        st.lists(tensors(), max_size=3).map(tuple),
        st.lists(tensors(), max_size=3).map(tuple),
    )
)
def test_round_trip(stream: Stream) -> None:
    data = pack_stream(stream)
    assert len(data) % 16 == 0
    assert parse_stream(data) == stream


def test_layout_by_hand() -> None:
    data = pack_stream(STREAM)
    assert data[:HEADER] == b"vela_bin_stream\0" + bytes(16)
    assert data[COMMANDS_AT:][:21] == b"cmd_data" + bytes(8) + struct.pack("<IB", 13, 0)
    assert data[WEIGHTS_AT:][:16] == b"weight_data" + bytes(5)
    assert data[SCRATCH_AT + HEADER :][:4] == struct.pack("<I", 64)
    assert data[INPUTS_AT + HEADER :][:40] == struct.pack("<10i", 1, 1, 1, 1, 2, 3, 4, 1, 0, 1)
    assert data[-HEADER:] == b"vela_end_stream\0" + bytes(16)


@given(st.integers(0, len(pack_stream(STREAM)) - 1))
def test_every_truncation_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=r"ends at byte|needs \d+ bytes"):
        parse_stream(pack_stream(STREAM)[:size])


def edited(at: int, data: bytes) -> Callable[[bytes], bytes]:
    """An edit that writes `data` at byte `at` of a stream."""
    return lambda stream: stream[:at] + data + stream[at + len(data) :]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda s: s + bytes(16), "16 bytes follow"),
        (lambda s: s[WEIGHTS_AT:], "block b'weight_data' where vela_bin_stream"),
        (
            lambda s: (
                s[:COMMANDS_AT] + s[WEIGHTS_AT:SCRATCH_AT] + s[COMMANDS_AT:WEIGHTS_AT]
                + s[SCRATCH_AT:]
            ),
            "block b'weight_data' where cmd_data",
        ),
        (edited(COMMANDS_AT + 16, struct.pack("<I", 2**31)), "cmd_data needs 2147483648 bytes"),
        (edited(COMMANDS_AT + 20, b"\1"), "cmd_data is not in the stream"),
        (edited(COMMANDS_AT + HEADER, b"COP2"), "begins with b'COP2', not with b'COP1'"),
        (edited(SCRATCH_AT + 16, struct.pack("<I", 8)), "scratch_size has 8 bytes, not 4"),
        (edited(INPUTS_AT + HEADER, struct.pack("<i", 2)), "inputs has 40 bytes for 2 tensors"),
        (edited(INPUTS_AT + HEADER, struct.pack("<i", -1)), "inputs has 40 bytes for -1 tensors"),
        (edited(INPUTS_AT + HEADER + 4, struct.pack("<i", 0)), "is not a shape of rank 6"),
        (edited(INPUTS_AT + HEADER + 28, struct.pack("<i", 3)), "elements of 3 bytes"),
        (edited(INPUTS_AT + HEADER + 32, struct.pack("<i", -1)), "inputs: bytes -1 to 23"),
        (edited(INPUTS_AT + HEADER + 32, struct.pack("<i", 41)), "41 to 65 of a scratch of 64"),
        (edited(INPUTS_AT + HEADER + 36, struct.pack("<i", 2)), "in region 2, not in the scratch"),
    ],
)  # fmt: skip
def test_what_is_refused(edit: Callable[[bytes], bytes], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_stream(edit(pack_stream(STREAM)))


def test_what_the_format_cannot_say() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        pack_stream(replace(STREAM, scratch_bytes=2**32))
