"""Where a result is worse than another: ours than upstream's, or a new one than the baseline's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cmopt.frontend.annotation import ROOM
from cmopt.lowering.delegate_to_ethos_u import AT_THE_END, ONLY_MOVES
from cmopt.lowering.tosa.calls import MAY_OVERFLOW
from peer_suites.outcomes import CANNOT_RUN, FAULTS, OK, SKIPPED, Result

BASELINE_FIGURES = ("float", "core", "delegates", "steps", "snr")
"""The figures that the baseline keeps of an ok result, in this order, after the outcome."""

NOISE = "signal to noise, dB"
"""The aspect of noise."""

OTHERS = "snr_others"
"""The figure of noise on other inputs. It decides if both results have it; see `other_inputs`."""

NOISE_DB = 1.0
"""A result that is lower than upstream's by more than this is worse."""

BASELINE_NOISE_DB = 3.0
"""The same against the baseline, which other random inputs may have made."""

GOOD_ENOUGH_DB, GOOD_ENOUGH_INT16_DB = 60.0, 90.0
"""Signal-to-noise ratios above these count as equal: rounding alone gives 50 and 98 dB."""

ROOM_DB = 20 * math.log10(ROOM)
"""What the room in an int16 range costs. It pays on values that leave the range of the calibration,
which the other inputs of a case never do."""

ONLY_ROUNDING_DB = 80.0
"""Above this, the rounding to int16 makes the noise. Rounded weights leave about 50 dB."""

WRONG_DB = 10.0
"""A result below this does not tell what the model computes."""

UPSTREAM_IS_FLOAT = "upstream computes in float"
UPSTREAM_IS_WRONG = "upstream's result is wrong"
UPSTREAM_FAILS = "upstream's operators fail when they run it"
UPSTREAM_IS_WIDE = "upstream is set to int16, ours to int8"
UPSTREAM_IS_EMPTY = "upstream's delegate computes nothing"
DIVIDES_BY_ZERO = "upstream's kernel gives 0 for a division by 0"
COMPARES_STORED = "upstream compares stored integers with the real number"
IS_UNDEFINED = "upstream's kernel is undefined if a row's exponentials sum to 512"
HAS_NO_KERNEL = "the stock runtime has no kernel for it"
IS_NOT_FINITE = "its result is infinite or not a number"
NOTHING_TO_COMPUTE = "nothing is computed, so the NPU is not called"
NOBODY_IS_RIGHT = "neither result tells what the model computes"
LEAVES_ROOM = "ours leaves room in an int16 range for values that were not seen"
SMALL = "a softmax of 32 elements at most is smaller on the core"
OVERFLOW = "an integer may overflow, which TOSA leaves undefined"

REFUSALS = {
    "needs the kernel aten::": HAS_NO_KERNEL,
    "gave this value a finite element": IS_NOT_FINITE,
}
"""Why a model that upstream compiles is refused, by a part of the message: the result of upstream's
program is of no use."""

DEFECTS = {
    "cortex_m/misc.test_portable_int8::test_shared_qspec_portable_int8_ops[ne_": COMPARES_STORED,
    "cortex_m/ops.test_div::": DIVIDES_BY_ZERO,
    "cortex_m/ops.test_softmax::test_dialect_softmax[large_tensor]": IS_UNDEFINED,
}
"""By the beginning of a case's name: a defect of a kernel that upstream's program calls. Ours gives
the result of the quantized model there, which takes more operators."""


@dataclass(frozen=True)
class Worse:
    """An aspect in which a case is worse, the two values, and the reason if the report has one.

    apart: why the two values cannot be compared; empty if they can.
    """

    key: str
    flow: str
    aspect: str
    ours: str
    upstream: str
    reason: str = ""
    apart: str = ""


