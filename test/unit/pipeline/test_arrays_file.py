"""Files of arrays from anyone: plain arrays are read, anything else is one line."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cmopt.pipeline import arrays_file
from cmopt.pipeline.arrays_file import read_npz, write_npz
from cmopt.support.diagnostics import CompileError


def archive(path: Path, **entries: bytes) -> str:
    with zipfile.ZipFile(path, "w") as zipped:
        for name, content in entries.items():
            zipped.writestr(f"{name}.npy", content)
    return str(path)


def header(description: str, data: bytes = b"", version: int = 1) -> bytes:
    """An array file with any header."""
    text = description.encode() + b"\n"
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


SHAPE = "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}"


def refused(path: str) -> str:
    with pytest.raises(CompileError) as error:
        read_npz(path)
    line = str(error.value)
    assert "\n" not in line and len(line) < 700 and line.isprintable()
    return line


@pytest.mark.parametrize(
    "dtype", ["?", "i1", "u1", "<i2", ">i2", ">i4", "<i8", ">f4", "<f8", "<f2"]
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_plain_arrays_come_back_in_the_form_of_this_machine(
    dtype: str, order: str, tmp_path: Path
) -> None:
    values = (np.arange(24).reshape(2, 3, 4) % 7).astype(dtype)
    np.savez(tmp_path / "x.npz", x=np.asarray(values, order=order))
    (read,) = read_npz(str(tmp_path / "x.npz")).values()
    assert read.dtype == np.dtype(dtype).newbyteorder("=") and read.flags.c_contiguous
    assert read.flags.writeable
    np.testing.assert_array_equal(read, values)


@pytest.mark.parametrize("shape", [(), (0,), (1, 0, 3)])
def test_scalars_and_empty_arrays(shape: tuple[int, ...], tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros(shape, np.float32))
    assert read_npz(str(tmp_path / "x.npz"))["x"].shape == shape


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.array([object()]).dumps(), "header that cannot be read"),
        (header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"), "pickled objects"),
        (header("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }"), "of type complex64"),
        (header("{'descr': '<U9', 'fortran_order': False, 'shape': (1,), }"), "of type <U9"),
        (header("{'descr': '<M8[s]', 'fortran_order': False, 'shape': (1,), }"), "datetime64"),
        (header("{'descr': '|V5', 'fortran_order': False, 'shape': (1,), }"), "of type |V5"),
        (header("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,), }"), "of type"),
        (header("{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }"), "of type"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", b"abc"), "3 bytes"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000,), }"), "0 bytes"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -1), }", b"abcd"), "shape"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (True,), }", b"abcd"), "shape"),
        (header(SHAPE.format("0, 1" + "0" * 99)), "no such shape"),
        (header(SHAPE.format("1, " * 40), b"abcd"), "no such shape"),
        (header("__import__('os').system('false')"), "header that cannot be read"),
        (header("(" * 5000), "header that cannot be read"),
        (header("-" * 9000 + "1"), "header that cannot be read"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", b"abcd", 3), "version"),
        (b"", "header that cannot be read"),
        (b"\x93NUMPY\x01\x00\xff\xff", "header that cannot be read"),
    ],
)  # fmt: skip
def test_what_is_no_plain_array(content: bytes, message: str, tmp_path: Path) -> None:
    line = refused(archive(tmp_path / "x.npz", x=content))
    assert message in line and "array 'x'" in line


def test_other_kinds_of_file(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    for content in (b"", b"PK", b"PK\x05\x06" + bytes(18), pickle.dumps([1]), os.urandom(999)):
        path.write_bytes(content)
        if not content.startswith(b"PK\x05\x06"):
            assert "is not a .npz file of plain arrays" in refused(str(path))
    assert "cannot read" in refused(str(tmp_path))
    assert "cannot read" in refused(str(tmp_path / "nothing.npz"))
    assert "not a file" in refused("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    assert "not a file" in refused(str(tmp_path / "pipe"))
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("text.txt", b"x")
    assert "entry 'text.txt' is not an array" in refused(str(path))


def test_an_array_that_is_there_twice(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(1))
    path = archive(tmp_path / "x.npz", x=buffer.getvalue())
    with pytest.warns(UserWarning), zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr("x.npy", buffer.getvalue())
    assert "array 'x' is there twice" in refused(path)


def test_the_size_of_all_arrays_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros(1 << 20, np.uint8))
    assert os.path.getsize(tmp_path / "x.npz") < 4096
    monkeypatch.setattr(arrays_file, "MAX_BYTES", 1 << 16)
    assert "at most 65,536 are read" in refused(str(tmp_path / "x.npz"))


def test_any_names_are_written(tmp_path: Path) -> None:
    """`numpy.savez` has a parameter called `file`."""
    arrays = {name: np.arange(3) for name in ("file", "a/b", "x y", "arr_0", "größe")}
    write_npz(str(tmp_path / "x.npz"), arrays)
    assert list(read_npz(str(tmp_path / "x.npz"))) == list(arrays)
    assert list(np.load(tmp_path / "x.npz")) == list(arrays)
