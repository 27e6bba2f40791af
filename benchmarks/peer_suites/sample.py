"""The sample of cases that every change must pass, and its results in the baseline."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from peer_suites.compare import against_baseline, baseline_entry
from peer_suites.outcomes import Result
from peer_suites.suites import Case

EVERY = 29
"""The sample has one of this many cases."""

FLOWS = ("ours", "theirs")
"""The flows that use our compiler."""

FORMERLY_BAD = (
    "cortex_m/misc.test_portable_int8::test_shared_qspec_portable_int8_ops[index_put]",
    "cortex_m/ops.test_conv::test_dialect_conv2d[conv3d]",
    "operators/test_conv3d::test_conv3d_basic",
    "operators/test_convtranspose3d::test_convtranspose3d_basic",
    "operators/test_index_put::test_index_put_indices",
    "operators/test_upsample_bilinear2d::test_upsample_bilinear2d_downsampling",
    "arm_u55/test_acos::test_acos_u55_INT[edge_cases]",
    "arm_u55/test_atanh::test_atanh_u55_INT[ramp]",
    "arm_u55/test_cond::test_cond_u55_INT[nested_one_arg_one_output]",
    "arm_u55/test_logit::test_logit_u55_INT[ones]",
    "arm_u55/test_pixel_shuffling::test_pixel_shuffle_u55_INT[rand_4d_channels_last]",
    "arm_u55/test_var::test_var_dim_u55_INT[var_4d_dim_neg_3_keep_dim_biased]",
)
"""Cases that once ended in a crash, a traceback, wrong bytes or many steps."""

BASELINE = Path(__file__).with_name("baseline.json")


def chosen(cases: Sequence[Case]) -> list[Case]:
    """The sample of all cases. Raises ValueError if a formerly bad case is missing."""
    by_key = {case.key: case for case in cases}
    if gone := [key for key in FORMERLY_BAD if key not in by_key]:
        raise ValueError(f"no such case: {', '.join(gone)}")
    keys = dict.fromkeys([*FORMERLY_BAD, *(case.key for case in cases[::EVERY])])
    return [by_key[key] for key in keys]


def read_baseline(path: Path = BASELINE) -> dict[str, dict[str, list[Any]]]:
    """The baseline; empty if there is none."""
    return json.loads(path.read_text()) if path.exists() else {}


def write_baseline(results: Iterable[Result], path: Path = BASELINE) -> None:
    """Write the baseline, one line for each case, so that a diff of it is readable."""
    entries: dict[str, dict[str, list[Any]]] = {}
    for result in sorted(results, key=lambda r: (r.key, r.flow)):
        entries.setdefault(result.key, {})[result.flow] = baseline_entry(result)
    lines = [f"{json.dumps(key)}: {json.dumps(flows)}" for key, flows in entries.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def judged(
    results: Iterable[Result], baseline: Mapping[str, Mapping[str, list[Any]]]
) -> tuple[list[str], list[str]]:
    """A line for each result that is worse than the baseline, and for each that is better."""
    worse, better = [], []
    for result in results:
        down, up = against_baseline(result, baseline)
        if down:
            worse.append(f"{result.key}, {result.flow}: {down}")
        if up:
            better.append(f"{result.key}, {result.flow}: {up}")
    return worse, better