def worse_than_upstream(ours: Result, upstream: Result | None) -> list[Worse]:
    """Every aspect in which a result of ours is worse than upstream's.

    A fault of ours always counts. A case that upstream cannot compile, or that was skipped, is not
    compared further.
    """
    if ours.outcome in FAULTS:
        theirs = upstream.outcome if upstream is not None else ""
        return [_worse(ours, ours.outcome, ours.outcome, theirs, _fault(ours))]
    if upstream is None or upstream.outcome != OK or ours.outcome == SKIPPED:
        return []
    if ours.outcome != OK:
        apart = next((why for text, why in REFUSALS.items() if text in ours.message), "")
        return [_worse(ours, "compiles", ours.outcome, OK, ours.message, apart)]
    return [*_worse_numbers(ours, upstream), *_worse_sizes(ours, upstream)]


def _worse(
    result: Result, aspect: str, ours: Any, upstream: Any, reason: str = "", apart: str = ""
) -> Worse:
    return Worse(result.key, result.flow, aspect, _text(ours), _text(upstream), reason, apart)


def _fault(result: Result) -> str:
    return f"{result.message} ({result.frame})" if result.frame else result.message


def _apart(ours: Result, upstream: Result) -> str:
    """Why the size and the noise of two programs cannot be compared; empty if they can."""
    a, b = ours.figures, upstream.figures
    if CANNOT_RUN in upstream.message:
        return UPSTREAM_FAILS
    suite, _, test = ours.key.partition("/")
    if ours.flow == "ours" and suite == "cortex_m" and "int16" in test:
        return UPSTREAM_IS_WIDE
    noise, theirs = a.get("snr"), b.get("snr")
    is_noise = noise is not None and theirs is not None and theirs < WRONG_DB <= noise
    if is_noise or (b.get("integers") or 0) > (a.get("integers") or 0):
        return UPSTREAM_IS_WRONG
    if b.get("float", 0) > a.get("float", 0):
        return UPSTREAM_IS_FLOAT
    return ""


def _defect(ours: Result) -> str:
    return next((why for name, why in DEFECTS.items() if ours.key.startswith(name)), "")


def _is_wide(result: Result) -> bool:
    """Whether a result is of a suite in int16."""
    return result.key.partition("/")[0].endswith("_int16")


def _worse_numbers(ours: Result, upstream: Result) -> list[Worse]:
    """Worse results: steps from the quantized model, noise, wrong integers."""
    found = []
    a, b = ours.figures, upstream.figures
    if a.get("steps") is not None and a["steps"] > max(1.0, b.get("steps") or 0.0):
        found.append(_worse(ours, "steps", a["steps"], b.get("steps")))
    name = OTHERS if a.get(OTHERS) is not None and b.get(OTHERS) is not None else "snr"
    if a.get(name) is not None and b.get(name) is not None:
        goal = min(b[name], GOOD_ENOUGH_INT16_DB if _is_wide(ours) else GOOD_ENOUGH_DB)
        if a[name] < goal - NOISE_DB:
            apart = _apart(ours, upstream) or _apart_in_noise(ours, goal, a[name])
            found.append(_worse(ours, NOISE, a[name], b[name], apart=apart))
    if (a.get("integers") or 0) > (b.get("integers") or 0):
        apart = _apart(ours, upstream) or _defect(ours)
        row = _worse(ours, "wrong integers", a["integers"], b.get("integers"), apart=apart)
        found.append(row)
    return found


def _apart_in_noise(ours: Result, goal: float, ratio: float) -> str:
    """Why the noise alone of two programs cannot be compared; empty if it can.

    goal: the ratio to reach, in dB. ratio: that of ours.
    """
    if goal < WRONG_DB:
        return NOBODY_IS_RIGHT
    leaves_room = ours.flow == "ours" and _is_wide(ours) and ratio >= ONLY_ROUNDING_DB
    return LEAVES_ROOM if leaves_room and ratio >= goal - NOISE_DB - ROOM_DB else ""


