"""Operators on integers that are not quantized give PyTorch's bytes on the NPU.

Each is lowered alone. Arm's reference model must give the same bytes, and Vela must compile it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import IntegerType, StringAttr, i8, i16, i32
from xdsl.ir import SSAValue

from cmopt.dialects.edge import CallOp
from cmopt.dialects.shapes import broadcast_shape
from cmopt.lowering.legality import npu_reason
from cmopt.lowering.plain_integers import exact_range, range_of

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_calls import COMPILED_FOR, KINDS, Calls
from rules_alone import examples
from tosa_programs import Array, arrays, shapes

MAY_OVERFLOW = "its result may overflow int32, and an NPU is not known to wrap"

kinds = st.sampled_from(list(KINDS))


def wider(*elements: IntegerType) -> IntegerType:
    """The type of the result of operands of these types."""
    return max(elements, key=lambda element: element.width.data)


@st.composite
def operands(draw: st.DrawFn, count: int) -> list[Array]:
    """Arrays of any of the types that broadcast to each other."""
    shape = draw(shapes(most=4))
    result = []
    for index in range(count):
        own = tuple(n if index == 0 or draw(st.integers(0, 3)) else 1 for n in shape)
        own = own[draw(st.integers(0, len(own) - 1)) if index else 0 :]
        result.append(draw(arrays(own, draw(kinds))))
    return result


def joined(values: Sequence[Array]) -> tuple[int, ...]:
    """The shape of a result."""
    shape: tuple[int, ...] | None = ()
    for value in values:
        assert shape is not None
        shape = broadcast_shape(shape, value.shape)
    assert shape is not None
    return shape


def placed(calls: Calls, value: Array, is_constant: bool) -> SSAValue:
    """A constant or an argument."""
    return calls.constant(value) if is_constant else calls.input(value)


def element(value: Array) -> IntegerType:
    """The type of an array's elements."""
    return IntegerType(8 * value.dtype.itemsize)


@examples(20)
@given(values=operands(3), given_bounds=st.sampled_from(["both", "low", "high"]), data=st.data())
def test_clamp_to_tensors(values: list[Array], given_bounds: str, data: st.DataObject) -> None:
    """A bound may be missing, a constant, of another type or shape, and on the wrong side."""
    calls = Calls()
    wanted = {"both": (1, 1), "low": (1, 0), "high": (0, 1)}[given_bounds]
    used = [values[0], *(v for v, is_used in zip(values[1:], wanted, strict=True) if is_used)]
    kind = wider(*map(element, used))
    value = calls.input(values[0])
    bounds = [
        placed(calls, bound, data.draw(st.booleans())) if is_used else None
        for bound, is_used in zip(values[1:], wanted, strict=True)
    ]
    calls.holds(calls.call("aten.clamp.Tensor", kind, joined(used), value, *bounds))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_clamp_to_constants_of_int64(kind: IntegerType) -> None:
    """PyTorch makes int64 of a number in a tensor without dimensions."""
    limits = np.iinfo(KINDS[kind])
    calls = Calls()
    value = calls.input(np.array([[limits.min, -11, 0], [9, 10, limits.max]], KINDS[kind]))
    bounds = [calls.constant(np.array(number)) for number in (-10, int(limits.max))]
    calls.holds(calls.call("aten.clamp.Tensor", kind, (2, 3), value, *bounds))


def test_a_constant_without_dimensions_may_widen_a_value() -> None:
    calls = Calls()
    value, bound = calls.input(np.array(-128, np.int8)), calls.constant(np.array(-7, np.int16))
    calls.holds(calls.call("aten.maximum.default", i16, (), value, bound))


@examples(20)
@given(kind=kinds, shape=shapes(most=4), data=st.data())
def test_clamp_to_numbers(kind: IntegerType, shape: tuple[int, ...], data: st.DataObject) -> None:
    limits = np.iinfo(KINDS[kind])
    ends = [limits.min, limits.min + 1, -32767, -1, 0, 1, 32767, 100_000, limits.max]
    numbers = st.one_of(
        st.none(), st.sampled_from([n for n in ends if n in range(limits.min, limits.max + 1)])
    )
    bounds = data.draw(st.tuples(numbers, numbers).filter(lambda pair: pair != (None, None)))
    calls = Calls()
    value = calls.input(data.draw(arrays(shape, kind)))
    calls.holds(calls.call("aten.clamp.default", kind, shape, value, *bounds))


@examples(20)
@given(values=operands(2), name=st.sampled_from(["maximum", "minimum"]), swaps=st.booleans(),
       is_constant=st.booleans())  # fmt: skip
