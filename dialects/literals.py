"""Parse numbers, integer types and constants: what cannot be represented is an error at its place.

xDSL reports most of these after the literal, or with an exception of Python, and makes a constant
of equal elements as large as its type.
"""

from __future__ import annotations

import math
import re
import struct
from typing import Any, TypeAlias

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    AnyDenseElement,
    AnyFloat,
    BytesAttr,
    ComplexType,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    IndexType,
    IntegerType,
    RankedStructure,
)
from xdsl.ir import TypeAttribute
from xdsl.irdl import AttrConstraint, base
from xdsl.parser import AttrParser, Parser
from xdsl.utils.exceptions import DiagnosticException, ParseError
from xdsl.utils.lexer import Position
from xdsl.utils.mlir_lexer import MLIRLexer, MLIRToken, MLIRTokenKind

from cmopt.dialects.shapes import MAX_CONSTANT_BYTES

MAX_INTEGER_BITS = 64
"""The widest integer type. MLIR's own limit is 16,777,215 bits."""
MAX_DIGITS = 1000
"""The most characters of a number."""
HELD_SPLAT_BYTES = 4096
"""A constant of equal elements, written as one, is held as one if all would take more bytes."""

DenseElement: TypeAlias = IntegerType | IndexType | AnyFloat | ComplexType
_Element: TypeAlias = AttrParser._TensorLiteralElement

# Raised by an attribute's own check, by an op's parser on unexpected text, and for a number or
# constant that is too large.
REFUSALS = (
    DiagnosticException,
    ValueError,
    TypeError,
    LookupError,
    AssertionError,
    ArithmeticError,
    MemoryError,
    NotImplementedError,
    struct.error,
)

_DENSE_TYPE: AttrConstraint[RankedStructure[DenseElement]] = base(
    RankedStructure[DenseElement]  # type: ignore[misc]  # xDSL takes it, as in its own parser
)


_ARRAY_ELEMENTS = ("i1", "i8", "i16", "i32", "i64", "f32", "f64")
_EXPONENT = re.compile(r"[eE][-+]?\d+\b")


class Lexer(MLIRLexer):
    """xDSL's lexer, without its exponential time on a string that is not closed. A number that
    Python cannot hold is an error where it stands."""

    # Possessive quantifiers: the match never backtracks.
    _unescaped_characters_regex = re.compile(r'"(?:[^"\\\n\v\f]++|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*+"')

    def _lex_bare_identifier(self, start_pos: Position) -> MLIRToken:
        return _ascii(super()._lex_bare_identifier(start_pos))

    def _lex_at_ident(self, start_pos: Position) -> MLIRToken:
        token = super()._lex_at_ident(start_pos)
        return token if token.span.text.startswith('@"') else _ascii(token)

    def _lex_prefixed_ident(self, start_pos: Position) -> MLIRToken:
        return _ascii(super()._lex_prefixed_ident(start_pos))

    def _lex_number(self, start_pos: Position) -> MLIRToken:
        token = super()._lex_number(start_pos)
        text = token.span.text
        if token.kind is MLIRTokenKind.FLOAT_LIT and math.isinf(float(text)):
            raise ParseError(token.span, f"{short(text)} is too large for a float")
        if token.kind is MLIRTokenKind.INTEGER_LIT and (exponent := self._exponent()):
            raise ParseError(
                token.span, f"{text}{exponent} is not a number; write {text}.0{exponent}"
            )
        if len(text) > MAX_DIGITS:
            raise ParseError(token.span, f"a number of {len(text)} digits is not supported")
        return token

    def _exponent(self) -> str:
        """The exponent that follows a number without a point, which MLIR does not read."""
        match = _EXPONENT.match(self.input.content, self.pos)
        return match.group() if match else ""


def _ascii(token: MLIRToken) -> MLIRToken:
    """A name, which MLIR writes in ASCII. xDSL reads other letters, and cannot read them again."""
    if not token.span.text.isascii():
        raise ParseError(token.span, f"{short(token.span.text)} is not a name of ASCII letters")
    return token


def short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