def _worse_sizes(ours: Result, upstream: Result) -> list[Worse]:
    """Worse programs: more operators on the core, more cycles, calls or bytes."""
    a, b = ours.figures, upstream.figures
    reason = "; ".join(ours.reasons)
    apart = _apart(ours, upstream) or _defect(ours)
    found = []
    if a.get("float", 0) > b.get("float", 0):
        row = _worse(ours, "float operators", a["float"], b["float"], reason, _defect(ours))
        found.append(row)
    if b.get("delegates"):
        apart = apart or ("" if b["cycles"] else UPSTREAM_IS_EMPTY)
        if not a["delegates"]:
            apart = apart or _why_no_delegate(ours)
            return [*found, _worse(ours, "delegates", 0, b["delegates"], reason, apart)]
        if a["delegates"] > b["delegates"]:
            found.append(_worse(ours, "delegates", a["delegates"], b["delegates"], reason, apart))
        if a["core"] > b["core"]:
            aspect = "operators on the core"
            found.append(_worse(ours, aspect, a["core"], b["core"], reason, apart))
        if a["cycles"] > 1.01 * b["cycles"]:
            found.append(_worse(ours, "cycles", a["cycles"], b["cycles"], apart=apart))
    elif a.get("delegates"):
        return found  # Only ours uses the NPU: sizes cannot be compared.
    elif a["calls"] > b["calls"]:
        found.append(_worse(ours, "calls", a["calls"], b["calls"], reason, apart))
    for name, aspect in (("arena", "arena, bytes"), ("pte", ".pte, bytes")):
        if a[name] > b[name]:
            found.append(_worse(ours, aspect, a[name], b[name], apart=apart))
    return found


NO_DELEGATE = {ONLY_MOVES: NOTHING_TO_COMPUTE, AT_THE_END: SMALL, MAY_OVERFLOW: OVERFLOW}
"""Why a program without a delegate is set apart, by the reason that all its ops have."""


def _why_no_delegate(result: Result) -> str:
    """Why a program without a delegate cannot be compared with one on the NPU; empty if it can.

    Ops that only move data do not count if another op has a reason.
    """
    known = [next((r for r in NO_DELEGATE if text.endswith(r)), "") for text in result.reasons]
    reasons = set(known) - {ONLY_MOVES} or {ONLY_MOVES}
    return NO_DELEGATE.get(reasons.pop(), "") if len(reasons) == 1 else ""


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)


Baseline = Mapping[str, Mapping[str, list[Any]]]


def baseline_entry(result: Result) -> list[Any]:
    """The baseline's entry for a result: its outcome and, if it is ok, some figures."""
    if result.outcome != OK:
        return [result.outcome]
    return [OK, *(result.figures.get(name) for name in BASELINE_FIGURES)]


def against_baseline(result: Result, baseline: Baseline) -> tuple[str | None, str | None]:
    """What is worse than the baseline, and what is better: a phrase or None for each.

    A case that is not in the baseline is worse if it ends in a fault. A fault that is in the
    baseline is neither worse nor better.
    """
    before = baseline.get(result.key, {}).get(result.flow)
    if before is None:
        is_fault = result.outcome in FAULTS
        return (f"{result.outcome}: {_fault(result)}" if is_fault else None), None
    if result.outcome != before[0]:
        phrase = f"{before[0]} became {result.outcome}" + (
            f": {_fault(result)}" if result.message else ""
        )
        is_worse = result.outcome in FAULTS or before[0] == OK
        return (phrase, None) if is_worse else (None, phrase)
    if result.outcome != OK:
        return None, None
    old = dict(zip(BASELINE_FIGURES, before[1:], strict=True))
    worse, better = [], []
    for name in BASELINE_FIGURES:
        was, now = old[name], result.figures.get(name)
        change = _change(name, was, now)
        if change:
            (worse if change > 0 else better).append(f"{name} {_text(was)} → {_text(now)}")
    return ", ".join(worse) or None, ", ".join(better) or None


def _change(name: str, was: float | None, now: float | None) -> int:
    """1 if a figure became worse, -1 if it became better, 0 if it is unchanged."""
    if was is None or now is None:
        return 0
    if name == "snr":
        was, now = min(was, GOOD_ENOUGH_DB), min(now, GOOD_ENOUGH_DB)
        return (now < was - BASELINE_NOISE_DB) - (now > was + BASELINE_NOISE_DB)
    if name == "delegates":  # 0 is worst; otherwise fewer are better
        return (not now and bool(was)) or (bool(was) and now > was) or -(now != was)
    tolerance = 0.5 if name == "steps" else 0
    return (now > was + tolerance) - (now < was - tolerance)
