"""Lookup tables of functions that are undefined in a part of their operand's range."""

from __future__ import annotations

import numpy as np
import pytest

from cmopt.arithmetic.lookup_tables import lookup_of, with_nearest_defined
from cmopt.dialects.arrays import dequantize, quantize
from cmopt.dialects.parsing import make_context, parse_module
from cmopt.dialects.quant import qtype_of
from cmopt.pipeline.interpreting import interpret
from cmopt.pipeline.passes import parse_pipeline, run_passes

EVERY = np.arange(-128, 128).astype(np.int8)
PIPELINES = [
    "convert-edge-to-cortex-m,canonicalize",
    'delegate-to-ethos-u{npu="ethos-u55-128"},verify-stage{stage=ethos_u}',
]


def text_of(body: str, source: str, target: str) -> str:
    a, b = (f"tensor<256x!quant.uniform<i8:f32, {type}>>" for type in (source, target))
    return (
        f"func.func @forward(%x: {a}) -> {b} {{\n  {body.format(a=a, b=b)}\n"
        f"  func.return %0 : {b}\n}}"
    )


CASES = [
    # The range [-1, 1] in steps of 2/255: rounding moves its ends beyond 1.
    ("edge.acos %x", "0.007874:0", "0.0123:-128", {-128: 127, 127: -128}),
    ("edge.asin %x", "0.007874:0", "0.0124:0", {-128: -127, 127: 126}),
    ("edge.log %x", "0.05:-120", "0.05:0", {-128: -128, -121: -128, -120: -128}),
    ("edge.sqrt %x", "0.05:-100", "0.02:-128", {-128: -128, -101: -128, -100: -128}),
    # An infinity counts as a value. It saturates.
    ("edge.rsqrt %x", "0.05:-100", "0.02:-128", {-128: 127, -101: 127, -100: 127}),
    ("edge.acosh %x", "0.05:-100", "0.02:-128", {-128: -128, -81: -128}),
    # In steps of 1000, 0 stands for 1 to 500: the mean of acosh there is log(2 * 500) - 1 = 5.9.
    ("edge.acosh %x", "1000.0:-100", "0.1:-128", {-128: -69, -101: -69, -100: -69, -99: -52}),
    ("edge.pow %x {{exponent = 0.5 : f32}}", "0.05:-100", "0.02:-128", {-128: -128}),
]


@pytest.mark.parametrize("pipeline", PIPELINES, ids=["core", "npu"])
@pytest.mark.parametrize(("op", "source", "target", "wanted"), CASES, ids=lambda c: str(c)[:12])
def test_undefined_entries_are_the_nearest_defined(
    op: str, source: str, target: str, wanted: dict[int, int], pipeline: str
) -> None:
    """Defined entries keep the op's meaning."""
    module = parse_module(make_context(), text_of(f"%0 = {op} : ({{a}}) -> {{b}}", source, target))
    (meaning,) = interpret(module, [EVERY])
    run_passes(make_context(), module, parse_pipeline(pipeline))
    (actual,) = interpret(module, [EVERY])
    for stored, result in wanted.items():
        assert abs(int(actual[stored + 128]) - result) <= 1, stored
    moved = np.abs(actual.astype(int) - meaning.astype(int)) > 1
    # Before the function becomes a table, NaN gives the zero point.
    assert (meaning[moved] == int(target.split(":")[1])).all()


def test_nearest_defined() -> None:
    nan = np.nan
    filled = with_nearest_defined(
        np.array([nan, nan, 3, nan, nan, nan, 7, np.inf, nan], np.float32)
    )
    assert filled.tolist() == [3, 3, 3, 3, 3, 7, 7, np.inf, np.inf]
    assert np.isnan(with_nearest_defined(np.full(4, nan, np.float32))).all()


@pytest.mark.parametrize("pipeline", PIPELINES, ids=["core", "npu"])
def test_a_quotient_of_a_tensor_and_itself(pipeline: str) -> None:
    """0 / 0 has no nearest value. It gives the zero point, as for two different tensors."""
    body = "%0 = edge.div %x, %x : ({a}, {a}) -> {b}"
    module = parse_module(make_context(), text_of(body, "0.05:3", "0.02:-7"))
    run_passes(make_context(), module, parse_pipeline(pipeline))
    (actual,) = interpret(module, [EVERY])
    assert actual[3 + 128] == -7
    assert (np.delete(actual, 3 + 128) == 43).all()


def test_a_table_of_nothing_defined_is_the_zero_point() -> None:
    body = "%0 = edge.log %x : ({a}) -> {b}"
    module = parse_module(make_context(), text_of(body, "0.05:127", "0.02:-7"))
    log = next(op for op in module.walk() if op.name == "edge.log")
    found = lookup_of(log)
    assert found is not None
    source, table = found
    with np.errstate(divide="ignore", invalid="ignore"):
        real = np.log(dequantize(EVERY, qtype_of(source)))
    assert real[-1] == -np.inf
    assert (table == quantize(real[-1:], qtype_of(log.results[0]))).all()
