"""The ``cortex_m::`` operators in the runtime: exact results and clear failures."""

from __future__ import annotations

import re

import numpy as np
import pytest
from operator_cases import Case, all_cases
from running import Outcome, run_programs

CASES = all_cases()


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """The outcome of each case."""
    programs = {case.name: case.program for case in CASES}
    return run_programs(programs, tmp_path_factory.mktemp("programs"))


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
    """The call fails with a line that has the operator and the wrong values."""
    outcome = outcomes[case.name]
    assert outcome.after is None
    pattern = rf"cortex_m::{case.program.name}: .*{case.message}"
    assert re.search(pattern, outcome.log), outcome.log


def test_every_operator_is_covered() -> None:
    names = {case.program.name for case in CASES if case.expected is not None}
    assert len(names) == 18
