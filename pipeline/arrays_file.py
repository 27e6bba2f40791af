"""Named arrays in `.npz` files: inputs, outputs, calibration data."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np

from cmopt.dialects.arrays import Array
from cmopt.pipeline.files import write_output
from cmopt.support.diagnostics import CompileError


def read_npz(path: str) -> dict[str, Array]:
    """The arrays of a file, by name. Pickled objects are refused. Raises CompileError."""
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise CompileError(
                f"'{path}' holds one array without a name",
                hint="write a .npz file of named arrays: numpy.savez(path, name=array)",
            )
        with archive:
            return {name: archive[name] for name in archive.files}
    except OSError as error:
        reason = error.strerror or "not a .npz file"
        raise CompileError(f"cannot read '{path}': {reason}") from None
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CompileError(f"'{path}' is not a .npz file of plain arrays: {error}") from None


def write_npz(path: str, arrays: Mapping[str, Array]) -> None:
    """Write named arrays: the whole file or nothing."""
    buffer = io.BytesIO()
    np.savez(buffer, **dict(arrays))
    write_output(path, buffer.getvalue())


def select(arrays: Mapping[str, Array], names: Sequence[str], path: str) -> list[Array]:
    """The arrays with these names, in order. Raises CompileError, listing what is there, if not."""
    missing = [name for name in names if name not in arrays]
    if missing:
        there = ", ".join(arrays) or "nothing"
        raise CompileError(
            f"'{path}' has no array {', '.join(map(repr, missing))}", hint=f"it has {there}"
        )
    return [arrays[name] for name in names]
