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
from cmopt.lowering.delegate_to_ethos_u import AT_THE_END, ONLY_MOVES
from cmopt.lowering.tosa.calls import MAY_OVERFLOW
from cmopt.support.diagnostics import CompileError

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))
from peer_suites import figures, sample, tables
from peer_suites.compare import (
    DIVIDES_BY_ZERO,
    HAS_NO_KERNEL,
    IS_NOT_FINITE,
    NOTHING_TO_COMPUTE,
    OVERFLOW,
    SMALL,
    UPSTREAM_FAILS,
    UPSTREAM_IS_EMPTY,
    UPSTREAM_IS_FLOAT,
    UPSTREAM_IS_WIDE,
    UPSTREAM_IS_WRONG,
    against_baseline,
    baseline_entry,
    worse_than_upstream,
)
from peer_suites.outcomes import Result, of_exception, without_places
from peer_suites.processes import run_cases
from peer_suites.store import Store
from peer_suites.suites import Case, Suite, Uncollected, _of_module

SIZES = {"calls": 3, "core": 1, "float": 0, "delegates": 0, "arena": 80, "pte": 900}
ON_NPU = SIZES | {"delegates": 1, "core": 0, "cycles": 500}
SUITE = Suite("operators", "backends/test/suite/operators", "cortex-m55")


def result(
    outcome: str = "ok", flow: str = "ours", key: str = "s/m::f[a]", **changes: Any
) -> Result:
    is_ok = outcome == "ok"
    numbers = SIZES | {"steps": 0.0, "snr": 40.0} | changes if is_ok else {}
    return Result(key, flow, outcome, "" if is_ok else "run", "" if is_ok else "it says why",
                  figures=numbers)  # fmt: skip


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


def aspects(ours: Result, upstream: Result | None) -> list[str]:
    return [worse.aspect for worse in worse_than_upstream(ours, upstream)]


def upstream(outcome: str = "ok", **changes: Any) -> Result:
    return result(outcome, "upstream", **changes)


def test_equal_is_not_worse() -> None:
    assert aspects(result(), upstream()) == []
    assert aspects(result(steps=1.0, snr=39.0), upstream()) == []


def test_a_refusal_is_worse_only_if_upstream_compiles() -> None:
    assert aspects(result("refused"), upstream()) == ["compiles"]
    assert aspects(result("refused"), upstream("refused")) == []
    assert aspects(result("skipped"), upstream()) == []


@pytest.mark.parametrize("fault", ["error", "crash", "timeout", "wrong bytes"])
def test_a_fault_is_one_whatever_upstream_does(fault: str) -> None:
    assert aspects(result(fault), upstream()) == [fault]
    assert aspects(result(fault), None) == [fault]


@pytest.mark.parametrize(
    "change, aspect",
    [
        ({"steps": 2.0}, "steps"),
        ({"snr": 36.0}, "signal to noise, dB"),
        ({"integers": 1}, "wrong integers"),
        ({"float": 1}, "float operators"),
        ({"calls": 4}, "calls"),
        ({"arena": 96}, "arena, bytes"),
        ({"pte": 901}, ".pte, bytes"),
    ],
)
def test_each_aspect_on_a_core(change: dict[str, Any], aspect: str) -> None:
    assert aspects(result(**change), upstream()) == [aspect]


def test_noise_beyond_that_of_rounding_is_good_enough() -> None:
    assert aspects(result(snr=59.5), upstream(snr=200.0)) == []
    wide = "arm_u55_int16/m::f[a]"
    assert aspects(result(key=wide, snr=59.5), upstream(key=wide, snr=200.0)) == [
        "signal to noise, dB"]  # fmt: skip
    assert aspects(result(key=wide, snr=89.5), upstream(key=wide, snr=200.0)) == []


def test_noise_on_other_inputs_decides() -> None:
    ours, other = {"snr": 36.0, "snr_others": 45.0}, {"snr": 40.0, "snr_others": 45.5}
    assert aspects(result(**ours), upstream(**other)) == []
    assert aspects(result(**other), upstream(**ours | {"snr_others": 47.0})) == [
        "signal to noise, dB"]  # fmt: skip
    assert aspects(result(**ours), upstream()) == ["signal to noise, dB"]


def test_aspects_with_an_npu() -> None:
    other = upstream(**ON_NPU)
    assert aspects(result(**ON_NPU), other) == []
    assert aspects(result(**ON_NPU | {"delegates": 2, "core": 1}), other) == [
        "delegates", "operators on the core"]  # fmt: skip
    assert aspects(result(**ON_NPU | {"cycles": 506}), other) == ["cycles"]
    assert aspects(result(), other) == ["delegates"]
    assert aspects(result(**ON_NPU | {"pte": 5000}), upstream()) == []


def apart(ours: Result, other: Result) -> list[tuple[str, str]]:
    return [(worse.aspect, worse.apart) for worse in worse_than_upstream(ours, other)]


def test_what_does_not_do_the_same_is_set_apart() -> None:
    longer = result(calls=5, snr=30.0)
    for change, why in (({"float": 1}, UPSTREAM_IS_FLOAT), ({"integers": 2}, UPSTREAM_IS_WRONG)):
        assert apart(longer, upstream(**change)) == [
            ("signal to noise, dB", why), ("calls", why)]  # fmt: skip
    assert apart(result(calls=5), upstream(snr=9.0)) == [("calls", UPSTREAM_IS_WRONG)]
    assert apart(result(calls=5), upstream()) == [("calls", "")]


def test_a_program_that_upstreams_operators_cannot_run_is_set_apart() -> None:
    message = "it cannot be run: RuntimeError: …"
    other = Result("s/m::f[a]", "upstream", "ok", message=message, figures=SIZES)
    assert apart(result(calls=5), other) == [("calls", UPSTREAM_FAILS)]


