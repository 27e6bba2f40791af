"""Ops with an enumeration among their properties, which MLIR prints as a bare word."""

from __future__ import annotations

from enum import Enum
from typing import Self

from xdsl.dialects.tosa import RoundingMode, RoundingModeAttr
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import Attribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser, Parser
from xdsl.printer import Printer
from xdsl.utils.str_enum import StrEnum

from cmopt.dialects.tosa.base import TosaOp


class ResizeMode(StrEnum):
    """How `tosa.resize` reads between two elements."""

    NEAREST_NEIGHBOR = "NEAREST_NEIGHBOR"
    BILINEAR = "BILINEAR"


@irdl_attr_definition
class ResizeModeAttr(EnumAttribute[ResizeMode]):
    """`#tosa.resize_mode<BILINEAR>`."""

    name = "tosa.resize_mode"

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(self.data)

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> ResizeMode:
        with parser.in_angle_brackets():
            return parser.parse_str_enum(ResizeMode)


class EnumDictOp(TosaOp):
    """Prints `operands {key = value, …} : (types) -> type`; an
    enumeration is a bare word."""

    assembly_format = None

    def print(self, printer: Printer) -> None:
        """In MLIR's form."""
        printer.print_string(" ")
        printer.print_list(self.operands, printer.print_ssa_value)
        printer.print_string(" ")
        with printer.in_braces():
            printer.print_list(sorted(self.properties.items()), lambda e: _print_entry(printer, *e))
        if self.attributes:
            printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" : ")
        printer.print_operation_type(self)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        """In MLIR's form."""
        position = parser.pos
        operands = parser.parse_comma_separated_list(
            parser.Delimiter.NONE, parser.parse_unresolved_operand
        )
        entries = parser.parse_comma_separated_list(
            parser.Delimiter.BRACES, lambda: cls._parse_entry(parser)
        )
        attributes = parser.parse_optional_attr_dict_with_keyword()
        parser.parse_punctuation(":")
        type = parser.parse_function_type()
        values = parser.resolve_operands(operands, type.inputs.data, position)
        return cls.create(
            operands=values,
            result_types=type.outputs.data,
            properties=dict(entries),
            attributes={} if attributes is None else dict(attributes.data),
        )

    @staticmethod
    def _parse_entry(parser: Parser) -> tuple[str, Attribute]:
        key = parser.parse_identifier()
        parser.parse_punctuation("=")
        if key == "mode":
            return key, ResizeModeAttr(parser.parse_str_enum(ResizeMode))
        if key == "rounding_mode":
            return key, RoundingModeAttr(parser.parse_str_enum(RoundingMode))
        return key, parser.parse_attribute()


def _print_entry(printer: Printer, key: str, value: Attribute) -> None:
    printer.print_string(f"{key} = ")
    if isinstance(value, EnumAttribute) and isinstance(value.data, Enum):
        printer.print_string(value.data.value)
    else:
        printer.print_attribute(value)
