"""Programs in `.pt2` files, and the same files with other contents."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

import cmopt

MODEL = "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"
SAMPLES = "data/sample_inputs/model.pt"


class Net(torch.nn.Module):
    """A convolution and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 4, 3)
        self.linear = torch.nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(torch.relu(self.conv(x)).mean((2, 3)))


def write_models(folder: Path) -> tuple[Path, Path]:
    """The file of a quantized program, and that of the float program it comes from."""
    torch.manual_seed(0)
    x = torch.randn(1, 2, 6, 6)
    model = Net().eval()
    torch.export.save(torch.export.export(model, (x,)), folder / "float.pt2")
    torch.export.save(cmopt.quantize(model, (x,), calibration=[(x,)]), folder / "quantized.pt2")
    return folder / "quantized.pt2", folder / "float.pt2"


def entries_of(path: Path) -> dict[str, bytes]:
    """The entries of an archive, by their names inside the root folder."""
    with zipfile.ZipFile(path) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def write_entries(
    path: Path, entries: Mapping[str, bytes], root: str = "m/", **options: Any
) -> Path:
    """An archive of these entries, stored as `torch.export.save` does."""
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in entries.items():
            archive.writestr(f"{root}{name}", content)
    return path


def edited(source: Path, path: Path, name: str, edit: Callable[[Any], None]) -> Path:
    """The archive with an edit of the JSON of one entry."""
    entries = entries_of(source)
    data = json.loads(entries[name])
    edit(data)
    entries[name] = json.dumps(data).encode()
    return write_entries(path, entries)


def with_entry(source: Path, path: Path, name: str, content: bytes | None) -> Path:
    """The archive with other content of one entry; without the entry if it is None."""
    entries = entries_of(source)
    entries.pop(name, None)
    if content is not None:
        entries[name] = content
    return write_entries(path, entries)


class Runs:
    """An object whose pickle makes a directory when it is read."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def hostile_pickle(marker: Path) -> bytes:
    """What `torch.save` writes of an object that makes a directory when it is read."""
    buffer = io.BytesIO()
    torch.save((Runs(marker),), buffer)
    return buffer.getvalue()


def evaluated(marker: Path) -> str:
    """An expression that makes a directory when Python evaluates it."""
    return f"__import__('os').mkdir({str(marker)!r})"


def renamed(data: Any, old: str, new: str) -> Any:
    """JSON with one name replaced, wherever it is a value or a key."""
    if isinstance(data, dict):
        return {
            (new if key == old else key): renamed(value, old, new) for key, value in data.items()
        }
    if isinstance(data, list):
        return [renamed(item, old, new) for item in data]
    return new if data == old else copy.copy(data)


def plain_pickle(value: Any) -> bytes:
    """A pickle as Python writes it."""
    return pickle.dumps(value)
