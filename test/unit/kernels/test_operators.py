"""The ``cortex_m::`` operators in ExecuTorch's runtime: exact results, and failures that are clear.

All programs run in one subprocess: a kernel that ends its process must not take the tests along,
and starting the runtime takes seconds.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from operator_cases import Case, all_cases

CASES = all_cases()


@dataclass
class Outcome:
    before: NDArray[np.uint8]
    after: NDArray[np.uint8] | None
    log: str


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What the runtime made of each case."""
    directory = tmp_path_factory.mktemp("programs")
    before = {case.name: case.program.arena() for case in CASES}
    for case in CASES:
        (directory / f"{case.name}.pte").write_bytes(case.program.serialize())
        np.save(directory / f"{case.name}.npy", before[case.name])
    runner = Path(__file__).with_name("run_programs.py")
    run = subprocess.run(
        [sys.executable, str(runner), str(directory)],
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    sections = re.split(r"^== (\w[\w.]*)\n", run.stderr, flags=re.MULTILINE)
    logs = dict(zip(sections[1::2], sections[2::2], strict=True))
    result = {}
    for case in CASES:
        output = directory / f"{case.name}.out.npy"
        after = np.load(output).view(np.uint8) if output.exists() else None
        result[case.name] = Outcome(before[case.name], after, logs[case.name])
    return result


def named(cases: list[Case]) -> list[object]:
    return [pytest.param(case, id=case.name) for case in cases]


@pytest.mark.parametrize("case", named([case for case in CASES if case.expected is not None]))
def test_result(case: Case, outcomes: dict[str, Outcome]) -> None:
    """The output is the specification's, and no other byte of the arena has changed."""
    outcome = outcomes[case.name]
    assert outcome.after is not None, outcome.log
    actual = case.program.output(outcome.before, outcome.after)
    np.testing.assert_array_equal(actual, case.expected)


@pytest.mark.parametrize("case", named([case for case in CASES if case.expected is None]))
def test_failure(case: Case, outcomes: dict[str, Outcome]) -> None:
    """The call fails with a line that names the operator and the offending values."""
    outcome = outcomes[case.name]
    assert outcome.after is None
    pattern = rf"cortex_m::{case.program.name}: .*{case.message}"
    assert re.search(pattern, outcome.log), outcome.log


def test_every_operator_is_covered() -> None:
    names = {case.program.name for case in CASES if case.expected is not None}
    assert len(names) == 18
