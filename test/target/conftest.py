"""Shared by the tests on emulated cores. Their helper modules lie in this directory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
sys.path.insert(0, str(Path(__file__).parent))

from cores import CORES
from toolchain import PACKAGES, Board, missing_tools

REQUIRE = "CMOPT_REQUIRE_TARGET"
"""Set to 1 in the environment: tools that are missing fail the tests instead of skipping them."""

cached_missing_tools = cache(missing_tools)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail, every test of this directory if there are no tools; one line for all."""
    if missing := cached_missing_tools():
        message = f"no {', '.join(missing)}: install {' '.join(PACKAGES)}"
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)


@pytest.fixture(scope="session")
def board(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Board]:
    """A board by the name of its target; its kernels are compiled once per session."""

    @cache
    def make(target: str) -> Board:
        return Board(CORES[target], tmp_path_factory.mktemp(target))

    return make
