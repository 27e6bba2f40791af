"""A step of a C program: one function that makes one call, and what the rules of calls share.

A step is a C function with one argument, the arena. It returns 0, or another number if the kernel
refuses its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr
from xdsl.ir import Operation, SSAValue

from cmopt.codegen.c.constants import Constants
from cmopt.codegen.c.text import C_TYPES, fields, integer
from cmopt.dialects import cortex_m as cm
from cmopt.dialects.arrays import Array, dense_array, numpy_dtype
from cmopt.dialects.shapes import element_of, int_of, ints_of, numel, shape_of


class Step:
    """The body of one step, line by line.

    name: that of the step's function. constants: where the data of constant operands goes.
    """

    def __init__(self, name: str, constants: Constants):
        self.name = name
        self.constants = constants
        self.lines: list[str] = []

    def pointer(self, value: SSAValue | None, role: str = "", element: int = 0) -> str:
        """An expression for the address of an element of a value, NULL for no value.

        role: what a constant is used for, of which its name is made.
        """
        if value is None:
            return "NULL"
        place = cm.place_of(value)
        if place is None:
            name = self.constants.name(constant_of(value), f"{self.name}_{role}")
            return f"{name} + {element}" if element else name
        dtype = numpy_dtype(element_of(value))
        address = f"{place + element * dtype.itemsize}"
        type = C_TYPES[dtype.name]
        return address if type == "int8_t" else f"({type} *)(void *)({address})"

    def declare(self, type: str, name: str, value: str) -> str:
        """A constant variable of the step. Returns its address as an expression."""
        self.lines.append(f"static const {type} {name} = {value};")
        return f"&{name}"

    def dims(self, name: str, sizes: Sequence[int]) -> str:
        """A variable for the sizes n, h, w, c. Returns its address."""
        n, h, w, c = sizes
        return self.declare("cmsis_nn_dims", name, fields(n=n, h=h, w=w, c=c))

    def scratch(self, value: SSAValue | None, name: str = "scratch") -> str:
        """A variable for a kernel's working memory. Returns its address."""
        size = 0 if value is None else cm.nbytes(value.type)
        buffer = "NULL" if value is None or size == 0 else f"{cm.place_of(value)}"
        if size:
            buffer = f"{self.constants.prefix.upper()}_SCRATCH({buffer}, {size})"
        self.lines.append(f"const cmsis_nn_context {name} = {{{buffer}, {size}}};")
        return f"&{name}"

    def check(self, needed: str, context: str = "scratch") -> None:
        """Refuse to call a kernel that needs more working memory than `context` has.

        The library that is linked may be for another instruction set than the plan.
        """
        self.lines += [
            f"const int32_t {context}_needed = {needed};",
            f"if ({context}_needed > {context}.size) {{",
            "    return ARM_CMSIS_NN_ARG_ERROR;",
            "}",
        ]

    def call(self, function: str, *arguments: str) -> None:
        """The call, as the step's result."""
        self.lines.append(f"return {function}({', '.join(arguments)});")

    def call_without_result(self, function: str, *arguments: str) -> None:
        """The call of a function that cannot fail."""
        self.lines += [f"{function}({', '.join(arguments)});", "return 0;"]


def constant_of(value: SSAValue) -> Array:
    """The data of a constant. Raises ValueError if the value is not one."""
    if not isinstance(value.owner, ConstantOp):
        raise ValueError(f"{value} has no place: plan the module first")
    assert isinstance(value.owner.value, DenseIntOrFPElementsAttr)
    return dense_array(value.owner.value)


Rule = Callable[[Any, Step], None]
"""Adds the lines of the step of one op."""


class Rules(dict[type[Operation], Rule]):
    """The rules of some ops."""

    def of(self, op: type[Operation]) -> Callable[[Rule], Rule]:
        """A decorator for the rule of an op."""

        def register(rule: Rule) -> Rule:
            self[op] = rule
            return rule

        return register


def right_aligned(shape: Sequence[int]) -> tuple[int, int, int, int]:
    """Four sizes: a lower rank gets ones in front, of a higher one the first are multiplied."""
    sizes = (*[1] * (4 - len(shape)), *shape)
    n = int(np.prod(sizes[:-3], dtype=np.int64))
    return n, sizes[-3], sizes[-2], sizes[-1]


def left_aligned(shape: Sequence[int]) -> tuple[int, ...]:
    """Four sizes: a lower rank gets ones behind."""
    return (*shape, *[1] * (4 - len(shape)))


def count(value: SSAValue) -> int:
    """The number of elements."""
    return numel(shape_of(value))


def tile(hw: Any) -> str:
    """The initializer of a `cmsis_nn_tile` from (height, width)."""
    h, w = ints_of(hw)
    return fields(w=w, h=h)


def activation(low: int = -128, high: int = 127) -> str:
    """The initializer of a `cmsis_nn_activation`."""
    return fields(min=low, max=high)


def bounds(op: Any) -> str:
    """The clamp of an op."""
    return activation(int_of(op.activation_min), int_of(op.activation_max))


def numbers(op: Operation, *names: str) -> list[str]:
    """Integer properties, as literals."""
    return [integer(int_of(op.properties[name])) for name in names]


SUFFIXES = {"int8": "s8", "int16": "s16"}
"""How the names of functions for a dtype end."""


def suffix(value: SSAValue) -> str:
    """How the name of a function for this value ends."""
    return SUFFIXES[numpy_dtype(element_of(value)).name]
