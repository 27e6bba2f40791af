"""Print IR fast, whatever the size of its constants.

xDSL unpacks a constant into Python ints to see whether all its elements are equal: 530 MB for
10 MB of weights. Here bytes are compared with bytes.
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
)
from xdsl.ir import Attribute, Operation
from xdsl.printer import Printer

# Up to so many elements a constant is printed as a list, above as one hexadecimal string.
MAX_LISTED_ELEMENTS = 64


@dataclass(eq=False, repr=False)
class IRPrinter(Printer):
    """xDSL's printer with fast constants.

    elide_larger_than: print a constant of more elements than this, unless all are equal, as
    `dense_resource<__elided__>`. What is printed then no longer holds the values.
    """

    elide_larger_than: int | None = field(default=None, kw_only=True)

    def print_attribute(self, attribute: Attribute) -> None:
        if not isinstance(attribute, DenseIntOrFPElementsAttr):
            super().print_attribute(attribute)
            return
        limit = self.elide_larger_than
        count = len(attribute)
        splat = _is_splat(attribute)
        if limit is not None and count > limit and not splat:
            self.print_string("dense_resource<__elided__>")
        elif count <= MAX_LISTED_ELEMENTS:
            attribute.print_without_type(self)
        elif splat:
            _first_element(attribute).print_without_type(self)
        else:
            self.print_string(f'dense<"0x{attribute.data.data.hex().upper()}">')
        self.print_string(" : ")
        super().print_attribute(attribute.get_type())


def _is_splat(attribute: DenseIntOrFPElementsAttr) -> bool:
    data = attribute.data.data
    size = attribute.get_element_type().compile_time_size
    # Equal to itself shifted by one element: every element equals the one before it.
    return memoryview(data)[size:] == memoryview(data)[:-size] if data else False


def _first_element(attribute: DenseIntOrFPElementsAttr) -> DenseIntOrFPElementsAttr:
    """A constant of the first element alone, which prints as `dense<value>`."""
    element_type = attribute.get_element_type()
    data = attribute.data.data[: element_type.compile_time_size]
    return DenseIntOrFPElementsAttr(TensorType(element_type, [1]), BytesAttr(data))


def print_module(
    module: Operation,
    stream: IO[str] | None = None,
    *,
    debuginfo: bool = False,
    elide_larger_than: int | None = None,
    generic: bool = False,
) -> None:
    """Write `module` (or any op) and a line break to `stream`, by default standard output.

    debuginfo: print `loc(…)` behind every op.
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
    """What `print_module` writes, as a string."""
    stream = StringIO()
    print_module(
        module,
        stream,
        debuginfo=debuginfo,
        elide_larger_than=elide_larger_than,
        generic=generic,
    )
    return stream.getvalue()
