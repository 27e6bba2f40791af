"""lit: run the RUN lines of `test/lit/**/*.mlir` with the tools of this Python's environment."""

import os
import sys
from pathlib import Path

import lit.formats

_HERE = Path(__file__).resolve().parent

config.name = "cmopt"
# lit's internal shell has `not`, `env` and pipes on every system.
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.test_source_root = str(_HERE)
config.test_exec_root = str(_HERE.parents[1] / "build" / "lit")
config.environment["PATH"] = os.pathsep.join(
    [str(Path(sys.executable).parent), config.environment.get("PATH", "")]
)
# The message of a failing test must not depend on the width of the terminal.
config.environment["COLUMNS"] = "100"

# Print generic, parse, print again: the output must still match the CHECK lines.
config.substitutions += [
    ("%{python}", sys.executable),
    (
        "ROUNDTRIP",
        "cm-opt %s --split-input-file --mlir-print-op-generic | "
        "cm-opt --split-input-file | filecheck %s",
    ),
    # One error per `// -----` chunk, each announced by an `expected-error` comment.
    ("DIAGNOSTICS", "cm-opt %s --split-input-file --verify-diagnostics -o /dev/null"),
]
