"""What every `cortex_m` kernel op has in common: tensor views, places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import (
    BoolAttr,
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    NoneAttr,
    StringAttr,
    TensorType,
    f64,
    i32,
)
from xdsl.ir import Attribute, Operation, ParametrizedAttribute, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    IRDLOption,
    ParsePropInAttrDict,
    irdl_attr_definition,
    traits_def,
)
from xdsl.parser import AttrParser
from xdsl.pattern_rewriter import RewritePattern
from xdsl.printer import Printer
from xdsl.traits import HasCanonicalizationPatternsTrait, OpTrait, Pure
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.constants import constant_of
from cmopt.dialects.cortex_m.limits import LARGEST_MULTIPLIER, LONGEST_SHIFT, MOST_BYTES
from cmopt.dialects.quant import storage_type
from cmopt.dialects.shapes import element_of, int_of, ints, ints_of, numel, shape_of

Properties = Mapping[str, int | float | bool | Sequence[int]]
"""Kernel arguments that are not tensors, by name."""


PROPERTIES_IN_DICTIONARY: tuple[IRDLOption, ...] = (ParsePropInAttrDict(),)


class View(Enum):
    """The sizes and dim order under which a kernel takes the bytes of a row-major tensor."""

    CONTIGUOUS = "contiguous"
    """Sizes as written, default dim order."""
    CHANNELS_LAST = "channels_last"
    """[N,H,W,C] bytes as sizes [N,C,H,W] with dim order [0,2,3,1]."""
    ANY = "any"
    """The kernel uses the number of elements only; all its `ANY` tensors share one view."""


REGIONS = ("arena", "dtcm")
"""The memories that values are planned in. "dtcm" is a small fast one, which few programs use."""


@dataclass(frozen=True)
class Place:
    """Where a planned value's bytes begin: at `offset` in a region. As text, an address in C."""

    region: str
    offset: int

    def __add__(self, size: int) -> Place:
        """The place so many bytes after this one."""
        return Place(self.region, self.offset + size)

    def __str__(self) -> str:
        return f"{self.region} + {self.offset}"


@irdl_attr_definition
class PlaceAttr(ParametrizedAttribute):
    """`#cortex_m.place<arena, 1024>`: a tensor encoding: where a planned value's bytes begin.

    `region` is one of `REGIONS`; `offset` is in bytes. A planned tensor without a place is a
    constant.
    """

    name = "cortex_m.place"

    region: StringAttr
    offset: IntegerAttr

    @staticmethod
    def of(place: Place) -> PlaceAttr:
        """The encoding for a place."""
        return PlaceAttr(StringAttr(place.region), IntegerAttr(place.offset, 64))

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            region = parser.parse_identifier()
            parser.parse_punctuation(",")
            offset = parser.parse_integer()
        return (StringAttr(region), IntegerAttr(offset, 64))

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(f"{self.region.data}, {self.offset.value.data}")

    def verify(self) -> None:
        if self.region.data not in REGIONS:
            raise VerifyException(f"#cortex_m.place: unknown region {self.region.data!r}")
        if self.offset.value.data < 0:
            raise VerifyException("#cortex_m.place: negative offset")


def place_of(value: SSAValue | Attribute) -> Place | None:
    """The place of a planned value, or None for a constant or an unplanned value."""
    type = value.type if isinstance(value, SSAValue) else value
    encoding = type.encoding if isinstance(type, TensorType) else NoneAttr()
    if not isinstance(encoding, PlaceAttr):
        return None
    return Place(encoding.region.data, encoding.offset.value.data)


