"""ExecuTorch's program format as classes, read from its installed `program.fbs`.

`executorch.exir.schema` has the same classes, but importing it imports all of `executorch.exir`,
which takes longer than compiling a network.
"""

from __future__ import annotations

import re
from dataclasses import field, make_dataclass
from enum import IntEnum
from functools import cache
from importlib.resources import files
from types import SimpleNamespace
from typing import Any, NamedTuple

from flatbuffers import number_types

_FILES = ("schema/scalar_type.fbs", "schema/program.fbs")
_DEFINITION = re.compile(r"(enum|table|union) (\w+)[^{]*\{(.*?)\}", re.DOTALL)
_FIELD = re.compile(r"^ *(\w+): *(\[?)(\w+)\]?(.*);", re.MULTILINE)
_NUMBERS = {
    "bool": number_types.BoolFlags,
    "byte": number_types.Int8Flags,
    "ubyte": number_types.Uint8Flags,
    "double": number_types.Float64Flags,
    **dict.fromkeys(("int", "int32"), number_types.Int32Flags),
    **dict.fromkeys(("uint", "uint32"), number_types.Uint32Flags),
    **dict.fromkeys(("long", "int64"), number_types.Int64Flags),
    **dict.fromkeys(("ulong", "uint64"), number_types.Uint64Flags),
}


class Field(NamedTuple):
    """One field of a table.

    number: the format of a number, or of each in a list; None for tables, unions and strings.
    tables: the names of a union's tables, in the order of their numbers, from 1.
    """

    name: str
    type: str
    is_list: bool
    is_aligned: bool
    number: Any
    tables: tuple[str, ...]


class ProgramSchema(NamedTuple):
    """The fields of each table by name, and a class for each table and each enum.

    The classes of tables are dataclasses. Their fields are None by default.
    identifier: the bytes that identify a file of this format.
    """

    identifier: bytes
    tables: dict[str, tuple[Field, ...]]
    classes: Any


@cache
def program_schema() -> ProgramSchema:
    """The format of the installed ExecuTorch."""
    text = "".join(files("executorch").joinpath(name).read_text() for name in _FILES)
    found: dict[str, dict[str, str]] = {"enum": {}, "table": {}, "union": {}}
    for kind, name, body in _DEFINITION.findall(re.sub("//.*", "", text)):
        found[kind][name] = body
    unions = {name: tuple(re.findall(r"\w+", body)) for name, body in found["union"].items()}
    numbers = {**_NUMBERS, **dict.fromkeys(found["enum"], number_types.Int8Flags)}
    tables: dict[str, tuple[Field, ...]] = {}
    classes: dict[str, Any] = {}
    for name, body in found["table"].items():
        tables[name] = tuple(
            Field(title, type, bool(bracket), "force_align" in rest, numbers.get(type),
                  unions.get(type, ()))
            for title, bracket, type, rest in _FIELD.findall(body)
        )  # fmt: skip
        parts = [(part.name, Any, field(default=None)) for part in tables[name]]
        classes[name] = make_dataclass(name, parts)
    for name, body in found["enum"].items():
        members = re.findall(r"(\w+) = (\d+)", body)
        classes[name] = IntEnum(name, [(member, int(value)) for member, value in members])
    _, identifier, _ = text[text.index("file_identifier") :].split('"', 2)
    return ProgramSchema(identifier.encode(), tables, SimpleNamespace(**classes))
