"""The peer suites: how outcomes are judged, and that no case ends the run."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from cmopt.dialects.shapes import inverse
from cmopt.support.diagnostics import CompileError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))
from peer_results import result, upstream
from peer_suites import figures, tables
from peer_suites.outcomes import Result, of_exception, without_places
from peer_suites.processes import run_cases
from peer_suites.recording import Recorded
from peer_suites.store import Store
from peer_suites.suites import Case, Suite, Uncollected, _of_module

SUITE = Suite("operators", "backends/test/suite/operators", "cortex-m55")


def raised(function: Any) -> BaseException:
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


# Classification


def test_a_compile_error_is_a_refusal() -> None:
    def refuse() -> None:
        raise CompileError("no kernel")

    outcome, message, frame = of_exception(raised(refuse), "ours")
    assert (outcome, message, frame) == ("refused", "CompileError: error: no kernel", "")


def test_what_our_code_raises_for_an_argument_is_a_refusal() -> None:
    import cmopt

    error = raised(lambda: cmopt.quantize("no module", ()))  # type: ignore[arg-type]
    assert of_exception(error, "ours")[0] == "refused"


def test_a_value_error_of_another_library_is_an_error_with_our_innermost_frame() -> None:
    error = raised(lambda: inverse([1, 7]))  # an index beyond the end
    outcome, message, frame = of_exception(error, "theirs")
    assert outcome == "error"
    assert "Error: " in message
    assert frame.startswith("dialects/shapes.py:")
    assert frame.endswith(" in inverse")


def test_the_cause_is_what_was_raised_first() -> None:
    def passes() -> None:
        try:
            inverse([1, 7])
        except Exception as error:
            raise KeyError("internal") from error

    outcome, message, frame = of_exception(raised(passes), "ours")
    assert outcome == "error"
    assert message.startswith("KeyError")
    assert frame.endswith(" in inverse")


def test_whatever_upstream_raises_is_a_refusal() -> None:
    assert of_exception(KeyError("x"), "upstream") == ("refused", "KeyError: 'x'", "")


def test_messages_name_no_folder_and_no_address() -> None:
    text = without_places("in /some/where/file.py\n at 0x7f00deadbeef,  twice")
    assert text == "in file.py at 0x…, twice"
    assert len(without_places("x" * 900)) == 400


# Figures


def test_bytes_are_compared_and_not_numbers() -> None:
    zero, minus = torch.tensor([1.0, 0.0]), torch.tensor([1.0, -0.0])
    nan = torch.tensor([float("nan")])
    assert figures.first_difference([zero], [zero.clone()]) is None
    assert figures.first_difference([nan], [nan.clone()]) is None
    assert "1 of 2 elements, 0.0 and -0.0 at 1" in str(figures.first_difference([zero], [minus]))
    assert "2 outputs" in str(figures.first_difference([zero, nan], [zero]))
    assert "float32" in str(figures.first_difference([zero], [zero.double()]))


def test_steps_are_of_the_output_and_far_where_a_number_is_missing() -> None:
    a, b = torch.tensor([0.0, 1.5]), torch.tensor([0.0, 1.0])
    assert figures.steps([a], [b], [0.25]) == 2.0
    assert figures.steps([a], [b], [None]) is None
    assert (
        figures.steps([torch.tensor([float("nan")])], [torch.tensor([1.0])], [1.0]) == figures.FAR
    )


def test_float_operators_may_round_by_one_step() -> None:
    a, one_step, two_steps = (torch.tensor([0.0, x]) for x in (1.0, 1.25, 1.5))
    assert figures.is_rounding([one_step], [a], [0.25])
    assert not figures.is_rounding([two_steps], [a], [0.25])
    assert not figures.is_rounding([one_step], [a], [None])
    assert figures.is_rounding([a * 1.00001], [a], [None])
    assert not figures.is_rounding([torch.tensor([1])], [torch.tensor([2])], [None])
    nan = torch.tensor([float("nan"), 1.0])
    assert figures.is_rounding([nan], [nan.clone()], [0.25])
    assert not figures.is_rounding([a], [nan], [0.25])


@pytest.mark.parametrize("dtype", [torch.int8, torch.int16])
def test_borders_quantize_and_dequantize(dtype: torch.dtype) -> None:
    """As the operators do. A program with a float input has no borders."""
    limits = torch.iinfo(dtype)
    numbers = (0.1, 0, limits.min, limits.max, dtype)
    operators = torch.ops.quantized_decomposed

    class Bordered(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            stored = operators.quantize_per_tensor(x, *numbers)
            return operators.dequantize_per_tensor(stored, *numbers)  # type: ignore[no-any-return]

    x = torch.randn(2, 3)
    program = torch.export.export(Bordered(), (x,))
    found = figures.borders(program)
    assert found is not None
    stored = found.inputs[0].quantize(x)
    assert stored.dtype.itemsize * 8 == limits.bits
    (expected,) = figures.flat(program.module()(x))
    as_bytes = stored.view(np.uint8)
    assert torch.equal(found.outputs[0].dequantize(as_bytes).reshape(2, 3), expected)
    assert figures.borders(torch.export.export(torch.nn.ReLU(), (x,))) is None


def test_noise_is_that_of_the_worst_output() -> None:
    signal_, fine, bad = torch.ones(4), torch.ones(4) * 1.001, torch.ones(4) * 1.1
    assert figures.noise([fine, bad], [signal_, signal_]) == 20.0
    assert figures.noise([signal_], [signal_]) == 200.0
    assert figures.noise([signal_], [torch.zeros(4)]) is None
    assert figures.wrong_integers([torch.tensor([1, 2])], [torch.tensor([1, 3])]) == 1


# Comparing


def test_the_page_has_counts_and_only_worse_rows() -> None:
    every = [result(), upstream(), result("crash", key="s/m::f[b]"), upstream(key="s/m::f[b]"),
             result(pte=990, key="s/m::g"), upstream(key="s/m::g"),
             result(pte=990, key="s/m::h"), upstream(key="s/m::h", float=1)]  # fmt: skip
    results = {(r.key, r.flow): r for r in every}
    page = tables.document(results, {"s": ("folder", "cortex-m55")}, "1.2.3")
    assert "ExecuTorch 1.2.3" in page
    assert "| s | ours | 4 | 3 | 0 | 0 | 1 | 0 | 0 | 0 | 3 | 0 |" in page
    assert "| `m::f[b]` | 1 of 4 | crash | crash | ok | it says why |" in page
    assert "| `m::g` | 1 of 4 | .pte, bytes | 990 | 900 |  |" in page
    assert "| s | ours | 3 | 0 | crash 1, .pte, bytes 1 | upstream computes in float 1 |" in page
    assert "m::f[a]" not in page
    assert "m::h" not in page


def test_the_worst_case_stands_for_its_module() -> None:
    every = [result(pte=pte, key=f"s/m::f[{pte}]") for pte in (901, 1800, 950)]
    every += [upstream(key=f"s/m::f[{pte}]") for pte in (901, 1800, 950)]
    results = {(r.key, r.flow): r for r in every}
    page = tables.document(results, {"s": ("folder", "cortex-m55")}, "1")
    assert "| `m::f[1800]` | 3 of 3 | .pte, bytes | 1,800 | 900 |" in page


def test_a_cell_keeps_its_bars() -> None:
    assert tables.table(["a"], [["x | y\nz"]]).endswith("| x \\| y z |")


# Going on


def test_results_are_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "results.jsonl"
    store = Store(path)
    store.add(result())
    store.add(result("crash", "theirs"))
    with path.open("a") as file:
        file.write('{"key": "cut o')
    again = Store(path)
    assert again.results == store.results
    assert again.missing("s/m::f[a]", ("ours", "theirs", "upstream")) == ["upstream"]
    again.add(result("ok", "theirs"))
    assert Store(path).results["s/m::f[a]", "theirs"].outcome == "ok"


# Collecting


class Mark:
    name = "parametrize"

    def __init__(self, *args: Any, **kwargs: Any):
        self.args, self.kwargs = args, kwargs


def test_cases_are_products_of_parameters() -> None:
    def test_two(a: int, b: int) -> None: ...

    module = ModuleType("m")
    test_two.__module__ = "m"
    test_two.pytestmark = [  # type: ignore[attr-defined]
        Mark("a", [pytest.param(1, id="one"), pytest.param(2, id="two")]),
        Mark("b", [np.int64(3)], ids=str),
    ]
    module.test_two = test_two  # type: ignore[attr-defined]
    cases = list(_of_module(SUITE, "m", module))
    assert [case.key for case in cases] == [
        "operators/m::test_two[one-3]", "operators/m::test_two[two-3]"]  # fmt: skip
    assert isinstance(cases[1], Case) and cases[1].arguments == {"a": 2, "b": 3}


def test_a_function_with_two_models_gives_two_cases() -> None:
    def test_both(test_runner: Any) -> None:
        test_runner.lower_and_run_model(None, ())
        test_runner.lower_and_run_model(None, ())

    module = ModuleType("m")
    test_both.__module__ = "m"
    module.test_both = test_both  # type: ignore[attr-defined]
    cases = [case for case in _of_module(SUITE, "m", module) if not isinstance(case, Uncollected)]
    assert [(case.key, case.index) for case in cases] == [
        ("operators/m::test_both", 0), ("operators/m::test_both#2", 1)]  # fmt: skip


def test_the_samples_that_calibrate_a_test_calibrate_ours() -> None:
    from executorch.backends.cortex_m.test.tester import CortexMQuantize

    inputs, others = (torch.ones(2),), [(torch.zeros(2),), (torch.ones(2),)]
    for samples, expected in ((None, [inputs]), (others, others)):
        stage = CortexMQuantize(calibration_samples=samples)
        assert Recorded(torch.nn.ReLU(), inputs, None, stage).calibration == expected


# Processes


def case(name: str) -> Case:
    return Case(name, SUITE, print, {})


def body(case: Case, flows: Any, emit: Any) -> None:
    for flow in flows:
        emit({"phase": "at work"})
        if case.key == "dies" and flow == "ours":
            print("last words", flush=True)
            os.kill(os.getpid(), signal.SIGSEGV)
        if case.key == "hangs":
            time.sleep(3600)
        if case.key == "raises":
            raise RuntimeError("in the tool")
        emit({"result": Result(case.key, flow, "ok").to_json()})


def outcomes(names: list[str], folder: Path, timeout: float, until: float = 1e12) -> dict[Any, Any]:
    work = [(case(name), ("ours", "theirs")) for name in names]
    found = run_cases(work, body, jobs=2, timeout=timeout, folder=folder, until=until)
    return {(r.key, r.flow): (r.outcome, r.phase, r.message) for r in found}


def test_a_crash_ends_one_flow_of_one_case(tmp_path: Path) -> None:
    found = outcomes(["fine", "dies", "raises"], tmp_path, timeout=60)
    assert found["fine", "ours"][0] == found["fine", "theirs"][0] == "ok"
    assert found["dies", "ours"] == ("crash", "at work", "SIGSEGV: last words")
    assert found["dies", "theirs"][0] == "ok"
    assert found["raises", "ours"] == ("crash", "at work", "exit code 1: RuntimeError: in the tool")
    assert len(found) == 6
    assert not list(tmp_path.iterdir())


def test_what_does_not_end_is_ended(tmp_path: Path) -> None:
    found = outcomes(["hangs"], tmp_path, timeout=0.2)
    assert [outcome for outcome, _, _ in found.values()] == ["timeout", "timeout"]


def test_no_case_begins_when_the_time_is_over(tmp_path: Path) -> None:
    assert outcomes(["fine"], tmp_path, timeout=60, until=0.0) == {}
