"""A fixed number of fuzz cases on every run. The scripts can run more."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import archive_fuzz
import ir_fuzz
import model_fuzz
import npu_fuzz
import pte_fuzz


@pytest.mark.parametrize("seed", [100, 101, 102, 103])
def test_ir(seed: int) -> None:
    totals = ir_fuzz.fuzz(500, seed, shrink=False)
    assert not totals.findings, ir_fuzz.report(totals)
    # Enough of the programs run through passes and are executed.
    assert totals.accepted > 50 and totals.executed > 300


@pytest.mark.parametrize("seed", [100, 101])
def test_networks(seed: int) -> None:
    outcomes = list(model_fuzz.fuzz_networks(30, seed))
    assert [o.case for o in outcomes] == list(range(30))
    assert not any(o.status == "finding" for o in outcomes), model_fuzz.summary(outcomes)
    assert sum(o.status == "ok" for o in outcomes) > 15


def test_broken_files() -> None:
    outcomes = list(model_fuzz.fuzz_files(100, 100))
    assert not any(o.status == "finding" for o in outcomes), model_fuzz.summary(outcomes)


@pytest.mark.parametrize("seed", [100, 101])
def test_delegates(seed: int) -> None:
    totals = npu_fuzz.fuzz(150, 45, 30, seed)
    assert not totals.findings, totals.report()
    assert totals.delegates > 150


@pytest.mark.parametrize("seed", [100, 101])
def test_hostile_archives(seed: int) -> None:
    compiled, findings = archive_fuzz.fuzz(150, seed)
    assert not findings
    assert 5 < compiled < 75


def test_damaged_program_files() -> None:
    ends, findings = pte_fuzz.fuzz(150, 100)
    assert not findings
    assert ends["ran"] and ends["refused"]
