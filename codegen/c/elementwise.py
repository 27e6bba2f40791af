"""The C of portable elementwise operators whose result is exact: loops in the step itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from cmopt.codegen.arguments import plain
from cmopt.codegen.c.step import Step
from cmopt.codegen.c.text import C_TYPES, integer, real
from cmopt.dialects.arrays import numpy_dtype
from cmopt.dialects.edge import CallOp
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.support.diagnostics import CompileError

Expression = Callable[[np.dtype[Any], Sequence[str]], str | None]
"""The C of one element, from the dtype that is computed in and the operands in that dtype; None if
there is none for the dtype."""


def _compare(operator: str) -> Expression:
    return lambda dtype, x: f"{x[0]} {operator} {x[1]}"


def _arithmetic(operator: str) -> Expression:
    """Integers wrap around, which only unsigned ones do in C."""

    def expression(dtype: np.dtype[Any], x: Sequence[str]) -> str | None:
        if dtype.kind == "f":
            return f"{x[0]} {operator} {x[1]}"
        if dtype.kind == "b" or operator == "/":
            return None
        wide = "uint64_t" if dtype.itemsize == 8 else "uint32_t"
        return f"({wide}){x[0]} {operator} ({wide}){x[1]}"

    return expression


def _integer(text: str) -> Expression:
    return lambda dtype, x: None if dtype.kind == "f" else text.format(*x)


def _of_kind(floats: str, integers: str | None) -> Expression:
    """One text for floats, and one for integers; None if these have none."""

    def expression(dtype: np.dtype[Any], x: Sequence[str]) -> str | None:
        text = floats if dtype.kind == "f" else integers
        return None if text is None or dtype.kind == "b" else text.format(*x)

    return expression


def _bitwise_not(dtype: np.dtype[Any], x: Sequence[str]) -> str | None:
    if dtype.kind == "f":
        return None
    return f"!{x[0]}" if dtype.kind == "b" else f"~{x[0]}"


COMPARISONS = {"eq": "==", "ge": ">=", "gt": ">", "le": "<=", "lt": "<", "ne": "!="}
ARITHMETIC = {"add": "+", "div": "/", "mul": "*", "sub": "-"}
BITWISE = {"and": "&", "or": "|", "xor": "^"}

EXPRESSIONS: dict[str, Expression] = {
    **{
        f"aten.{name}.{kind}": _compare(operator)
        for name, operator in COMPARISONS.items()
        for kind in ("Tensor", "Scalar")
    },
    **{
        f"aten.{name}.{kind}": _arithmetic(operator)
        for name, operator in ARITHMETIC.items()
        for kind in ("Tensor", "Scalar")
    },
    **{
        f"aten.bitwise_{name}.{kind}": _integer(f"{{0}} {operator} {{1}}")
        for name, operator in BITWISE.items()
        for kind in ("Tensor", "Scalar")
    },
    "aten.abs.default": _of_kind("fabsf({0})", None),
    "aten.ceil.default": _of_kind("ceilf({0})", "{0}"),
    "aten.floor.default": _of_kind("floorf({0})", "{0}"),
    "aten.maximum.default": _of_kind(
        "{0} > {1} || {0} != {0} ? {0} : {1}", "{0} > {1} ? {0} : {1}"
    ),
    "aten.minimum.default": _of_kind(
        "{0} < {1} || {0} != {0} ? {0} : {1}", "{0} < {1} ? {0} : {1}"
    ),
    "aten.neg.default": _of_kind("-{0}", None),
    "aten.round.default": _of_kind("nearbyintf({0})", "{0}"),
    "aten.trunc.default": _of_kind("truncf({0})", "{0}"),
    "aten.bitwise_not.default": _bitwise_not,
    "aten.logical_and.default": lambda dtype, x: f"{x[0]} != 0 && {x[1]} != 0",
    "aten.logical_or.default": lambda dtype, x: f"{x[0]} != 0 || {x[1]} != 0",
    "aten.logical_xor.default": lambda dtype, x: f"({x[0]} != 0) != ({x[1]} != 0)",
    "aten.logical_not.default": lambda dtype, x: f"{x[0]} == 0",
    "aten.where.self": lambda dtype, x: f"{x[0]} ? {x[1]} : {x[2]}",
}
"""By operator. Each has the operands first; an `alpha` behind them must be 1."""


@dataclass(frozen=True)
class _Operand:
    """A tensor with its steps along each dimension of the result, or a number."""

    value: SSAValue | bool | int | float
    steps: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """The dtype of a tensor."""
        return numpy_dtype(element_of(self.value)) if isinstance(self.value, SSAValue) else None


def _operand(value: Any, shape: Sequence[int]) -> _Operand:
    """An operand, broadcast to the shape of the result."""
    if not isinstance(value, SSAValue):
        return _Operand(value, (0,) * len(shape))
    sizes = (1,) * (len(shape) - len(shape_of(value))) + shape_of(value)
    steps = [0 if size == 1 else math.prod(sizes[axis + 1 :]) for axis, size in enumerate(sizes)]
    return _Operand(value, tuple(steps))


def emit_elementwise(op: CallOp, step: Step) -> None:
    """Add the loops of an operator in `EXPRESSIONS`. Raises CompileError if it has no C form."""
    refusal = CompileError(f"{op.target.data} has no C form for these arguments", op=op)
    values = [plain(argument, op.operands_) for argument in op.arguments.data]
    if op.target.data.split(".")[1] in ("add", "sub") and values.pop() != 1:
        raise refusal
    shape = shape_of(op.results[0])
    operands = [_operand(value, shape) for value in values]
    computed = operands[1:] if op.target.data == "aten.where.self" else operands
    dtypes = {operand.dtype for operand in computed} - {None}
    if len(dtypes) != 1:
        raise refusal
    (dtype,) = dtypes
    assert dtype is not None
    lines, names = [], []
    loops, indices = _loops(shape, operands)
    for i, (operand, index) in enumerate(zip(operands, indices, strict=True)):
        if isinstance(operand.value, SSAValue):
            type = C_TYPES[numpy_dtype(element_of(operand.value)).name]
            pointer = step.pointer(operand.value, f"operand_{i}")
            lines.append(f"const {type} *const x{i} = {pointer};")
            names.append(f"x{i}[{index}]")
        elif (number := _number(operand.value, dtype)) is not None:
            names.append(number)
        else:
            raise refusal
    expression = EXPRESSIONS[op.target.data](dtype, names)
    if expression is None:
        raise refusal
    type = C_TYPES[numpy_dtype(element_of(op.results[0])).name]
    lines.append(f"{type} *y = {step.pointer(op.results[0])};")
    step.lines += [*lines, *loops]
    step.lines.append(f"{'    ' * len(loops)}*y++ = ({type})({expression});")
    step.lines += ["    " * depth + "}" for depth in reversed(range(len(loops)))]
    step.lines.append("return 0;")


def _number(value: bool | int | float, dtype: np.dtype[Any]) -> str | None:
    """A number of a dtype as C; None if the dtype does not have it."""
    if dtype.kind == "f":
        return real(value)
    if dtype.kind == "b" or float(value) != int(value):
        return None
    limits = np.iinfo(dtype)
    fits = limits.min <= value <= limits.max and -(2**31) <= value < 2**31
    return f"({integer(int(value))})" if fits else None


def _loops(shape: Sequence[int], operands: Sequence[_Operand]) -> tuple[list[str], list[str]]:
    """The heads of the loops over a result, and the index of each operand inside them."""
    axes = [
        (size, [operand.steps[axis] for operand in operands])
        for axis, size in enumerate(shape)
        if size != 1
    ] or [(1, [0] * len(operands))]
    joined: list[tuple[int, list[int]]] = []
    for size, steps in axes:
        if joined and joined[-1][1] == [size * s for s in steps]:
            joined[-1] = joined[-1][0] * size, steps
        else:
            joined.append((size, steps))
    heads = [
        f"{'    ' * depth}for (int32_t i{depth} = 0; i{depth} < {size}; i{depth}++) {{"
        for depth, (size, _) in enumerate(joined)
    ]
    indices = []
    for number in range(len(operands)):
        terms = [
            f"i{depth}" if steps[number] == 1 else f"i{depth} * {steps[number]}"
            for depth, (_, steps) in enumerate(joined)
            if steps[number]
        ]
        indices.append(" + ".join(terms) or "0")
    return heads, indices
