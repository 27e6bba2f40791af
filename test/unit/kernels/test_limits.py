"""The host library is built from the compiler's table of limits."""

from __future__ import annotations

import runpy
from pathlib import Path

from cmopt.dialects.cortex_m import limits

ROOT = Path(__file__).parents[3]


def test_the_header_has_every_number_of_the_table() -> None:
    writer = runpy.run_path(str(ROOT / "kernels" / "write_limits.py"))
    text = writer["header"](limits.__file__)
    names = [name for name, value in vars(limits).items() if isinstance(value, int)]
    assert {"LONGEST_STEP", "MOST_BYTES", "LONGEST_SOFTMAX"} <= set(names)
    for name in names:
        constant = f"k{name.title().replace('_', '')} = {getattr(limits, name)};"
        assert f"constexpr int64_t {constant}" in text


def test_no_kernel_has_a_limit_of_its_own() -> None:
    for source in (ROOT / "kernels" / "ops").iterdir():
        text = source.read_text()
        assert not any(number in text for number in ("65535", "32767", "511")), source.name
