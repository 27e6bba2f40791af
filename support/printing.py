"""Print IR fast, for constants of any size.

To see whether all elements of a constant are equal, xDSL unpacks it into Python ints: 530 MB for
10 MB of weights. Here bytes are compared. Parsing the text gives the same constant bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from io import StringIO
from typing import IO

from xdsl.dialects.builtin import (
    Builtin,
    BytesAttr,
    DenseIntOrFPElementsAttr,
    ModuleOp,
    TensorType,
    UnregisteredOp,
)
from xdsl.ir import Attribute, Operation
from xdsl.printer import Printer

# A constant of up to this many elements is printed as a list, a larger one as hexadecimal.
MAX_LISTED_ELEMENTS = 64


@dataclass(eq=False, repr=False)
class IRPrinter(Printer):
    """xDSL's printer with fast constants.

    elide_larger_than: print a constant of more elements than this, unless all are equal, as
    `dense_resource<__elided__>`. The text then does not contain its values.
    """

    elide_larger_than: int | None = field(default=None, kw_only=True)

    def print_attribute(self, attribute: Attribute) -> None:
        if not isinstance(attribute, DenseIntOrFPElementsAttr):
            super().print_attribute(attribute)
            return
        splat = _is_splat(attribute)
        limit = self.elide_larger_than
        if limit is not None and len(attribute) > limit and not splat:
            self.print_string("dense_resource<__elided__>")
        else:
            self.print_string(_dense(attribute, splat))
        self.print_string(" : ")
        super().print_attribute(attribute.get_type())

    def print_operation_type(self, op: Operation) -> None:
        # xDSL prints the location here, and again after an op that prints itself.
        default = self.print_generic_format or Operation.print is type(op).print
        if default or isinstance(op, UnregisteredOp):
            super().print_operation_type(op)
        else:
            self.print_function_type(op.operand_types, op.result_types)


def _dense(attribute: DenseIntOrFPElementsAttr, splat: bool) -> str:
    data = attribute.data.data
    element_type = attribute.get_element_type()
    if splat:
        data = data[: element_type.compile_time_size]
    if splat or len(attribute) <= MAX_LISTED_ELEMENTS:
        listed = StringIO()
        if splat:
            # One element only, because xDSL unpacks all elements to print them.
            one = DenseIntOrFPElementsAttr(TensorType(element_type, [1]), BytesAttr(data))
            one.print_without_type(Printer(listed))
        else:
            attribute.print_without_type(Printer(listed))
        # xDSL prints a float without a short decimal form as the hexadecimal number of its bits.
        # In a list it parses that as an integer: 123456792.0 would become 1290500515.0. It also
        # takes 0.0 and -0.0 as equal, so that a list of both collapses to one of them.
        text = listed.getvalue()
        collapsed = not splat and data and "[" not in text
        if "0x" not in text and not collapsed:
            return text
    return f'dense<"0x{data.hex().upper()}">'


def _is_splat(attribute: DenseIntOrFPElementsAttr) -> bool:
    """Whether all elements have the same bytes."""
    data = attribute.data.data
    size = attribute.get_element_type().compile_time_size
    # If the bytes equal themselves shifted by one element, all elements are equal.
    return bool(data) and memoryview(data)[size:] == memoryview(data)[:-size]


def print_module(
    module: Operation,
    stream: IO[str] | None = None,
    *,
    debuginfo: bool = False,
    elide_larger_than: int | None = None,
    generic: bool = False,
) -> None:
    """Write `module` (or any op) and a line break to `stream`, by default standard output.

    debuginfo: print `loc(…)` after every op.
    elide_larger_than: see `IRPrinter`.
    generic: print every op in MLIR's generic form.
    """
    printer = IRPrinter(
        stream=stream,
        print_debuginfo=debuginfo,
        print_generic_format=generic,
        elide_larger_than=elide_larger_than,
    )
    printer.print_op(module)
    if isinstance(module, ModuleOp):
        printer.print_metadata((Builtin,))
    printer.print_string("\n")


def module_to_text(
    module: Operation,
    *,
    debuginfo: bool = False,
    elide_larger_than: int | None = None,
    generic: bool = False,
) -> str:
    """The text that `print_module` writes, as a string."""
    stream = StringIO()
    print_module(
        module,
        stream,
        debuginfo=debuginfo,
        elide_larger_than=elide_larger_than,
        generic=generic,
    )
    return stream.getvalue()