def itemsize(type: Attribute) -> int:
    """Bytes one element of a tensor takes; a boolean takes one."""
    assert isinstance(type, TensorType)
    element = type.element_type
    width = element.bitwidth if hasattr(element, "bitwidth") else 8
    return max(1, int(width) // 8)


def nbytes(type: Attribute) -> int:
    """Bytes a tensor takes."""
    return itemsize(type) * numel(shape_of(type))


class CortexMPatterns(HasCanonicalizationPatternsTrait):
    """Looks patterns up by op name in `dialects.cortex_m.canonicalization`."""

    def get_patterns(self, op: type[Operation]) -> tuple[RewritePattern, ...]:
        from cmopt.dialects.cortex_m import canonicalization as patterns

        return patterns.CANONICALIZATION.get(op.name, ())

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        return ()


def uncountable_tensor(op: Operation) -> str | None:
    """The error if an operand or result has more bytes than a kernel can index, else None."""
    types = [v.type for v in (*op.operands, *op.results) if isinstance(v.type, TensorType)]
    most = max((nbytes(storage_type(type)) for type in types), default=0)
    return f"a tensor has {most} bytes, more than {MOST_BYTES}" if most > MOST_BYTES else None


class CountableTensors(OpTrait):
    """No operand or result has more bytes than a kernel can index."""

    def verify(self, op: Operation) -> None:
        if (reason := uncountable_tensor(op)) is not None:
            raise VerifyException(reason)


class KernelOp(IRDLOperation):
    """One op is one call of a kernel: a stock one of ExecuTorch 1.5, or one of this project.

    The op `cortex_m.pad` calls the operator `cortex_m::pad.out`, whose schema is in ExecuTorch's
    `operators.yaml`; `cmopt.softmax` calls `cmopt::softmax.out`, whose schema is in
    `kernels/operators.yaml`. Operands and properties are named as there (`self` is `input` here).
    `VIEWS` is the view that the kernel takes of each tensor; a tensor that it does not list is
    contiguous. `INPLACE` lists the operands whose bytes a result may overwrite; `result_over` says
    which result.
    """

    VIEWS: ClassVar[Mapping[str, View]] = {}
    INPLACE: ClassVar[tuple[str, ...]] = ()

    irdl_options = PROPERTIES_IN_DICTIONARY
    traits = traits_def(Pure(), CortexMPatterns(), CountableTensors())

    def __init__(
        self,
        operands: Sequence[SSAValue | Sequence[SSAValue]],
        result_type: Attribute,
        properties: Properties,
    ):
        super().__init__(
            operands=operands,
            result_types=[result_type],
            properties={name: property_attr(value) for name, value in properties.items()},
        )

    def view(self, name: str) -> View:
        """The view that the kernel takes of an operand or the result, named as in the dialect."""
        return self.VIEWS.get(name, View.CONTIGUOUS)

    def result_over(self, name: str) -> SSAValue:
        """The result that may overwrite operand `name` of `INPLACE`."""
        return self.results[0]

    def argument(self, name: str) -> SSAValue | Attribute | None:
        """The operand (None where absent) or property for a schema argument."""
        value: SSAValue | Attribute | None = getattr(self, "input" if name == "self" else name)
        return value

    def error(self, message: str) -> VerifyException:
        """A verifier's error."""
        return VerifyException(message)

    def require_integers(self, width: int, *names: str) -> None:
        """Check that the named tensors are integers of this many bits."""
        for name in names:
            value = getattr(self, name)
            if element_of(value) != IntegerType(width):
                raise self.error(f"{name} must be a tensor of i{width}, got {value.type}")

    def require_int8(self, *names: str) -> None:
        """Check that the named tensors are int8."""
        self.require_integers(8, *names)

    def require_rank(self, rank: int, *names: str) -> None:
        """Check the rank of the named tensors."""
        for name in names:
            value = getattr(self, name)
            if len(shape_of(value)) != rank:
                raise self.error(f"{name} must have rank {rank}, got {value.type}")

    def require_shape(self, name: str, expected: Sequence[int]) -> None:
        """Check the shape of a tensor against the op's rule."""
        if shape_of(getattr(self, name)) != tuple(expected):
            raise self.error(
                f"{name} shape {list(shape_of(getattr(self, name)))} should be {list(expected)}"
            )

    def require_range(self, low: int, high: int, *names: str) -> None:
        """Check that integer properties lie in `low … high`."""
        for name in names:
            value = int_of(getattr(self, name))
            if not low <= value <= high:
                raise self.error(f"{name} must be in {low}..{high}, got {value}")

    def require_zero_points(self, *names: str, width: int = 8) -> None:
        """Check that the named properties are values of a tensor of `width` bits."""
        half = 1 << (width - 1)
        self.require_range(-half, half - 1, *names)

    def require_offsets(self, *names: str) -> None:
        """Check that the named properties are minus a zero point of int8."""
        self.require_range(-127, 128, *names)

    def require_multipliers(self, *names: str) -> None:
        """Check multipliers, as numbers or constant tensors: int32, but not its least value.

        That one has no opposite, so that the kernels' products with it overflow.
        """
        for name in names:
            self.require_numbers(name, -LARGEST_MULTIPLIER, LARGEST_MULTIPLIER)

    def require_shifts(self, *names: str) -> None:
        """Check shifts of a requantization, as numbers or constant tensors."""
        for name in names:
            self.require_numbers(name, -LONGEST_SHIFT, LONGEST_SHIFT)

    def require_numbers(self, name: str, low: int, high: int) -> None:
        """Check that a property, or each element of a constant operand, lies in `low … high`."""
        value = getattr(self, name)
        if isinstance(value, SSAValue):
            numbers = constant_of(value)
            numbers = np.zeros(1, np.int64) if numbers is None else numbers
        elif isinstance(value, DenseArrayBase):
            numbers = np.asarray(ints_of(value), np.int64)
        else:
            numbers = np.asarray([int_of(value)], np.int64)
        for number in (int(numbers.min(initial=0)), int(numbers.max(initial=0))):
            if not low <= number <= high:
                raise self.error(f"{name} must be in {low}..{high}, got {number}")

    def require_activation(self, width: int = 8) -> None:
        """Check `activation_min ≤ activation_max`, both integers of `width` bits."""
        half = 1 << (width - 1)
        self.require_range(-half, half - 1, "activation_min", "activation_max")
        low, high = (int_of(self.properties[f"activation_{end}"]) for end in ("min", "max"))
        if low > high:
            raise self.error(f"activation_min {low} is above activation_max {high}")


def property_attr(value: int | float | bool | Sequence[int]) -> Attribute:
    """The attribute form of a kernel argument: i32, f64, bool or array<i64>."""
    if isinstance(value, bool):
        return BoolAttr.from_bool(value)
    if isinstance(value, int):
        return IntegerAttr(value, i32)
    if isinstance(value, float):
        return FloatAttr(value, f64)
    return ints(value)
