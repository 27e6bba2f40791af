"""C text: identifiers, literals, initializers, arrays."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from cmopt.dialects.arrays import Array
from cmopt.support.diagnostics import CompileError

C_TYPES = {
    "bool": "bool",
    "float32": "float",
    "float64": "double",
    **{f"{u}int{n}": f"{u}int{n}_t" for u in ("", "u") for n in (8, 16, 32, 64)},
}
"""The C type of an element, by the name of its dtype."""

WIDTH = 100
"""The longest line."""


# What C and C++ do not reserve, and could be the name of a file and its functions.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def check_name(name: str) -> None:
    """Raise CompileError if the name of a program is not an identifier."""
    if not _NAME.fullmatch(name):
        raise CompileError(
            f"the name {name!r} is not a C identifier", hint="use letters, digits and _"
        )


def identifier(name: str) -> str:
    """A C identifier made from any name: other characters become `_`."""
    clean = re.sub(r"\W", "_", name, flags=re.ASCII)
    return clean if re.match(r"[A-Za-z_]", clean) else f"_{clean}"


def comment(text: str) -> str:
    """A comment of one line. The text cannot end it."""
    return f"/* {' '.join(text.split()).replace('*/', '* /').replace('/*', '/ *')} */"


def integer(value: int) -> str:
    """An integer of up to 32 bits. INT32_MIN has no literal of its own in C."""
    return "INT32_MIN" if value == -(2**31) else str(value)


def real(value: float) -> str:
    """A number rounded to float32, written exactly."""
    rounded = np.float32(value)
    if math.isnan(rounded):
        return "NAN"
    if math.isinf(rounded):
        return "INFINITY" if rounded > 0 else "-INFINITY"
    return f"{float(rounded).hex()}f"


def fields(**values: str | int) -> str:
    """An initializer with a name for each field."""
    inside = ", ".join(
        f".{name} = {integer(value) if isinstance(value, int) else value}"
        for name, value in values.items()
    )
    return f"{{{inside}}}"


def items(values: Sequence[int]) -> str:
    """An initializer of a list of integers."""
    return f"{{{', '.join(map(integer, values))}}}"


def array(array: Array) -> str:
    """The initializer of a flat C array with the elements of `array`, in lines.

    An array without elements gets one zero, because C has no empty arrays.
    """
    flat = array.reshape(-1)
    if flat.dtype.kind == "f":
        words = [real(float(value)) for value in flat] or ["0"]
    else:
        words = [integer(int(value)) for value in flat.tolist()] or ["0"]
    lines, line = [], "   "
    for word in words:
        if len(line) + len(word) + 2 > WIDTH:
            lines.append(line)
            line = "   "
        line += f" {word},"
    return "\n".join(["{", *lines, line, "}"])


def wrapped(line: str, indent: int = 4) -> list[str]:
    """A statement as lines that are not too long. It is broken behind commas, where it can be."""
    lines, rest = [], " " * indent + line
    while len(rest) > WIDTH and (cut := rest.rfind(", ", indent + 8, WIDTH)) > 0:
        lines.append(rest[: cut + 1])
        rest = " " * (indent + 4) + rest[cut + 2 :]
    return [*lines, rest]
