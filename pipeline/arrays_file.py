"""Named arrays in `.npz` files: inputs, outputs, calibration data."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.lib import format as npy

from cmopt.dialects.arrays import Array
from cmopt.pipeline.files import open_file, write_output
from cmopt.support.diagnostics import CompileError, one_line

MAX_BYTES = 1 << 31
"""The most bytes of all arrays of a file."""
_ENDING = ".npy"
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


class _Malformed(Exception):
    """A file is not one of plain arrays; `str()` says why."""


def read_npz(path: str) -> dict[str, Array]:
    """The arrays of a file, by name, in the byte order of this machine and in default order.

    An array holds booleans, integers or floats of at most 64 bits. Raises CompileError, before an
    array is read, if it holds anything else, as pickled objects, or if it has not the bytes that
    its header announces; and if all arrays take more than `MAX_BYTES`.
    """
    with open_file(path) as file:
        try:
            if file.read(6) == npy.MAGIC_PREFIX:
                raise CompileError(
                    f"'{path}' holds one array without a name",
                    hint="write a .npz file of named arrays: numpy.savez(path, name=array)",
                )
            with zipfile.ZipFile(file) as archive:
                return _arrays(archive)
        except OSError as error:
            raise CompileError(f"cannot read '{path}': {error.strerror or error}") from None
        except (_Malformed, ValueError, EOFError, LookupError, NotImplementedError, RuntimeError,
                ArithmeticError, zlib.error, zipfile.BadZipFile) as error:  # fmt: skip
            raise CompileError(
                f"'{path}' is not a .npz file of plain arrays: {one_line(str(error))[:300]}"
            ) from None


def _arrays(archive: zipfile.ZipFile) -> dict[str, Array]:
    infos = archive.infolist()
    total = sum(info.file_size for info in infos)
    if total > MAX_BYTES:
        raise _Malformed(f"its arrays take {total:,} bytes; at most {MAX_BYTES:,} are read")
    arrays: dict[str, Array] = {}
    for info in infos:
        name = info.filename.removesuffix(_ENDING)
        if name == info.filename:
            raise _Malformed(f"entry {name!r} is not an array")
        if name in arrays:
            raise _Malformed(f"array {name!r} is there twice")
        with archive.open(info) as entry:
            content = entry.read(info.file_size + 1)
        arrays[name] = _array(name, content)
    return arrays


def _array(name: str, content: bytes) -> Array:
    stream = io.BytesIO(content)
    try:
        version = npy.read_magic(stream)  # type: ignore[no-untyped-call]
        if version not in _HEADERS:
            raise _Malformed(f"array {name!r} has a header of version {version}")
        shape, in_columns, dtype = _HEADERS[version](stream)  # type: ignore[no-untyped-call]
    except _Malformed:
        raise
    except Exception as error:  # numpy lets Python read the header, which raises many kinds
        reason = one_line(str(error))[:200] or type(error).__name__
        raise _Malformed(f"array {name!r} has a header that cannot be read: {reason}") from None
    if dtype.hasobject:
        raise _Malformed(f"array {name!r} holds pickled objects")
    if dtype.kind not in "biuf" or dtype.itemsize > 8 or dtype.fields or dtype.subdtype:
        raise _Malformed(f"array {name!r} is of type {dtype}, not of integers or floats")
    given = len(content) - stream.tell()
    if len(shape) > 32 or any(type(n) is not int or not 0 <= n < 2**48 for n in shape):
        raise _Malformed(f"array {name!r} has no such shape: {one_line(str(shape))[:100]}")
    if math.prod(shape) * dtype.itemsize != given:
        raise _Malformed(f"array {name!r} of {dtype} {list(shape)} has {given:,} bytes")
    held = np.frombuffer(content, dtype, offset=stream.tell())
    array: Array = held.reshape(shape, order="F" if in_columns else "C")
    return np.array(array, dtype.newbyteorder("="), order="C")


def write_npz(path: str, arrays: Mapping[str, Array]) -> None:
    """Write named arrays, of any names: the whole file or nothing."""
    write_output(path, npz_bytes(arrays))


def npz_bytes(arrays: Mapping[str, Array]) -> bytes:
    """The bytes of a `.npz` file of named arrays."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.save(entry, np.asarray(array), allow_pickle=False)
            archive.writestr(f"{name}{_ENDING}", entry.getvalue())
    return buffer.getvalue()


def select(
    arrays: Mapping[str, Array], names: Sequence[str], path: str, why: str = ""
) -> list[Array]:
    """The arrays with these names, in order. Raises CompileError, listing what is there, if not.

    why: said in front of that list: where the names come from.
    """
    missing = [name for name in names if name not in arrays]
    if missing:
        there = ", ".join(arrays) or "nothing"
        raise CompileError(
            f"'{path}' has no array {', '.join(map(repr, missing))}", hint=f"{why}it has {there}"
        )
    return [arrays[name] for name in names]


def samples_in(
    arrays: Sequence[Array], inputs: Mapping[str, Sequence[int]], path: str
) -> list[list[Array]]:
    """The arrays of each sample, with the shapes of the inputs.

    arrays: one for each input, samples along a new first dimension. Where an input is a batch of
    one, its first dimension may be the samples. path: the file, for messages. Raises CompileError
    if shapes or numbers of samples differ.
    """
    split: list[list[Array]] = []
    for array, (name, shape) in zip(arrays, inputs.items(), strict=True):
        wanted = list(shape)
        if wanted[:1] == [1] and list(array.shape[1:]) == wanted[1:] and array.ndim:
            array = array[:, None]
        if array.ndim == 0 or list(array.shape[1:]) != wanted or len(array) == 0:
            given = ", ".join(["samples", *map(str, wanted)])
            raise CompileError(
                f"'{path}': array {name!r} has shape {list(array.shape)}, not [{given}]"
            )
        split.append(list(array))
    if len({len(each) for each in split}) > 1:
        raise CompileError(f"'{path}': the arrays hold different numbers of samples")
    return [list(sample) for sample in zip(*split, strict=True)]


def reshaped_like(array: Array, like: Array) -> Array:
    """An array in the shape of another one that differs by a first dimension of size 1 only."""
    return array.reshape(like.shape) if like.shape == (1, *array.shape) else array
