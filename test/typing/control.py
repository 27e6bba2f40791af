"""A negative control of the type check: usage `python control.py path/to/mypy`.

Runs mypy on a file with one known error in its use of cmopt, and fails unless mypy reports exactly
that error. If mypy does not find the code, every name in it is `Any`, and mypy reports nothing.
"""

import subprocess
import sys
from pathlib import Path

# Not in build/typing: mypy finds modules next to the file it checks, without configuration.
_FILE = Path("build/known_error.py")
_SUBJECT = """\
from cmopt.support.diagnostics import CompileError

right: CompileError = CompileError("text", hint="text")
wrong: CompileError = CompileError(12)
"""
_EXPECTED = (
    f'{_FILE}:4: error: Argument 1 to "CompileError" has incompatible type "int"; '
    'expected "str"  [arg-type]'
)


def main(mypy: str) -> int:
    """Returns 0 if mypy finds this error and no other, else 1."""
    _FILE.write_text(_SUBJECT)
    try:
        result = subprocess.run([mypy, str(_FILE)], capture_output=True, text=True, check=False)
    finally:
        _FILE.unlink()
    errors = [line for line in result.stdout.splitlines() if ": error:" in line]
    if errors == [_EXPECTED]:
        print("control: mypy sees the code")
        return 0
    print(f"control: expected one error\n  {_EXPECTED}\ngot\n{result.stdout}{result.stderr}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