def test_int8_and_int16_are_set_apart() -> None:
    key = "cortex_m/ops.test_div::test_dialect_div_int16[a]"
    wide = result(flow="upstream", key=key, snr=80.0)
    noise = "signal to noise, dB"
    assert apart(result(key=key), wide) == [(noise, UPSTREAM_IS_WIDE)]
    assert apart(result(flow="theirs", key=key), wide) == [(noise, "")]


def test_a_kernel_with_a_defect_is_set_apart_in_size_only() -> None:
    key = "cortex_m/ops.test_div::test_dialect_div[a]"
    ours, other = result(key=key, calls=7, snr=30.0), upstream(key=key)
    assert apart(ours, other) == [("signal to noise, dB", ""), ("calls", DIVIDES_BY_ZERO)]


def test_the_defect_of_upstreams_division() -> None:
    import executorch.backends.cortex_m.quantizer.quantizer  # noqa: F401, registers operators

    one, zero = torch.ones(1, dtype=torch.int8), torch.zeros(1, dtype=torch.int8)
    assert torch.ops.cortex_m.quantized_div(one, 0, zero, 0, 5, 1.0).tolist() == [5]


def test_a_file_that_cannot_run_is_set_apart() -> None:
    message = "CompileError: f: error: op aten.median needs the kernel aten::median.out, which …"
    ours = Result("s/m::f[a]", "ours", "refused", message=message)
    assert apart(ours, upstream()) == [("compiles", HAS_NO_KERNEL)]
    assert apart(result("refused"), upstream()) == [("compiles", "")]


def test_a_result_that_is_not_finite_is_set_apart() -> None:
    message = "CompileError: cosh: error: no calibration sample gave this value a finite element"
    ours = Result("s/m::f[a]", "ours", "refused", "quantize", message)
    assert apart(ours, upstream()) == [("compiles", IS_NOT_FINITE)]


def without_delegates(*reasons: str) -> Result:
    return Result("s/m::f[a]", "ours", "ok", figures=result().figures, reasons=list(reasons))


@pytest.mark.parametrize(
    "reasons, cycles, why",
    [
        (["aten.gt: no TOSA"], 500, ""),
        (["aten.gt: no TOSA"], 0, UPSTREAM_IS_EMPTY),
        ([f"edge.cat: {ONLY_MOVES}"], 500, NOTHING_TO_COMPUTE),
        ([f"edge.cat: {ONLY_MOVES}", "aten.gt: no TOSA"], 500, ""),
        ([], 500, NOTHING_TO_COMPUTE),
        ([f"edge.softmax: {AT_THE_END}"], 500, SMALL),
        ([f"edge.permute: {ONLY_MOVES}", f"edge.softmax: {AT_THE_END}"], 500, SMALL),
        ([f"aten.mul.Tensor: {MAY_OVERFLOW}"], 500, OVERFLOW),
        ([f"aten.mul.Tensor: {MAY_OVERFLOW}", "aten.gt: no TOSA"], 500, ""),
    ],
)
def test_a_program_without_delegates_says_why(reasons: list[str], cycles: int, why: str) -> None:
    other = upstream(**ON_NPU | {"cycles": cycles})
    (worse,) = worse_than_upstream(without_delegates(*reasons), other)
    assert (worse.aspect, worse.reason, worse.apart) == ("delegates", "; ".join(reasons), why)


def test_baseline_notes_what_became_worse_and_better() -> None:
    baseline = {"s/m::f[a]": {"ours": baseline_entry(result())}}
    assert baseline["s/m::f[a]"]["ours"] == ["ok", 0, 1, 0, 0.0, 40.0]
    assert against_baseline(result(), baseline) == (None, None)
    assert against_baseline(result(snr=38.0, steps=0.4), baseline) == (None, None)
    assert against_baseline(result(float=2), baseline) == ("float 0 → 2", None)
    assert against_baseline(result(steps=1.0), baseline) == ("steps 0 → 1", None)
    assert against_baseline(result(core=0), baseline) == (None, "core 1 → 0")
    worse, better = against_baseline(result("refused"), baseline)
    assert worse == "ok became refused: it says why" and better is None


def test_delegates_of_the_baseline() -> None:
    baseline = {"s/m::f[a]": {"ours": baseline_entry(result(**ON_NPU | {"delegates": 2}))}}
    assert against_baseline(result(**ON_NPU | {"delegates": 3}), baseline)[0] == "delegates 2 → 3"
    assert against_baseline(result(**ON_NPU | {"delegates": 0}), baseline)[0] == "delegates 2 → 0"
    assert against_baseline(result(**ON_NPU), baseline) == (None, "delegates 2 → 1")


def test_a_fault_is_worse_unless_the_baseline_knows_it() -> None:
    known = {"s/m::f[a]": {"ours": ["crash"]}}
    assert against_baseline(result("crash"), known) == (None, None)
    assert against_baseline(result("crash"), {})[0] == "crash: it says why"
    assert against_baseline(result("refused"), {}) == (None, None)
    refused = {"s/m::f[a]": {"ours": ["refused"]}}
    assert str(against_baseline(result("wrong bytes"), refused)[0]).startswith("refused became")
    assert against_baseline(result(), known)[1] == "crash became ok"


def test_baseline_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    sample.write_baseline([result(), result("crash", "theirs"), result(key="a/m::g")], path)
    read = sample.read_baseline(path)
    assert list(read) == ["a/m::g", "s/m::f[a]"]
    assert read["s/m::f[a]"]["theirs"] == ["crash"]
    assert len(path.read_text().splitlines()) == 4
    assert sample.judged([result(), result("crash", "theirs")], read) == ([], [])


# Tables


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
