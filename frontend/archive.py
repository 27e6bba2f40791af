"""Read a `.pt2` archive within limits, without trusting it; write it again for `torch.export.load`.

What PyTorch is given is made anew from entries that were read here: their names, sizes and contents
are those that were checked, whatever the file says elsewhere.
"""

from __future__ import annotations

import io
import os
import re
import zipfile
import zlib
from collections.abc import Mapping
from typing import BinaryIO

from cmopt.support.diagnostics import CompileError

MAX_ENTRIES = 1 << 16
MAX_ENTRY_BYTES = 1 << 28
"""The most bytes of one entry: 64 million float32 weights."""
MAX_ARCHIVE_BYTES = 1 << 30
"""The most bytes of all entries."""
MAX_JSON_BYTES = 1 << 26
MAX_COMPRESSION = 200
"""The most bytes that one byte of a compressed entry may become. `torch.export.save` stores."""

MODEL = "models/model.json"
WEIGHTS_CONFIG = "data/weights/model_weights_config.json"
CONSTANTS_CONFIG = "data/constants/model_constants_config.json"
SAMPLE_INPUTS = "data/sample_inputs/model.pt"
BYTE_ORDER = "byteorder"
FORMAT = "archive_format"
VERSION = "archive_version"

_CHECKED = {MODEL, WEIGHTS_CONFIG, CONSTANTS_CONFIG, BYTE_ORDER, FORMAT, VERSION}
_RECORD = re.compile(r"data/(weights/weight|constants/tensor)_\d{1,9}")
# Facts of the container, and what `torch.export.load` does not need: never read. The sample inputs
# are a pickle, which `torch.export.save` puts into every file.
_IGNORED = re.compile(
    r"\.data/(version|serialization_id)|\.format_version|\.storage_alignment|extra/.*"
    + "|"
    + re.escape(SAMPLE_INPUTS)
)
_PICKLES = re.compile(
    r"data/(weights|constants)/.*\.pt|data/constants/(custom|opaque)_obj_\d+"
    r"|serialized_(state_dict|constants|example_inputs)\..*"
)
_LEGACY = "serialized_exported_program.json"
_HINT = "write it with torch.export.save of this torch version"
TRUST = "allow it with --trust-input if you know where the file comes from"


class Refused(Exception):
    """A file is not what it must be; `str()` says what is wrong, `hint` what would help."""

    def __init__(self, message: str, hint: str | None = None):
        super().__init__(message)
        self.hint = hint


def read_archive(path: str) -> dict[str, bytes]:
    """The entries that the format names, by their names inside the root folder.

    The sample inputs, extra files and facts of the container are left out, and never read. Raises
    CompileError if the file cannot be read or is not a zip file, and `Refused` if it holds an entry
    that the format does not name or that is a pickle, is not complete, or exceeds a limit.
    """
    try:
        with open(path, "rb") as file:
            if file.read(2) != b"PK":
                raise CompileError(
                    f"'{path}' is not a torch.export program",
                    hint="write it with torch.export.save",
                )
            return _entries(file)
    except OSError as error:
        raise CompileError(f"cannot read '{path}': {error.strerror or error}") from None


def _entries(file: BinaryIO) -> dict[str, bytes]:
    if os.fstat(file.fileno()).st_size > MAX_ARCHIVE_BYTES:
        raise Refused(f"it has more than {MAX_ARCHIVE_BYTES:,} bytes")
    try:
        with zipfile.ZipFile(file) as archive:
            return _read(archive)
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise Refused(f"its archive is damaged: {error}", _HINT) from None
    except (zlib.error, LookupError, OverflowError) as error:
        raise Refused(f"its archive is damaged: {error}", _HINT) from None


def _read(archive: zipfile.ZipFile) -> dict[str, bytes]:
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise Refused(f"its archive has {len(infos)} entries; at most {MAX_ENTRIES} are supported")
    names = [_inside(info.filename) for info in infos]
    if _LEGACY in (info.filename for info in infos):
        raise Refused(
            "it has the layout of torch 2.7 and earlier, whose weights are pickles",
            f"{_HINT}, or {TRUST}",
        )
    kept: dict[str, zipfile.ZipInfo] = {}
    for name, info in zip(names, infos, strict=True):
        if _is_kept(name):
            if name in kept:
                raise Refused(f"entry '{name}' is in its archive twice", _HINT)
            _check_size(name, info)
            kept[name] = info
    total = sum(info.file_size for info in kept.values())
    if total > MAX_ARCHIVE_BYTES:
        raise Refused(f"its entries take {total:,} bytes; at most {MAX_ARCHIVE_BYTES:,} are read")
    missing = _CHECKED - {BYTE_ORDER} - set(kept)
    if missing:
        raise Refused(f"its archive has no entry '{min(missing)}'", _HINT)
    return {name: _content(archive, name, info) for name, info in kept.items()}


def _inside(name: str) -> str:
    """The name of an entry inside the root folder, which has the name of the file."""
    return name.partition("/")[2]


def _is_kept(name: str) -> bool:
    """Whether an entry is read. Raises `Refused` for one that the format does not name."""
    if name in _CHECKED or _RECORD.fullmatch(name):
        return True
    if _IGNORED.fullmatch(name):
        return False
    if _PICKLES.fullmatch(name):
        raise Refused(f"entry '{name}' is a pickle, which can run any code", TRUST)
    raise Refused(f"entry '{name}' is not part of a torch.export program", _HINT)


def _check_size(name: str, info: zipfile.ZipInfo) -> None:
    limit = MAX_JSON_BYTES if name.endswith(".json") else MAX_ENTRY_BYTES
    if info.file_size > limit:
        raise Refused(f"entry '{name}' has {info.file_size:,} bytes; at most {limit:,} are read")
    if info.file_size > MAX_COMPRESSION * max(info.compress_size, 1):
        raise Refused(
            f"entry '{name}' grows from {info.compress_size:,} bytes to {info.file_size:,}; "
            f"at most {MAX_COMPRESSION} times are read"
        )


def _content(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as entry:
        content = entry.read(info.file_size + 1)  # reading to its end compares the checksum
    if len(content) != info.file_size:
        raise Refused(f"entry '{name}' has not the {info.file_size:,} bytes it announces", _HINT)
    return content


def write_archive(entries: Mapping[str, bytes]) -> io.BytesIO:
    """An archive for `torch.export.load` of these entries, with sample inputs of no bytes."""
    from torch.export.pt2_archive._package import PT2ArchiveWriter

    buffer = io.BytesIO()
    with PT2ArchiveWriter(buffer) as writer:
        for name, content in entries.items():
            if name != BYTE_ORDER:
                writer.write_bytes(name, content)
        writer.write_bytes(SAMPLE_INPUTS, b"")
    buffer.seek(0)
    return buffer
