"""Convolutions, pools and products of `tosa`, compared with the reference model."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import BoolAttr, IntegerType
from xdsl.ir import SSAValue

from cmopt.dialects import tosa
from cmopt.dialects.shapes import ints, shape_of
from cmopt.interpreters.run import run_module

sys.path.insert(0, str(Path(__file__).parents[1]))
from tosa_programs import I8, I16, I32, I48, Program, arrays, numbers, zero_points

SUMS = {I8: I32, I16: I48}
small = st.integers(1, 3)


def pairs(values: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[int, int]]:
    """Two numbers."""
    return st.tuples(values, values)


@st.composite
def geometry(draw: Any, dilated: bool = True, pool: bool = False) -> dict[str, tuple[int, ...]]:
    """Kernel, stride, pad, dilation, and a size that the windows fill exactly."""
    kernel, stride = draw(pairs(small)), draw(pairs(small))
    dilation = draw(pairs(st.integers(1, 2))) if dilated else (1, 1)
    count = draw(pairs(small))
    pads, sizes = [], []
    for k, s, d, n in zip(kernel, stride, dilation, count, strict=True):
        span = (n - 1) * s + (k - 1) * d + 1
        before = draw(st.integers(0, min(k - 1 if pool else 2, span - 1)))
        after = draw(st.integers(0, min(k - 1 if pool else 2, span - 1 - before)))
        pads += [before, after]
        sizes.append(span - before - after)
    return {"kernel": kernel, "stride": stride, "dilation": dilation, "count": count,
            "pad": tuple(pads), "size": tuple(sizes)}  # fmt: skip


def narrow(program: Program, value: SSAValue, element: IntegerType) -> SSAValue:
    """An accumulator as a result: int32 unchanged, or int48 divided by 2^16 into int32."""
    if element == I8:
        return value
    no, yes = BoolAttr.from_bool(False), tosa.RoundingMode.SINGLE_ROUND
    return program.op(
        tosa.RescaleOp,
        [value, program.const(1 << 14, I16), program.const(30, I8), program.const(0, I48),
         program.const(0, I32)],
        I32, shape_of(value), scale32=no, per_channel=no, input_unsigned=no, output_unsigned=no,
        rounding_mode=tosa.RoundingModeAttr(yes),
    )  # fmt: skip


def constants(
    program: Program, data: st.DataObject, element: IntegerType, weight: tuple[int, ...],
    channels: int,
) -> list[SSAValue]:  # fmt: skip
    """Weight, bias and zero points."""
    count = data.draw(st.sampled_from([channels, 1]))
    return [
        program.const(data.draw(arrays(weight, I8)), I8),
        program.const(data.draw(arrays((count,), SUMS[element], -(1 << 30), 1 << 30)),
                      SUMS[element]),
        program.const(data.draw(zero_points(element)), element),
        program.const(data.draw(zero_points(I8)), I8),
    ]  # fmt: skip


@pytest.mark.parametrize("element", [I8, I16], ids=str)
@given(g=geometry(), data=st.data())
def test_conv2d(element: IntegerType, g: Any, data: st.DataObject) -> None:
    batch, channels, out = data.draw(st.tuples(small, small, small))
    program = Program()
    value = program.input(data.draw(arrays((batch, *g["size"], channels), element)), element)
    operands = constants(program, data, element, (out, *g["kernel"], channels), out)
    result = program.op(
        tosa.Conv2DOp, [value, *operands], SUMS[element], (batch, *g["count"], out),
        acc_type=SUMS[element], **{k: ints(g[k]) for k in ("stride", "pad", "dilation")},
    )  # fmt: skip
    assert program.agrees(narrow(program, result, element))


@pytest.mark.parametrize("element", [I8, I16], ids=str)
@given(g=geometry(), data=st.data())
def test_depthwise_conv2d(element: IntegerType, g: Any, data: st.DataObject) -> None:
    batch, channels, multiplier = data.draw(st.tuples(small, small, small))
    out = channels * multiplier
    program = Program()
    value = program.input(data.draw(arrays((batch, *g["size"], channels), element)), element)
    operands = constants(program, data, element, (*g["kernel"], channels, multiplier), out)
    result = program.op(
        tosa.DepthwiseConv2DOp, [value, *operands], SUMS[element], (batch, *g["count"], out),
        acc_type=SUMS[element], **{k: ints(g[k]) for k in ("stride", "pad", "dilation")},
    )  # fmt: skip
    assert program.agrees(narrow(program, result, element))


@pytest.mark.parametrize("element", [I8, I16], ids=str)
@given(data=st.data())
def test_transpose_conv2d(element: IntegerType, data: st.DataObject) -> None:
    batch, channels, out = data.draw(st.tuples(small, small, small))
    size, kernel, stride = (data.draw(pairs(small)) for _ in range(3))
    pads, sizes = [], []
    for n, k, s in zip(size, kernel, stride, strict=True):
        full = (n - 1) * s + k
        before = data.draw(st.integers(1 - k, 2))
        after = data.draw(st.integers(max(1 - k, 1 - full - before), 2))
        pads += [before, after]
        sizes.append(full + before + after)
    program = Program()
    value = program.input(data.draw(arrays((batch, *size, channels), element)), element)
    operands = constants(program, data, element, (out, *kernel, channels), out)
    result = program.op(
        tosa.TransposeConv2DOp, [value, *operands], SUMS[element], (batch, *sizes, out),
        acc_type=SUMS[element], stride=ints(stride), out_pad=ints(pads),
    )  # fmt: skip
    assert program.agrees(narrow(program, result, element))


@pytest.mark.parametrize("element", [I8, I16], ids=str)
@given(data=st.data())
def test_matmul(element: IntegerType, data: st.DataObject) -> None:
    n, h, c, w = data.draw(st.tuples(*[st.integers(1, 5)] * 4))
    program = Program()
    a = program.input(data.draw(arrays((n, h, c), element)), element)
    b = program.input(data.draw(arrays((n, c, w), element)), element)
    zeros = [program.const(data.draw(zero_points(element)), element) for _ in range(2)]
    result = program.op(tosa.MatMulOp, [a, b, *zeros], SUMS[element], (n, h, w))
    assert program.agrees(narrow(program, result, element))


@pytest.mark.parametrize("element", [I8, I16], ids=str)
@given(g=geometry(dilated=False, pool=True), data=st.data())
def test_max_pool2d(element: IntegerType, g: Any, data: st.DataObject) -> None:
    batch, channels = data.draw(pairs(small))
    program = Program()
    value = program.input(data.draw(arrays((batch, *g["size"], channels), element)), element)
    result = program.op(
        tosa.MaxPool2DOp, [value], element, (batch, *g["count"], channels),
        **{k: ints(g[k]) for k in ("kernel", "stride", "pad")},
    )  # fmt: skip
    assert program.agrees(result)


@pytest.mark.parametrize("element", [I8, I16], ids=str)
@given(g=geometry(dilated=False, pool=True), data=st.data())
def test_avg_pool2d(element: IntegerType, g: Any, data: st.DataObject) -> None:
    batch, channels = data.draw(pairs(small))
    program = Program()
    value = program.input(data.draw(arrays((batch, *g["size"], channels), element)), element)
    zeros = [program.const(data.draw(zero_points(element)), element) for _ in range(2)]
    result = program.op(
        tosa.AvgPool2DOp, [value, *zeros], element, (batch, *g["count"], channels),
        acc_type=I32, **{k: ints(g[k]) for k in ("kernel", "stride", "pad")},
    )  # fmt: skip
    assert program.agrees(result)


def test_the_largest_pool() -> None:
    """256 × 256 extreme elements: the sum is still far from the limits of int32."""
    for value, zeros in ((127, (-128, 0)), (-128, (127, -1)), (3, (0, 0))):
        program = Program()
        source = program.input(np.full((1, 256, 256, 1), value), I8)
        operands = [source, *(program.const(zero, I8) for zero in zeros)]
        sizes = {"kernel": ints((256, 256)), "stride": ints((1, 1)), "pad": ints((0, 0, 0, 0))}
        result = program.op(tosa.AvgPool2DOp, operands, I8, (1, 1, 1, 1), acc_type=I32, **sizes)
        assert program.agrees(result)


def convolution(program: Program, value: SSAValue, weight: Any, bias: Any) -> SSAValue:
    """A 1×1 convolution of an int8 value."""
    out = weight.shape[0]
    operands = [value, program.const(weight, I8), program.const(bias, I32), program.const(0, I8),
                program.const(0, I8)]  # fmt: skip
    one, none = ints((1, 1)), ints((0, 0, 0, 0))
    return program.op(
        tosa.Conv2DOp, operands, I32, (*shape_of(value)[:3], out), acc_type=I32, stride=one,
        dilation=one, pad=none,
    )  # fmt: skip


@pytest.mark.parametrize("excess", [0, 1])
def test_an_accumulator_that_overflows_is_refused(excess: int) -> None:
    """The largest int32 is allowed. The next number is an error of the program."""
    channels = 130
    program = Program()
    value = program.input(np.full((1, 1, 1, channels), -128), I8)
    bias = (1 << 31) - 1 - channels * 128 * 128 + excess
    program.finish(
        convolution(program, value, np.full((1, 1, 1, channels), -128), np.array([bias]))
    )
    if excess:
        with pytest.raises(ValueError, match=r"tosa.conv2d: accumulator 2147483648 is outside"):
            run_module(program.module, program.values)
    else:
        assert run_module(program.module, program.values)[0].item() == (1 << 31) - 1


def test_a_large_network_takes_seconds() -> None:
    """About the arithmetic of MobileNetV2 at 224: 0.3 GMAC in 1×1 convolutions."""
    program = Program()
    random = np.random.default_rng(0)
    value = program.input(random.integers(-128, 128, (1, 56, 56, 96)), I8)
    results = [
        convolution(program, value, random.integers(-128, 128, (256, 1, 1, 96)), np.zeros(256))
        for _ in range(4)
    ]
    program.finish(*results)
    start = time.process_time()
    run_module(program.module, program.values)
    assert time.process_time() - start < 20


@given(data=st.data())
def test_counts_have_exact_reciprocals(data: st.DataObject) -> None:
    """A pool over `count` equal elements gives that element, for every count."""
    rows, columns = data.draw(pairs(st.integers(1, 40)))
    number = data.draw(numbers(-128, 127))
    program = Program()
    source = program.input(np.full((1, rows, columns, 1), number), I8)
    zero = program.const(0, I8)
    sizes = {
        "kernel": ints((rows, columns)), "stride": ints((1, 1)), "pad": ints((0, 0, 0, 0)),
    }  # fmt: skip
    result = program.op(
        tosa.AvgPool2DOp, [source, zero, zero], I8, (1, 1, 1, 1), acc_type=I32, **sizes
    )
    assert program.agrees(result)
    assert run_module(program.module, program.values)[0].item() == number
