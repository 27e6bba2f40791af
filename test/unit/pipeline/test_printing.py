"""Printed IR is read back bit for bit, fast and in little memory."""

from __future__ import annotations

import resource
import struct
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import (
    BytesAttr,
    DenseIntOrFPElementsAttr,
    Float32Type,
    IntegerType,
    ModuleOp,
    TensorType,
    f32,
    i8,
)
from xdsl.dialects.test import TestOp

from cmopt.dialects.parsing import make_context, parse_module
from cmopt.support.printing import module_to_text


def _constant(data: bytes, element_type: IntegerType | Float32Type) -> ModuleOp:
    count = len(data) // element_type.compile_time_size
    value = DenseIntOrFPElementsAttr(TensorType(element_type, [count]), BytesAttr(data))
    return ModuleOp([TestOp(attributes={"value": value})])


def _bytes_of(module: ModuleOp) -> bytes:
    op = module.body.block.first_op
    assert op is not None
    value = op.attributes["value"]
    assert isinstance(value, DenseIntOrFPElementsAttr)
    return value.data.data


@given(st.lists(st.integers(0, 2**32 - 1), max_size=70))
def test_any_float_bits_survive(bits: list[int]) -> None:
    data = struct.pack(f"<{len(bits)}I", *bits)
    text = module_to_text(_constant(data, f32))
    read = _bytes_of(parse_module(make_context(), text))
    if bits and len(set(bits)) == 1:
        # A splat may be stored once or repeated. Both are the same constant.
        assert read in (data, data[:4])
    else:
        assert read == data


@given(st.binary(max_size=70), st.booleans())
def test_any_bytes_survive(data: bytes, repeat: bool) -> None:
    data = data[:1] * len(data) if repeat else data
    read = _bytes_of(parse_module(make_context(), module_to_text(_constant(data, i8))))
    assert read == data or (set(read) == set(data) and len(set(data)) == 1)


def test_large_constants_are_cheap() -> None:
    data = np.random.default_rng(0).bytes(10_000_000)
    module = _constant(data, i8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    text = module_to_text(module)
    seconds = time.perf_counter() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert f'dense<"0x{data[:8].hex().upper()}' in text
    # A few copies of the 20 MB text. Unpacking to Python ints took 530 MB and over a second.
    assert grown < 200
    assert seconds < 2.0


@pytest.mark.parametrize(("limit", "elided"), [(None, False), (3, False), (2, True), (0, True)])
def test_eliding_starts_above_the_limit(limit: int | None, elided: bool) -> None:
    text = module_to_text(_constant(b"\x01\x02\x03", i8), elide_larger_than=limit)
    assert ("dense_resource<__elided__> : tensor<3xi8>" in text) is elided
    assert ("dense<[1, 2, 3]> : tensor<3xi8>" in text) is not elided
