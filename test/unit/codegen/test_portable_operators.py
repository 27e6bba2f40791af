"""Every operator of the portable library that a program can call is called, against PyTorch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cmopt.codegen.operator_schemas import portable_operators

sys.path.insert(0, str(Path(__file__).parents[1]))
from portable_calls import CALLS, NEVER_CALLED, OTHERWISE


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Any]:
    """What came of each call, by operator."""
    script = Path(__file__).with_name("run_portable_calls.py")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("operator", sorted(CALLS))
def test_a_call_computes_what_pytorch_does(operator: str, outcomes: dict[str, Any]) -> None:
    outcome = outcomes[operator]
    assert "error" not in outcome, outcome["error"]
    assert outcome["steps"] <= CALLS[operator].steps
    is_called = operator in outcome["operators"]
    assert is_called == (operator not in OTHERWISE), outcome["operators"]


def test_every_operator_is_called_or_said_to_be_out_of_reach() -> None:
    assert CALLS.keys() | NEVER_CALLED.keys() == portable_operators()
    assert not CALLS.keys() & NEVER_CALLED.keys()
    assert CALLS.keys() >= OTHERWISE
