"""Ops on memory without arithmetic: scratch memory and views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import IntegerAttr, TensorType, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.cortex_m.base import (
    PROPERTIES_IN_DICTIONARY,
    CortexMPatterns,
    KernelOp,
    itemsize,
    nbytes,
    place_of,
)
from cmopt.dialects.shapes import element_of, int_of, numel, shape_of


@irdl_op_definition
class ScratchOp(IRDLOperation):
    """Working memory of one kernel call; its contents are undefined before and after.

    Not pure: each kernel call has its own scratch, which is live during that call only.
    """

    name = "cortex_m.scratch"

    output = result_def(TensorType)

    traits = traits_def(CortexMPatterns())
    assembly_format = "attr-dict `:` type($output)"

    def __init__(self, type: Attribute):
        super().__init__(result_types=[type])


@irdl_op_definition
class SubviewOp(IRDLOperation):
    """`numel(output)` elements from element `offset` on: the same bytes, no instruction."""

    name = "cortex_m.subview"

    input = operand_def(TensorType)
    offset = prop_def(IntegerAttr)
    output = result_def(TensorType)

    irdl_options = PROPERTIES_IN_DICTIONARY
    traits = traits_def(Pure(), CortexMPatterns())
    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    def __init__(self, input: SSAValue, offset: int, type: Attribute):
        super().__init__(
            operands=[input],
            properties={"offset": IntegerAttr(offset, i64)},
            result_types=[type],
        )

    @property
    def byte_offset(self) -> int:
        """Where the part begins, in bytes."""
        return int_of(self.offset) * itemsize(self.output.type)

    def verify_(self) -> None:
        whole, part, offset = numel(shape_of(self.input)), numel(shape_of(self.output)), self.offset
        if element_of(self.input) != element_of(self.output):
            raise VerifyException("must keep the element type")
        if int_of(offset) < 0 or int_of(offset) + part > whole:
            raise VerifyException(
                f"elements {int_of(offset)}..{int_of(offset) + part} are outside {whole}"
            )
        before, after = place_of(self.input), place_of(self.output)
        if before is not None and after != before + self.byte_offset:
            raise VerifyException(f"must begin {self.byte_offset} bytes into its input")


@irdl_op_definition
class JoinOp(IRDLOperation):
    """The bytes of its operands, one after the other, where the operands are: no instruction.

    An operand is joined once. It is not a constant, a part of another value, or a join, because
    its bytes can be in one place only.
    """

    name = "cortex_m.join"

    inputs = var_operand_def(TensorType)
    output = result_def(TensorType)

    traits = traits_def(Pure(), CortexMPatterns())
    assembly_format = "$inputs attr-dict `:` functional-type(operands, results)"

    def __init__(self, inputs: Sequence[SSAValue], type: Attribute):
        super().__init__(operands=[inputs], result_types=[type])

    def byte_offsets(self) -> list[int]:
        """Where each operand begins within the result."""
        offsets, total = [], 0
        for value in self.inputs:
            offsets.append(total)
            total += nbytes(value.type)
        return offsets

    def verify_(self) -> None:
        if any(element_of(value) != element_of(self.output) for value in self.inputs):
            raise VerifyException("operands and result must be of one element type")
        if sum(numel(shape_of(value)) for value in self.inputs) != numel(shape_of(self.output)):
            raise VerifyException(f"the operands do not make up {self.output.type}")
        place = place_of(self.output)
        for value, offset in zip(self.inputs, self.byte_offsets(), strict=True):
            if place is not None and place_of(value) != place + offset:
                raise VerifyException(f"an operand does not begin {offset} bytes into the result")


@irdl_op_definition
class ViewOp(IRDLOperation):
    """The same bytes under another shape or integer type: no instruction at run time."""

    name = "cortex_m.view"

    input = operand_def(TensorType)
    output = result_def(TensorType)

    traits = traits_def(Pure(), CortexMPatterns())
    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    def __init__(self, input: SSAValue, type: Attribute):
        super().__init__(operands=[input], result_types=[type])

    def verify_(self) -> None:
        before, after = shape_of(self.input), shape_of(self.output)
        same_width = itemsize(self.input.type) == itemsize(self.output.type)
        if numel(before) != numel(after) or not same_width:
            raise VerifyException(
                f"{self.input.type} and {self.output.type} are not the same bytes"
            )
        if place_of(self.input) != place_of(self.output):
            raise VerifyException("must keep the place of its bytes")


@irdl_op_definition
class ShiftOp(KernelOp):
    """A ring buffer after new values: its last elements, then those of `parts`, all row-major.

    The result is as large as `buffer` and may overwrite it. The kernel is the portable
    `aten::cat.out` on the rows of the buffer, as long as the parts together, in ascending order: it
    copies each row to the place of the one before, which it has read.
    """

    name = "cortex_m.shift"

    buffer = operand_def(TensorType)
    parts = var_operand_def(TensorType)
    output = result_def(TensorType)

    INPLACE: ClassVar = ("buffer",)

    assembly_format = "$buffer `,` $parts attr-dict `:` functional-type(operands, results)"

    def __init__(self, buffer: SSAValue, parts: Sequence[SSAValue], type: Attribute):
        super().__init__([buffer, parts], type, {})

    @property
    def step(self) -> int:
        """How many elements the parts have, by which the others move."""
        return sum(numel(shape_of(value)) for value in self.parts)

    def verify_(self) -> None:
        if any(element_of(value) != element_of(self.output) for value in self.operands):
            raise VerifyException("operands and result must be of one element type")
        if numel(shape_of(self.buffer)) != numel(shape_of(self.output)):
            raise VerifyException(f"{self.buffer.type} becomes {self.output.type}")
        if not 0 < self.step <= numel(shape_of(self.output)):
            raise VerifyException(f"its parts have {self.step} elements")
