"""The constants of a program as C arrays. Equal ones are stored once."""

from __future__ import annotations

import numpy as np

from cmopt.codegen.c.text import C_TYPES, array
from cmopt.dialects.arrays import Array


class Constants:
    """Collects arrays. prefix: what every name begins with."""

    def __init__(self, prefix: str):
        self.prefix = prefix
        self.names: dict[tuple[str, bytes], str] = {}

    def name(self, data: Array, hint: str) -> str:
        """The name of an array with this data. hint: a new one is called so, after the prefix."""
        contiguous = np.ascontiguousarray(data)
        key = (contiguous.dtype.name, contiguous.tobytes())
        if key not in self.names:
            name, taken = f"{self.prefix}_{hint}", set(self.names.values())
            while name in taken:
                name += "_"
            self.names[key] = name
        return self.names[key]

    @property
    def nbytes(self) -> int:
        """The bytes of all arrays."""
        return sum(len(data) for _, data in self.names)

    def declarations(self) -> list[str]:
        """A line for each array, for the source that uses them."""
        return [
            f"extern const {C_TYPES[dtype]} {name}[];" for (dtype, _), name in self.names.items()
        ]

    def definitions(self, attributes: str) -> list[str]:
        """Each array with its data. attributes: a macro in front of each."""
        return [
            f"{attributes} const {C_TYPES[dtype]} {name}[] = "
            f"{array(np.frombuffer(data, np.dtype(dtype)))};"
            for (dtype, data), name in self.names.items()
        ]
