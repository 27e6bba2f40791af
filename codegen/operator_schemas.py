"""The schemas of the operators a program calls, as the runtime's generated wrappers read them.

A call has one EValue for each argument of the operator's schema, with the `out` tensors last, and
one for the returned value. The type in the schema determines the kind of the EValue. The schemas of
`cortex_m::` operators are read from the installed `operators.yaml`, those of `cmopt::` operators
from the file of that name in this project. Those of the portable library
have the names in the installed `functions.yaml` and PyTorch's signatures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

CORTEX_M_OPERATORS = "backends/cortex_m/ops/operators.yaml"
OWN_OPERATORS = "operators.yaml"
PORTABLE_OPERATORS = "kernels/portable/functions.yaml"


@dataclass(frozen=True)
class Argument:
    """One argument: `int[] stride` is ("stride", "int[]", False).

    type: "Tensor", "Scalar", "int", "float", "bool", "str", "ScalarType", "MemoryFormat", …;
    "T[]" is a list of T, and "T?" is a T or None.
    """

    name: str
    type: str
    is_out: bool = False


@dataclass(frozen=True)
class Schema:
    """An operator's out-variant: `cortex_m::pad` `.out`, with its arguments in order."""

    name: str
    overload: str
    arguments: tuple[Argument, ...]

    @property
    def qualified(self) -> str:
        """The operator's name in the runtime: "cortex_m::pad.out"."""
        return f"{self.name}.{self.overload}" if self.overload else self.name

    @property
    def inputs(self) -> tuple[Argument, ...]:
        """The arguments before the `out` tensors."""
        return tuple(a for a in self.arguments if not a.is_out)

    @property
    def outs(self) -> tuple[Argument, ...]:
        """The tensors, or the one list of tensors, that the kernel writes."""
        return tuple(a for a in self.arguments if a.is_out)

    @property
    def call_length(self) -> int:
        """The number of EValues of a call: the arguments and the returned value."""
        return len(self.arguments) + 1


def parse_schema(text: str) -> Schema:
    """Parse `ns::op.overload(Type name=default, …, *, Tensor(a!) out) -> …`."""
    match = re.fullmatch(r"([\w:]+)(?:\.(\w+))?\((.*)\) -> .*", " ".join(text.split()))
    if match is None:
        raise ValueError(f"not an operator schema: {text!r}")
    name, overload, body = match.groups()
    arguments = tuple(_argument(item) for item in _items(body) if item != "*")
    return Schema(name, overload or "", arguments)


def _items(body: str) -> Iterator[str]:
    """The comma-separated items of an argument list; defaults may hold commas in brackets."""
    depth, start = 0, 0
    for position, character in enumerate(body):
        depth += (character in "[(") - (character in "])")
        if character == "," and depth == 0:
            yield body[start:position].strip()
            start = position + 1
    if body.strip():
        yield body[start:].strip()


def _argument(text: str) -> Argument:
    type, name = text.partition("=")[0].split()
    is_out = "!" in type
    plain = re.sub(r"\([^)]*\)", "", type)  # alias annotations
    plain = re.sub(r"\[\d+\]", "[]", plain)  # lengths
    return Argument(name, plain.replace("SymInt", "int"), is_out)


def _entries(path: str, package: str = "executorch") -> list[dict[str, Any]]:
    """The operators of a yaml file in an installed package."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries = yaml.load(files(package).joinpath(path).read_text(), loader)
    assert isinstance(entries, list)
    return entries


@cache
def cortex_m_schemas() -> dict[str, Schema]:
    """The Cortex-M operators of the installed ExecuTorch: "cortex_m::pad.out" → its schema."""
    schemas = [parse_schema(entry["func"]) for entry in _entries(CORTEX_M_OPERATORS)]
    return {schema.qualified: schema for schema in schemas}


@cache
def own_schemas() -> dict[str, Schema]:
    """This project's operators: "cmopt::softmax.out" → its schema."""
    schemas = [parse_schema(entry["func"]) for entry in _entries(OWN_OPERATORS, "cmopt.kernels")]
    return {schema.qualified: schema for schema in schemas}


@cache
def portable_operators() -> frozenset[str]:
    """The operators of ExecuTorch's portable library: "aten::add.out", "aten::convolution.out"."""
    names = [
        entry.get("op") or entry["func"].partition("(")[0] for entry in _entries(PORTABLE_OPERATORS)
    ]
    return frozenset(name if "::" in name else f"aten::{name}" for name in names)