def test_extrema(values: list[Array], name: str, swaps: bool, is_constant: bool) -> None:
    calls = Calls()
    pair = [calls.input(values[0]), placed(calls, values[1], is_constant)]
    kind = wider(*map(element, values))
    calls.holds(
        calls.call(f"aten.{name}.default", kind, joined(values), *pair[:: -1 if swaps else 1])
    )


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_relu(kind: IntegerType) -> None:
    calls = Calls()
    limits = np.iinfo(KINDS[kind])
    value = calls.input(np.array([[limits.min, -1, 0, 1, limits.max]], KINDS[kind]))
    calls.holds(calls.call("aten.relu.default", kind, (1, 5), value))


SHIFTS = ("aten.bitwise_left_shift", "aten.bitwise_right_shift")


@pytest.mark.parametrize("target", SHIFTS)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_shift_by_each_number(kind: IntegerType, target: str) -> None:
    """Also by numbers that are no counts: all bits are shifted out."""
    limits = np.iinfo(KINDS[kind])
    bits = kind.width.data
    near = [
        n + d
        for n in (limits.min, -1 << bits - 2, 0, 1 << bits - 2, limits.max)
        for d in range(-3, 4)
    ]
    numbers = np.array([n for n in near if limits.min <= n <= limits.max], KINDS[kind])
    for count in (-1, *range(bits + 1), 100, -128):
        calls = Calls()
        value = calls.input(numbers)
        result = calls.call(f"{target}.Tensor_Scalar", kind, numbers.shape, value, count)
        calls.holds(result, COMPILED_FOR if count in (1, bits - 1, 100) else ())


@pytest.mark.parametrize("is_constant", [False, True])
@pytest.mark.parametrize("target", SHIFTS)
@examples(20)
@given(values=operands(2), data=st.data())
def test_shift_by_a_tensor(
    target: str, is_constant: bool, values: list[Array], data: st.DataObject
) -> None:
    """Of any type, mostly with counts near the number of bits."""
    kind = wider(*map(element, values))
    bits = kind.width.data
    own = values[1]
    if data.draw(st.booleans()):
        own = data.draw(arrays(own.shape, element(own), -2, bits + 1))
    calls = Calls()
    pair = calls.input(values[0]), placed(calls, own, is_constant)
    calls.holds(calls.call(f"{target}.Tensor", kind, joined(values), *pair))


@pytest.mark.parametrize("target", SHIFTS)
def test_shift_by_counts_that_are_known_to_be_few(target: str) -> None:
    """Counts from a clamp or a cast need no more operations."""
    calls = Calls()
    value = calls.input(np.array([-(1 << 31), (1 << 31) - 1, -5, 77], np.int32))
    counts = calls.input(np.array([40, -3, 31, 7], np.int32))
    few = calls.call("aten.clamp.default", i32, (4,), counts, 0, 31)
    result = calls.call(f"{target}.Tensor", i32, (4,), value, few)
    assert range_of(few) == (0, 31)
    calls.holds(result)


@examples(20)
@given(values=operands(2), name=st.sampled_from(["add", "sub", "mul"]), data=st.data())
def test_sums_and_products_of_narrow_integers(
    values: list[Array], name: str, data: st.DataObject
) -> None:
    """They wrap as PyTorch's do."""
    values = [v.astype(np.int16) if v.dtype == np.int32 else v for v in values]
    calls, kind = Calls(), wider(*map(element, values))
    pair = [calls.input(values[0]), placed(calls, values[1], data.draw(st.booleans()))]
    alpha = [] if name == "mul" else [1]
    calls.holds(calls.call(f"aten.{name}.Tensor", kind, joined(values), *pair, *alpha))


@examples(20)
@given(kind=st.sampled_from([i8, i16]), shape=shapes(most=3), number=st.integers(-300, 300),
       name=st.sampled_from(["add", "sub", "mul"]), is_first=st.booleans(),
       data=st.data())  # fmt: skip
def test_with_a_number(
    kind: IntegerType, shape: tuple[int, ...], number: int, name: str, is_first: bool,
    data: st.DataObject,
) -> None:  # fmt: skip
    calls = Calls()
    value = calls.input(data.draw(arrays(shape, kind)))
    order = (value, number) if is_first or name != "sub" else (number, value)
    alpha = [] if name == "mul" else [1]
    calls.holds(calls.call(f"aten.{name}.Tensor", kind, shape, *order, *alpha))


@pytest.mark.parametrize("target", KINDS, ids=str)
@pytest.mark.parametrize("source", KINDS, ids=str)
def test_casts(source: IntegerType, target: IntegerType) -> None:
    """A narrower type cuts off the high bits."""
    limits = np.iinfo(KINDS[source])
    calls = Calls()
    value = calls.input(
        np.array([limits.min, limits.min + 7, -129, -1, 0, 77, limits.max]).astype(KINDS[source])
    )
    calls.holds(calls.cast(value, target, (7,)))


