"""Every portable operator that a program can call is called and compared with PyTorch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from cmopt.codegen.operator_schemas import portable_operators

sys.path.insert(0, str(Path(__file__).parents[1]))
from portable_calls import CALLS, NEVER_CALLED, OTHERWISE


def outcomes() -> dict[str, Any]:
    """The outcome of each call, by operator."""
    script = Path(__file__).with_name("run_portable_calls.py")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def fault(operator: str, outcome: dict[str, Any]) -> str | None:
    """What is wrong with the outcome of a call of `operator`; None if nothing is."""
    if "error" in outcome:
        return str(outcome["error"])
    if outcome["steps"] > CALLS[operator].steps:
        return f"{outcome['steps']} steps off"
    if (operator in outcome["operators"]) == (operator in OTHERWISE):
        return f"it became {outcome['operators']}"
    return None


def test_each_call_computes_what_pytorch_does() -> None:
    """One test for all operators, because each parallel worker would run the script again."""
    found = outcomes()
    assert found.keys() == CALLS.keys()
    faults = {name: fault(name, outcome) for name, outcome in found.items()}
    assert {name: text for name, text in faults.items() if text is not None} == {}


def test_every_operator_is_called_or_said_to_be_out_of_reach() -> None:
    assert CALLS.keys() | NEVER_CALLED.keys() == portable_operators()
    assert not CALLS.keys() & NEVER_CALLED.keys()
    assert CALLS.keys() >= OTHERWISE
