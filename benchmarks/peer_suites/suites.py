"""The cases of the test modules in the installed ExecuTorch wheel, and PyTorch's own samples.

A case is a test function with one set of its parameters. Its model and inputs are those that the
function passes to ExecuTorch's tester. Nothing is run while the cases are listed.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import random
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

U55 = "cortex-m55+ethos-u55-128"
PYTORCH = "torch.testing"
"""The folder of the suite that has PyTorch's samples of its operators."""
INT16 = ("a16w8", "16a8w", "int16", "a16")
"""Parts of the names of tests with 16-bit activations."""


@dataclass(frozen=True)
class Suite:
    """A folder of test modules in the wheel, or PYTORCH, and the target of its models.

    npu_tests_only: only the tests for the target's NPU. int16: only those with activations of 16
    bits, else only the others.
    """

    name: str
    folder: str
    target: str
    npu_tests_only: bool = False
    int16: bool = False

    @property
    def has_npu(self) -> bool:
        """Whether the target has an NPU."""
        return "ethos-u" in self.target


SUITES = {
    suite.name: suite
    for suite in (
        Suite("cortex_m", "backends/cortex_m/test", "cortex-m55"),
        Suite("operators", "backends/test/suite/operators", "cortex-m55"),
        Suite("operators_u55", "backends/test/suite/operators", U55),
        Suite("arm_u55", "backends/arm/test/ops", U55, npu_tests_only=True),
        Suite("arm_u55_int16", "backends/arm/test/ops", U55, npu_tests_only=True, int16=True),
        Suite("pytorch", PYTORCH, "cortex-m55"),
    )
}


@dataclass(frozen=True)
class Case:
    """A test function and its parameters. `key` names it: "suite/module::function[parameters]".

    index: counts the models of the function. Some functions of the operator suite have several;
    their keys end in "#2", "#3" and so on.
    """

    key: str
    suite: Suite
    function: Callable[..., Any]
    arguments: dict[str, Any]
    index: int = 0


@dataclass(frozen=True)
class Uncollected:
    """A module or a function without a case, and the reason."""

    key: str
    reason: str


def seed(name: str) -> None:
    """Make the random numbers that are drawn next depend only on `name`."""
    import torch

    number = zlib.crc32(name.encode())
    random.seed(number)
    torch.manual_seed(number)


def collect(suite: Suite) -> tuple[list[Case], list[Uncollected]]:
    """All cases of a suite, ordered by key, and the modules and functions without a case."""
    if suite.folder == PYTORCH:
        from peer_suites import pytorch_samples

        return list(pytorch_samples.cases(suite)), []
    import executorch

    root = Path(next(iter(executorch.__path__)))
    folder = root / suite.folder
    # Some modules of the Arm backend import their own `conftest` by that name.
    sys.path.append(str(root / "backends" / "arm" / "test"))
    cases: list[Case] = []
    missing: list[Uncollected] = []
    try:
        for path in sorted(folder.rglob("test_*.py")):
            short = ".".join(path.relative_to(folder).with_suffix("").parts)
            name = ".".join(("executorch", *path.relative_to(root).with_suffix("").parts))
            try:
                seed(name)  # modules draw inputs when they are imported
                module = importlib.import_module(name)
            except BaseException as error:  # pytest's own "skip this module" is not an Exception.
                if isinstance(error, KeyboardInterrupt):
                    raise
                missing.append(Uncollected(f"{suite.name}/{short}", _one_line(error)))
                continue
            for item in _of_module(suite, short, module):
                (cases if isinstance(item, Case) else missing).append(item)  # type: ignore[arg-type]
    finally:
        sys.path.pop()
    return cases, missing


def _of_module(suite: Suite, short: str, module: ModuleType) -> Iterator[Case | Uncollected]:
    names = [name for name, value in vars(module).items() if name.startswith("test_")
             and callable(value)]  # fmt: skip
    for name in sorted(names):
        function = getattr(module, name)
        if function.__module__ != module.__name__ and suite.folder.endswith("ops"):
            continue  # imported from another test module
        if not _is_wanted(suite, name, names):
            continue
        key = f"{suite.name}/{short}::{name}"
        try:
            parameters = list(_parameters(function))
        except (AttributeError, TypeError, ValueError) as error:
            yield Uncollected(key, f"its parameters cannot be read: {_one_line(error)}")
            continue
        for label, arguments in parameters:
            for index in range(_models_in(function)):
                number = f"#{index + 1}" if index else ""
                yield Case(f"{key}{label}{number}", suite, function, arguments, index)


def _models_in(function: Any) -> int:
    """How many models a function passes to the operator suite's runner: its calls in the source."""
    inner = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    sources = [inspect.getsource(f) for f in (function, *inner) if inspect.isfunction(f)]
    calls = max(source.count("self._test_op(") for source in sources)
    return max(calls, *(source.count(".lower_and_run_model(") for source in sources), 1)


def _is_wanted(suite: Suite, name: str, names: list[str]) -> bool:
    """Whether a test is the chosen one of those that have the same models."""
    if suite.npu_tests_only:
        is_int16 = any(word in name.lower() for word in INT16)
        return "u55" in name.lower() and is_int16 == suite.int16
    twin = name.replace("test_implementation_", "test_dialect_")
    return twin == name or twin not in names


def _parameters(function: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The label and the arguments of each combination of a function's `parametrize` marks."""
    marks = [mark for mark in getattr(function, "pytestmark", ()) if mark.name == "parametrize"]
    axes = [list(_axis(mark)) for mark in marks]
    for choice in itertools.product(*axes):
        labels = [label for label, _ in choice]
        arguments = {name: value for _, values in choice for name, value in values.items()}
        yield (f"[{'-'.join(labels)}]" if labels else "", arguments)


def _axis(mark: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    names, rows = mark.args[0], mark.args[1]
    if isinstance(names, str):
        names = [name.strip() for name in names.split(",")]
    ids = mark.kwargs.get("ids")
    for index, row in enumerate(rows):
        is_param = hasattr(row, "marks") and hasattr(row, "values")
        values = tuple(row.values) if is_param else row
        if not is_param:
            values = (row,) if len(names) == 1 else tuple(row)
        label = row.id if is_param else None
        if label is None and callable(ids):
            label = "-".join(str(ids(value)) for value in values)
        elif label is None and ids is not None:
            label = str(ids[index])
        yield str(label) if label is not None else str(index), dict(zip(names, values, strict=True))


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