def test_int32_sums_need_known_ranges() -> None:
    """Numbers of int8 in int32 fit. What was computed before them is looked at too."""
    calls = Calls()
    narrow = calls.input(np.array([-128, 127, 5, -1], np.int8))
    wide = calls.cast(narrow, i32, (4,))
    square = calls.call("aten.mul.Tensor", i32, (4,), wide, wide)
    total = calls.call("aten.add.Tensor", i32, (4,), square, wide, 1)
    result = calls.call(
        "aten.mul.Tensor", i32, (4,), total, calls.constant(np.array([4], np.int32))
    )
    assert range_of(result) == ((-16256 - 128) * 4, (16384 + 127) * 4)
    assert npu_reason(result.owner, COMPILED_FOR[0]) is None  # type: ignore[arg-type]
    calls.holds(result)


@pytest.mark.parametrize("name", ["add", "sub", "mul"])
@pytest.mark.parametrize("most", [1, 1 << 16, 1 << 30])
def test_int32_sums_that_may_overflow_stay_outside(name: str, most: int) -> None:
    """The same op is taken or left by the ranges of its operands alone."""
    calls = Calls()
    values = [calls.input(np.zeros(3, np.int32)) for _ in range(2)]
    pair = [calls.call("aten.clamp.default", i32, (3,), v, -most, most) for v in values]
    alpha = [] if name == "mul" else [1]
    call = calls.call(f"aten.{name}.Tensor", i32, (3,), *pair, *alpha).owner
    assert isinstance(call, CallOp)
    fits = most == 1 or (name != "mul" and most == 1 << 16)
    for npu in COMPILED_FOR:
        assert npu_reason(call, npu) == (None if fits else MAY_OVERFLOW)


def test_other_calls_stay_outside() -> None:
    calls = Calls()
    value, small = calls.input(np.zeros(3, np.int32)), calls.input(np.zeros(3, np.int8))
    long = calls.input(np.zeros(3, np.int64))
    large = calls.constant(np.array(1 << 31))
    reasons = {
        calls.call("aten.maximum.default", i32, (3,), value, large): (
            "aten.maximum.default has no lowering to TOSA for i64"
        ),
        calls.call("aten.maximum.default", i8, (3,), small, calls.constant(np.array(128))): (
            "aten.maximum.default cuts off bits of an operand"
        ),
        calls.call("aten.clamp.default", i8, (3,), small, -1000, 5): "-1000 does not fit into i8",
        calls.call("aten.clamp.default", IntegerType(64), (3,), long, 0, 5): (
            "aten.clamp.default has no lowering to TOSA for i64"
        ),
        calls.call("aten.add.Tensor", i8, (3,), small, 1, 2): (
            "aten.add.Tensor has no lowering to TOSA with alpha"
        ),
        calls.call("aten.minimum.default", i8, (3,), small, value): (
            "aten.minimum.default cuts off bits of an operand"
        ),
        calls.call("aten.bitwise_left_shift.Tensor_Scalar", i8, (3,), small, 256): (
            "256 does not fit into i8"
        ),
        calls.call("aten.bitwise_and.Tensor", i8, (3,), small, small): (
            "aten.bitwise_and.Tensor has no lowering to TOSA"
        ),
    }
    for result, reason in reasons.items():
        assert isinstance(result.owner, CallOp)
        assert npu_reason(result.owner, COMPILED_FOR[0]) == reason
    images = calls.input(np.zeros((1, 2, 2, 1), np.int8))
    call = calls.call("aten.relu.default", i8, (1, 2, 2, 1), images).owner
    assert isinstance(call, CallOp)
    call.data_format = StringAttr("NHWC")
    assert npu_reason(call, COMPILED_FOR[0]) == "aten.relu.default has no lowering to TOSA in NHWC"


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1, 1), (2, 1, 2, 1, 2, 1)])
def test_shapes_of_few_elements(shape: tuple[int, ...]) -> None:
    calls = Calls()
    value = calls.input(np.full(shape, -7, np.int32))
    counts = calls.input(np.full(shape, 2, np.int32))
    shifted = calls.call("aten.bitwise_right_shift.Tensor", i32, shape, value, counts)
    calls.holds(calls.call("aten.clamp.default", i32, shape, shifted, -1, 100_000))


def test_ranges_of_shifts() -> None:
    """Of what a shift to the right can give, also by counts that are negative."""
    calls = Calls()
    value, counts = (calls.input(np.zeros(3, np.int8)) for _ in range(2))
    few = calls.call("aten.clamp.default", i8, (3,), counts, 1, 3)
    for count, expected in ((few, (-64, 63)), (counts, (-128, 127)), (2, (-32, 31))):
        result = calls.call("aten.bitwise_right_shift.Tensor", i8, (3,), value, count)
        assert range_of(result) == expected
    left = calls.call("aten.bitwise_left_shift.Tensor", i8, (3,), value, few)
    assert isinstance(left.owner, CallOp)
    assert exact_range(left.owner) == (-1024, 1016)
    assert range_of(left) == (-128, 127)