class LiteralParser(Parser):
    """xDSL's parser with its own types of integers, numbers as attributes, and constants."""

    def _parse_optional_integer_or_float_type(self) -> TypeAttribute | None:
        text = self._current_token.text
        match = self._builtin_integer_type_regex.match(text)
        if match is not None and (
            len(match.group(1)) > 9 or int(match.group(1)) > MAX_INTEGER_BITS
        ):
            self.raise_error(
                f"integer type {short(text)} is wider than {MAX_INTEGER_BITS} bits, the most that "
                "is supported"
            )
        return super()._parse_optional_integer_or_float_type()

    def _parse_builtin_densearray_attr(self) -> DenseArrayBase | None:
        """As xDSL's, for the element types that MLIR has, whose sizes are whole bytes."""
        start = self.pos
        array = super()._parse_builtin_densearray_attr()
        if array is not None and str(array.elt_type) not in _ARRAY_ELEMENTS:
            self.raise_error(
                f"an array of {array.elt_type}; its elements are {', '.join(_ARRAY_ELEMENTS)}",
                start,
                self.pos,
            )
        return array

    def parse_optional_builtin_int_or_float_attr(self) -> Any:
        start = self.pos
        try:
            return super().parse_optional_builtin_int_or_float_attr()
        except ParseError:
            raise
        except REFUSALS as error:
            self.raise_error(str(error) or type(error).__name__, start, self.pos)

    def parse_dense_int_or_fp_elements_attr(
        self, type: RankedStructure[AnyDenseElement] | None
    ) -> DenseIntOrFPElementsAttr[Any]:
        """As xDSL's, but a literal that its type cannot represent is an error where it stands, a
        hexadecimal number is the bits of a float, and a large splat stays one element."""
        self.parse_punctuation("<", " in dense attribute")
        text: str | None = None
        literal: tuple[list[_Element], list[int]] | None = None
        start = self.pos
        if self.parse_optional_punctuation(">") is None:
            text = self.parse_optional_str_literal()
            if text is None:
                literal = self._parse_tensor_literal()
            self.parse_punctuation(">", " in dense attribute")
        else:
            literal = [], [0]
        if type is None:
            self.parse_punctuation(":", " in dense attribute")
            type = self._parse_dense_literal_type()
        if literal is None:
            data = self._hexadecimal(text or "", start)
        else:
            self._check_shape(type, literal[1], len(literal[0]))
            data = self._packed(literal[0], type.element_type)
        count, size = math.prod(type.get_shape()), type.element_type.compile_time_size
        if len(data) == size and count * size <= HELD_SPLAT_BYTES:
            data *= count
        elif len(data) > max(size, MAX_CONSTANT_BYTES):
            self.raise_error(
                f"the constant takes {len(data)} bytes; at most {MAX_CONSTANT_BYTES} are supported"
            )
        elif len(data) != size and len(data) != count * size:
            self.raise_error(
                f"Shape mismatch in dense literal. Expected {count} elements from the type, but "
                f"got {len(data) // size} elements."
            )
        return DenseIntOrFPElementsAttr(type, BytesAttr(data))

    def _hexadecimal(self, text: str, start: int) -> bytes:
        try:
            return bytes.fromhex(text[2:])
        except ValueError:
            self.raise_error("Hex string in denseAttr is invalid", start, start + len(text) + 2)

    def _check_shape(self, type: RankedStructure[Any], shape: list[int], count: int) -> None:
        expected = list(type.get_shape())
        if shape == [0] and not count:
            if math.prod(expected):
                self.raise_error("Expected at least one element in the dense literal, but got None")
        elif shape and shape != expected:
            self.raise_error(
                f"Shape mismatch in dense literal. Expected {expected} shape from the type, but "
                f"got {shape} shape."
            )

    def _packed(self, elements: list[_Element], type: DenseElement) -> bytes:
        """The bytes of the elements; a `ParseError` at the first that the type cannot represent."""
        try:
            return _bytes_of(type, [self._number(element, type) for element in elements])
        except ParseError:
            raise
        except REFUSALS:
            for element in elements:
                try:
                    _bytes_of(type, [self._number(element, type)])
                except ParseError:
                    raise
                except REFUSALS:
                    self.raise_error(
                        f"{short(element.span.text)} is not a value of {type}", element.span
                    )
            raise

    def _number(self, element: _Element, type: DenseElement) -> Any:
        text = element.span.text
        if isinstance(type, AnyFloat) and text[:2] in ("0x", "0X"):
            raw = int(text, 16).to_bytes(type.compile_time_size, "little")
            return next(iter(type.iter_unpack(raw)))
        return element.to_type(self, type)

    def _parse_dense_literal_type(self) -> RankedStructure[DenseElement]:
        # As in xDSL, which makes a new constraint for every constant.
        start, type = self.pos, self.parse_type()
        if not _DENSE_TYPE.verifies(type):
            self.raise_error(
                "Expected memref, vector or tensor type of integer, index, float, or complex type",
                start,
                self.pos,
            )
        if DYNAMIC_INDEX in type.get_shape():
            self.raise_error("Dense literal attribute should have a static shape.", start, self.pos)
        return type


def _bytes_of(type: DenseElement, numbers: list[Any]) -> bytes:
    """The bytes of numbers. Raises one of `REFUSALS` if one of them is not of the type."""
    if isinstance(type, IntegerType):
        numbers = [type.get_normalized_value(number) for number in numbers]
    packed: bytes = type.pack(numbers)  # type: ignore[misc]
    return packed
