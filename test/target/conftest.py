"""Fixtures of the tests on emulated cores. Their helper modules are in this directory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
sys.path.insert(0, str(Path(__file__).parent))


from cmopt.codegen.c.project import KERNELS
from cmopt.pipeline.board import PACKAGES, Board, missing_tools
from cmopt.support.cores import core_of

REQUIRE = "CMOPT_REQUIRE_TARGET"
"""If this environment variable is 1, missing tools fail the tests instead of skipping them."""

cached_missing_tools = cache(missing_tools)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail, every test of this directory if tools are missing. All give the same line."""
    if missing := cached_missing_tools():
        message = f"no {', '.join(missing)}: install {' '.join(PACKAGES)}"
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)


@pytest.fixture(scope="session")
def board(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Board]:
    """A board by the name of its target. Its kernels are compiled once per session."""

    @cache
    def make(target: str) -> Board:
        return Board(
            core_of(target), tmp_path_factory.mktemp(target), KERNELS, options=("-Werror",)
        )

    return make
