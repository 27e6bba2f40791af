"""The calls of the steps of a C program, in loops where the program has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from xdsl.ir import Block, SSAValue

from cmopt.codegen.c.constants import Constants
from cmopt.codegen.c.step import constant_of
from cmopt.codegen.step_facts import is_step
from cmopt.dialects.cortex_m import nbytes, place_of
from cmopt.dialects.edge import ScanOp


@dataclass
class Calls:
    """Makes the lines that call the steps of a function in order, numbered from 0."""

    constants: Constants
    numbers: Iterator[int] = field(default_factory=count)

    def block(self, block: Block, depth: int = 1) -> Iterator[str]:
        """The lines of a block, indented by `depth`."""
        for op in block.ops:
            if isinstance(op, ScanOp):
                yield from self._loop(op, depth)
            elif is_step(op):
                number = next(self.numbers)
                prefix = self.constants.prefix.upper()
                yield f"{'    ' * depth}{prefix}_STEP({number}, step_{number});"

    def _loop(self, op: ScanOp, depth: int) -> Iterator[str]:
        """A loop, which copies a slice of each sequence in, and one of each stacked result out."""
        indent, t = "    " * depth, f"t{depth}"
        start = op.order.start
        condition = f"{t} >= 0; --{t}" if start else f"{t} < {op.count}; ++{t}"
        yield f"{indent}for (int32_t {t} = {start}; {condition}) {{"
        for whole, part in zip(op.sequences, op.slices, strict=True):
            slice = f"{self._address(whole)} + {t} * {nbytes(part.type)}"
            yield from _copy(self._address(part), slice, part, depth + 1)
        yield from self.block(op.body.block, depth + 1)
        for whole, value in zip(op.stacked, op.parts, strict=True):
            slice = f"{self._address(whole)} + {t} * {nbytes(value.type)}"
            yield from _copy(slice, self._address(value), value, depth + 1)
        yield f"{indent}}}"

    def _address(self, value: SSAValue) -> str:
        if (place := place_of(value)) is not None:
            return f"(int8_t *){place}"
        name = self.constants.name(constant_of(value), value.name_hint or "constant")
        return f"(const int8_t *){name}"


def _copy(target: str, source: str, part: SSAValue, depth: int) -> Iterator[str]:
    if size := nbytes(part.type):
        yield f"{'    ' * depth}memcpy({target}, {source}, {size});"
