"""Write the table of the kernels' limits as a C++ header: `write_limits.py limits.py limits.h`.

CMake calls this. The table is run by its path because `cmopt` is not installed yet.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path


def header(table: str) -> str:
    """The integers of a table, `MOST_BYTES` as `kMostBytes`. table: the path of its file."""
    names = runpy.run_path(table)
    lines = [
        f"constexpr int64_t k{name.title().replace('_', '')} = {value};"
        for name, value in names.items()
        if name.isupper() and isinstance(value, int)
    ]
    body = "\n".join(lines)
    return (
        "// Written by write_limits.py from dialects/cortex_m/limits.py, which says why.\n"
        "#pragma once\n\n#include <cstdint>\n\n"
        f"namespace cmopt {{\n\n{body}\n\n}} // namespace cmopt\n"
    )


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(header(sys.argv[1]))
