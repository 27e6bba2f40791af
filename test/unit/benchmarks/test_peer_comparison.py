"""The peer suites: what is worse than upstream or the baseline, and what is set apart."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from cmopt.lowering.delegate_to_ethos_u import AT_THE_END, ONLY_MOVES
from cmopt.lowering.tosa.calls import MAY_OVERFLOW

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))
from peer_results import ON_NPU, SIZES, result, upstream
from peer_suites import sample
from peer_suites.compare import (
    COMPARES_STORED,
    DIVIDES_BY_ZERO,
    HAS_NO_KERNEL,
    IS_NOT_FINITE,
    LEAVES_ROOM,
    NOBODY_IS_RIGHT,
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
from peer_suites.outcomes import Result


def aspects(ours: Result, upstream: Result | None) -> list[str]:
    return [worse.aspect for worse in worse_than_upstream(ours, upstream)]


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


def test_noise_is_set_apart_if_nobody_is_right() -> None:
    noise = "signal to noise, dB"
    assert apart(result(snr=-17.3), upstream(snr=-15.0)) == [(noise, NOBODY_IS_RIGHT)]
    assert apart(result(snr=-17.3), upstream(snr=10.0)) == [(noise, "")]


@pytest.mark.parametrize(
    ("flow", "goal", "ratio", "why"),
    [
        ("ours", 95.0, 87.2, LEAVES_ROOM),
        ("ours", 95.0, 86.9, ""),
        ("ours", 50.0, 48.0, ""),
        ("theirs", 95.0, 87.2, ""),
    ],
)
def test_the_room_of_int16_ranges_is_set_apart(
    flow: str, goal: float, ratio: float, why: str
) -> None:
    key = "arm_u55_int16/m::f[a]"
    ours, other = result(key=key, flow=flow, snr=ratio), upstream(key=key, snr=goal)
    assert apart(ours, other) == [("signal to noise, dB", why)]


def test_wrong_integers_are_set_apart_too() -> None:
    ours = result(integers=1)
    assert apart(ours, upstream(integers=0)) == [("wrong integers", "")]
    assert apart(ours, upstream(integers=0, float=1)) == [("wrong integers", UPSTREAM_IS_FLOAT)]
    key = "cortex_m/misc.test_portable_int8::test_shared_qspec_portable_int8_ops[ne_scalar]"
    ours, other = result(key=key, integers=1), upstream(key=key, integers=0)
    assert apart(ours, other) == [("wrong integers", COMPARES_STORED)]
