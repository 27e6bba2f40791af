"""The bytes of an "EthosUBackend" delegate: a Vela command stream, its weights and its tensors.

They are blocks in a fixed order. Each has a header of 32 bytes (name, unpadded length, whether the
data lies elsewhere, reserved) and data padded to 16 bytes. The driver reads commands and weights in
place, so the address of the whole must be a multiple of 16. `VelaBinStream.h` of ExecuTorch 1.5
defines the format.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

STREAM_ALIGNMENT = 16
"""The address of a stream, and of every block in it, is a multiple of this."""

COMMAND_MAGIC = b"COP1"
"""The first bytes of a command stream; the driver checks its version by them."""

SCRATCH_REGION = 1
"""The NPU's address region for feature maps, inputs and outputs."""

_HEADER = struct.Struct("<16sIB11s")
_TENSOR = struct.Struct("<9i")
_RANK = 6
_COUNT = struct.Struct("<i")
_SIZE = struct.Struct("<I")
_BLOCKS = (
    "vela_bin_stream",
    "cmd_data",
    "weight_data",
    "scratch_size",
    "inputs",
    "outputs",
    "vela_end_stream",
)


@dataclass(frozen=True)
class StreamTensor:
    """Where the NPU reads an input or writes an output: at `offset` bytes of `region`, row-major.

    shape: as Vela writes it, of rank 6 with ones in front.
    """

    shape: tuple[int, ...]
    element_size: int
    offset: int
    region: int

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return math.prod(self.shape) * self.element_size


@dataclass(frozen=True)
class Stream:
    """The contents of a packed stream. A call takes `scratch_bytes` of memory."""

    commands: bytes
    weights: bytes
    scratch_bytes: int
    inputs: tuple[StreamTensor, ...]
    outputs: tuple[StreamTensor, ...]


def pack_stream(stream: Stream) -> bytes:
    """The delegate's bytes. Raises ValueError if a number does not fit the format."""
    try:
        data = (
            b"",
            stream.commands,
            stream.weights,
            _SIZE.pack(stream.scratch_bytes),
            _pack_tensors(stream.inputs),
            _pack_tensors(stream.outputs),
            b"",
        )
        return b"".join(_pack_block(name, d) for name, d in zip(_BLOCKS, data, strict=True))
    except struct.error as e:
        raise ValueError(f"a number does not fit in a command stream: {e}") from e


def _pack_block(name: str, data: bytes) -> bytes:
    padding = bytes(-len(data) % STREAM_ALIGNMENT)
    return _HEADER.pack(name.encode(), len(data), 0, bytes(11)) + data + padding


def _pack_tensors(tensors: Sequence[StreamTensor]) -> bytes:
    rows = [_TENSOR.pack(*t.shape, t.element_size, t.offset, t.region) for t in tensors]
    return _COUNT.pack(len(tensors)) + b"".join(rows)


def parse_stream(data: bytes) -> Stream:
    """The contents of `data`.

    Raises ValueError if the runtime would not take it: blocks missing, in another order, truncated
    or stored elsewhere, no command stream, an input or output that is not within the scratch.
    """
    reader = _Reader(data)
    blocks = [reader.block(name) for name in _BLOCKS]
    if reader.position != len(data):
        raise ValueError(f"{len(data) - reader.position} bytes follow the end of the stream")
    head, commands, weights, scratch, inputs, outputs, end = blocks
    if head or end:
        raise ValueError("the stream's first and last block hold data")
    if not commands.startswith(COMMAND_MAGIC):
        raise ValueError(f"cmd_data begins with {commands[:4]!r}, not with {COMMAND_MAGIC!r}")
    if len(scratch) != _SIZE.size:
        raise ValueError(f"scratch_size has {len(scratch)} bytes, not {_SIZE.size}")
    (scratch_bytes,) = _SIZE.unpack(scratch)
    return Stream(
        commands,
        weights,
        scratch_bytes,
        _parse_tensors("inputs", inputs, scratch_bytes),
        _parse_tensors("outputs", outputs, scratch_bytes),
    )


class _Reader:
    """Reads the blocks of a stream one by one."""

    def __init__(self, data: bytes):
        self.data = data
        self.position = 0

    def block(self, name: str) -> bytes:
        """The data of the next block, which must be `name`."""
        start = self.position + _HEADER.size
        if start > len(self.data):
            raise ValueError(f"the stream ends at byte {len(self.data)}, before {name}")
        found, size, external, _ = _HEADER.unpack_from(self.data, self.position)
        if found.rstrip(b"\0") != name.encode():
            raise ValueError(f"block {found.rstrip(bytes(1))!r} where {name} is expected")
        if external:
            raise ValueError(f"{name} is not in the stream but elsewhere")
        self.position = start + size + -size % STREAM_ALIGNMENT
        if self.position > len(self.data):
            raise ValueError(f"{name} needs {size} bytes, {len(self.data) - start} are left")
        return self.data[start : start + size]


def _parse_tensors(name: str, data: bytes, scratch_bytes: int) -> tuple[StreamTensor, ...]:
    count = _COUNT.unpack_from(data)[0] if len(data) >= _COUNT.size else -1
    if count < 0 or len(data) != _COUNT.size + count * _TENSOR.size:
        raise ValueError(f"{name} has {len(data)} bytes for {count} tensors")
    tensors = []
    for row in _TENSOR.iter_unpack(data[_COUNT.size :]):
        tensor = StreamTensor(row[:_RANK], *row[_RANK:])
        check_tensor(name, tensor, scratch_bytes)
        tensors.append(tensor)
    return tuple(tensors)


def check_tensor(name: str, tensor: StreamTensor, scratch_bytes: int) -> None:
    """Raise ValueError unless an input or output can be copied to or from the scratch."""
    if len(tensor.shape) != _RANK or min(tensor.shape) < 1:
        raise ValueError(f"{name}: {list(tensor.shape)} is not a shape of rank {_RANK}")
    if tensor.element_size not in (1, 2, 4):
        raise ValueError(f"{name}: elements of {tensor.element_size} bytes")
    if tensor.region != SCRATCH_REGION:
        raise ValueError(f"{name}: in region {tensor.region}, not in the scratch")
    if tensor.offset < 0 or tensor.offset + tensor.nbytes > scratch_bytes:
        raise ValueError(
            f"{name}: bytes {tensor.offset} to {tensor.offset + tensor.nbytes} "
            f"of a scratch of {scratch_bytes}"
        )
