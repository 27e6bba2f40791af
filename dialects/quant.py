"""The `quant` dialect: quantized element types and conversions from and to them.

Spelling and meaning follow MLIR's `quant` dialect. A value of type
`tensor<…x!quant.uniform<i8:f32, s:z>>` *is* an int8 array; it *means* `(q - z) * s` in float32.
Per axis, element `i` of the axis has its own scale and zero point.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import Float32Type, IntAttr, IntegerType, Signedness, TensorType, f32
from xdsl.ir import (
    Attribute,
    Data,
    Dialect,
    Operation,
    ParametrizedAttribute,
    SSAValue,
    TypeAttribute,
)
from xdsl.irdl import (
    IRDLOperation,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    result_def,
    traits_def,
)
from xdsl.parser import AttrParser
from xdsl.pattern_rewriter import RewritePattern
from xdsl.printer import Printer
from xdsl.traits import HasCanonicalizationPatternsTrait, Pure
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.shapes import with_element
from cmopt.support.verification import TensorPart

MIN_SCALE, MAX_SCALE = 2.0**-126, 2.0**126
"""Between these a scale and its inverse are normal in float32, in which kernels use them."""


def print_double(value: float) -> str:
    """The shortest MLIR float literal that parses back to the same double."""
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    return text if "." in mantissa else f"{mantissa}.0{e}{exponent}"


@irdl_attr_definition
class QuantParamsAttr(Data[bytes]):
    """Scales and zero points of a quantized type: `n` float64 scales, then `n` int64 zero points.

    Bytes keep equality and hashing cheap for per-axis types of thousands of channels: Python
    caches the hash of a `bytes` object.
    """

    name = "quant.params"

    @staticmethod
    def pack(scales: Sequence[float], zero_points: Sequence[int]) -> QuantParamsAttr:
        """Pack; both sequences have one entry per tensor or per channel."""
        if len(scales) != len(zero_points):
            raise ValueError(f"{len(scales)} scales but {len(zero_points)} zero points")
        packed = np.asarray(scales, "<f8").tobytes() + np.asarray(zero_points, "<i8").tobytes()
        return QuantParamsAttr(packed)

    @property
    def scales(self) -> NDArray[np.float64]:
        """The scales, as float64."""
        return np.frombuffer(self.data, "<f8", len(self.data) // 16)

    @property
    def zero_points(self) -> NDArray[np.int64]:
        """The zero points, as int64."""
        return np.frombuffer(self.data, "<i8", offset=len(self.data) // 2)

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> bytes:
        """Parse `s:z` or `{s:z, s, …}`; an absent zero point is 0."""

        def pair() -> tuple[float, int]:
            scale = float(parser.parse_number())
            zero = parser.parse_integer() if parser.parse_optional_punctuation(":") else 0
            if not -(2**63) <= zero < 2**63:
                parser.raise_error(f"quant.uniform: zero point {zero} has more than 64 bits")
            return scale, zero

        pairs = parser.parse_optional_comma_separated_list(parser.Delimiter.BRACES, pair)
        if pairs is None:
            pairs = [pair()]
        return cls.pack([s for s, _ in pairs], [z for _, z in pairs]).data

    def print_parameter(self, printer: Printer) -> None:
        """Print what `parse_parameter` reads, without the braces of a per-axis list."""
        printer.print_list(
            zip(self.scales.tolist(), self.zero_points.tolist(), strict=True),
            lambda p: printer.print_string(print_double(p[0]) + (f":{p[1]}" if p[1] else "")),
        )


@irdl_attr_definition
class UniformQuantizedType(ParametrizedAttribute, TypeAttribute, TensorPart):
    """`!quant.uniform<i8:f32, 0.05:-3>`; per axis `!quant.uniform<i8<-7:7>:f32:0, {0.1, 0.2:5}>`.

    `storage` is the integer type of the stored values, `storage_min` and `storage_max` their
    range (printed only when it is not the type's own), `axis` the quantized dimension or -1.
    Storage is signed; scales are positive and finite; zero points fit in the storage.
    """

    name = "quant.uniform"

    storage: IntegerType
    storage_min: IntAttr
    storage_max: IntAttr
    axis: IntAttr
    params: QuantParamsAttr

    @staticmethod
    def get(
        storage: IntegerType,
        scales: float | Sequence[float],
        zero_points: int | Sequence[int] = 0,
        *,
        axis: int = -1,
        storage_range: tuple[int, int] | None = None,
    ) -> UniformQuantizedType:
        """Per tensor from two numbers; per axis from two sequences and `axis`."""
        low, high = storage_range or default_storage_range(storage)
        scale_list = [scales] if isinstance(scales, float | int) else list(scales)
        if isinstance(zero_points, int):
            zero_points = [zero_points] * len(scale_list)
        return UniformQuantizedType(
            storage,
            IntAttr(low),
            IntAttr(high),
            IntAttr(axis),
            QuantParamsAttr.pack(scale_list, zero_points),
        )

    @property
    def is_per_axis(self) -> bool:
        """Whether each slice along `axis` has its own scale."""
        return self.axis.data >= 0

    @property
    def scale(self) -> float:
        """The one scale of a per-tensor type."""
        assert not self.is_per_axis
        return float(self.params.scales[0])

    @property
    def zero_point(self) -> int:
        """The one zero point of a per-tensor type."""
        assert not self.is_per_axis
        return int(self.params.zero_points[0])

    @property
    def storage_range(self) -> tuple[int, int]:
        """Least and greatest stored value."""
        return self.storage_min.data, self.storage_max.data

    def with_axis(self, axis: int) -> UniformQuantizedType:
        """The same parameters on another dimension (what a transpose does to a per-axis type)."""
        return UniformQuantizedType(
            self.storage, self.storage_min, self.storage_max, IntAttr(axis), self.params
        )

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            storage = parser.parse_type()
            if not isinstance(storage, IntegerType):
                parser.raise_error("quant.uniform: the storage type is i8, i16 or i32")
            low, high = default_storage_range(storage)
            if parser.parse_optional_punctuation("<"):
                low = parser.parse_integer()
                parser.parse_punctuation(":")
                high = parser.parse_integer()
                parser.parse_punctuation(">")
            parser.parse_punctuation(":")
            if not isinstance(parser.parse_type(), Float32Type):
                parser.raise_error("quant.uniform: the expressed type is f32")
            axis = parser.parse_integer() if parser.parse_optional_punctuation(":") else -1
            parser.parse_punctuation(",")
            params = QuantParamsAttr(QuantParamsAttr.parse_parameter(parser))
        return (storage, IntAttr(low), IntAttr(high), IntAttr(axis), params)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_attribute(self.storage)
            if self.storage_range != default_storage_range(self.storage):
                printer.print_string(f"<{self.storage_min.data}:{self.storage_max.data}>")
            printer.print_string(":f32")
            if self.is_per_axis:
                printer.print_string(f":{self.axis.data}, {{")
                self.params.print_parameter(printer)
                printer.print_string("}")
            else:
                printer.print_string(", ")
                self.params.print_parameter(printer)

    def verify_shape(self, shape: Sequence[int]) -> None:
        axis, count = self.axis.data, len(self.params.scales)
        if self.is_per_axis and (axis >= len(shape) or shape[axis] != count):
            raise VerifyException(f"{count} scales on axis {axis} do not fit shape {list(shape)}")

    def verify(self) -> None:
        signless = self.storage.signedness.data is Signedness.SIGNLESS
        if self.storage.width.data not in (8, 16, 32) or not signless:
            raise VerifyException(f"quant.uniform: storage type {self.storage} is not i8, i16, i32")
        low, high = default_storage_range(self.storage)
        if not low <= self.storage_min.data < self.storage_max.data <= high:
            raise VerifyException(
                f"quant.uniform: storage range {self.storage_min.data}:{self.storage_max.data} "
                f"is empty or outside {self.storage}"
            )
        scales, zeros = self.params.scales, self.params.zero_points
        if not self.is_per_axis and len(scales) != 1:
            raise VerifyException("quant.uniform: several scales need an axis (`i8:f32:0, {…}`)")
        if len(scales) == 0 or not all(s > 0 and math.isfinite(s) for s in scales.tolist()):
            raise VerifyException("quant.uniform: every scale must be positive and finite")
        if scales.min() < MIN_SCALE or scales.max() > MAX_SCALE:
            raise VerifyException(
                "quant.uniform: every scale and its inverse must be normal numbers of float32"
            )
        # Outside the storage range it is not a stored value: the tensor then has no zero.
        if zeros.min() < low or zeros.max() > high:
            raise VerifyException(f"quant.uniform: zero point outside {self.storage}")


def default_storage_range(storage: IntegerType) -> tuple[int, int]:
    """The full range of a signed integer type."""
    half = 1 << (storage.width.data - 1)
    return -half, half - 1


def quantized_element(type: Attribute) -> UniformQuantizedType | None:
    """The quantized element type of a tensor type, or None if it has none."""
    if isinstance(type, TensorType) and isinstance(type.element_type, UniformQuantizedType):
        return type.element_type
    return None


def qtype_of(value: SSAValue) -> UniformQuantizedType:
    """The quantized element type of a value that must have one."""
    result = quantized_element(value.type)
    assert result is not None, value.type
    return result


def is_int8(type: UniformQuantizedType | None) -> bool:
    """Whether a type is stored in 8 bits with one scale for the whole tensor."""
    return type is not None and type.storage.width.data == 8 and not type.is_per_axis


def stored_bits(value: SSAValue) -> int:
    """The bits in which a quantized value is stored; 0 for any other."""
    element = quantized_element(value.type)
    return 0 if element is None else element.storage.width.data


def storage_type(type: Attribute) -> Attribute:
    """The tensor type with a quantized element type replaced by its storage; others unchanged."""
    if (element := quantized_element(type)) is None:
        return type
    assert isinstance(type, TensorType)
    return TensorType(element.storage, type.get_shape(), type.encoding)


def _verify_conversion(quantized: Attribute, plain: Attribute, want: Attribute) -> None:
    """Check that `quantized` has a quantized element type and `plain` element type `want`."""
    assert isinstance(quantized, TensorType) and isinstance(plain, TensorType)
    element = quantized_element(quantized)
    if element is None:
        raise VerifyException(f"{quantized} has no !quant.uniform element type")
    if plain.element_type != want:
        raise VerifyException(f"expected element type {want}, got {plain}")
    if quantized.get_shape() != plain.get_shape():
        raise VerifyException(f"{quantized} and {plain} differ in shape")
    if quantized.encoding != plain.encoding:
        raise VerifyException(f"{quantized} and {plain} differ in their encoding")


class _QuantPatterns(HasCanonicalizationPatternsTrait):
    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        from cmopt.dialects import quant_canonicalization as patterns

        return patterns.CANONICALIZATION


class _ConversionOp(IRDLOperation):
    """A conversion of one tensor. Shape and encoding stay."""

    input = operand_def(TensorType)
    output = result_def(TensorType)

    traits = traits_def(Pure(), _QuantPatterns())
    assembly_format: ClassVar[str] = "$input attr-dict `:` type($input) `to` type($output)"

    def __init__(self, input: SSAValue, output_type: Attribute):
        super().__init__(operands=[input], result_types=[output_type])

    @classmethod
    def of(cls, input: SSAValue, element: Attribute = f32) -> Self:
        """`input` in another element type."""
        return cls(input, with_element(input.type, element))


@irdl_op_definition
class QCastOp(_ConversionOp):
    """Quantize float32: `clamp(round(x / scale) + zero_point)`, ties to even."""

    name = "quant.qcast"

    def verify_(self) -> None:
        _verify_conversion(self.output.type, self.input.type, Float32Type())


@irdl_op_definition
class DCastOp(_ConversionOp):
    """Dequantize to float32: `(q - zero_point) * scale`."""

    name = "quant.dcast"

    def verify_(self) -> None:
        _verify_conversion(self.input.type, self.output.type, Float32Type())


@irdl_op_definition
class SCastOp(_ConversionOp):
    """Reinterpret between a quantized type and its storage type. No bit changes."""

    name = "quant.scast"

    def verify_(self) -> None:
        quantized: Attribute = self.output.type
        plain: Attribute = self.input.type
        if quantized_element(quantized) is None:
            quantized, plain = plain, quantized
        if (element := quantized_element(quantized)) is None:
            raise VerifyException("neither side has a !quant.uniform element type")
        _verify_conversion(quantized, plain, element.storage)


def quantization_of_users(value: SSAValue) -> UniformQuantizedType | None:
    """The element type to which all users of a float value quantize it; None if they differ."""
    users = [use.operation for use in value.uses]
    types = {user.output.type if isinstance(user, QCastOp) else None for user in users}
    (type,) = types if len(types) == 1 else (None,)
    return None if type is None else quantized_element(type)


def requantized(value: SSAValue, type: Attribute) -> tuple[list[Operation], SSAValue]:
    """Ops that requantize a value to another quantized type, and the new value.

    No ops if it already has that type.
    """
    if value.type == type:
        return [], value
    real = DCastOp.of(value)
    cast = QCastOp(real.output, type)
    return [real, cast], cast.output


Quant = Dialect("quant", [QCastOp, DCastOp, SCastOp], [UniformQuantizedType, QuantParamsAttr])
