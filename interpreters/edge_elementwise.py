"""What the elementwise `edge` ops compute: their ATen operator, in float32.


This module imports torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from xdsl.interpreter import Interpreter, InterpreterFunctions, PythonValues, impl
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.functions import activation_bounds, clamp_bounds, numbers_of
from cmopt.dialects import edge
from cmopt.dialects.arrays import from_float, to_float

Meaning: TypeAlias = Callable[..., torch.Tensor]


def tensors(op: Operation, args: PythonValues) -> list[torch.Tensor]:
    """The operands' meaning (floats), as torch tensors."""
    values = zip(args, op.operands, strict=True)
    return [torch.from_numpy(np.array(to_float(a, v.type))) for a, v in values]


def result(result: torch.Tensor, value: SSAValue) -> PythonValues:
    """A float result as a value of the op's result type."""
    return (from_float(np.asarray(result.numpy(), order="C"), value.type),)


def clamped(op: Operation, x: torch.Tensor) -> torch.Tensor:
    """`x`, clamped as `op`'s fused activation says."""
    low, high = activation_bounds(op)
    return x if low is None and high is None else torch.clamp(x, low, high)


def _aten(op: Any, *operands: torch.Tensor) -> torch.Tensor:
    """The ATen operator of an op, called with the op's properties as numbers."""
    names = op.ATEN if isinstance(op, edge.BinaryOp) else (op.name.removeprefix("edge."),)
    operator = getattr(torch.ops.aten, names[0].split(".")[0])
    value: torch.Tensor = operator(*operands, *numbers_of(op))
    return value


_MEANINGS: dict[type[Operation], Meaning] = {
    **dict.fromkeys(edge.FUNCTIONS.values(), _aten),
    **dict.fromkeys(edge.WITH_PARAMETERS.values(), _aten),
    **{op: _aten for op in edge.Edge.operations if issubclass(op, edge.BinaryOp)},
    edge.EqualOp: lambda op, x, y: torch.eq(x, y).float(),
    edge.GreaterOp: lambda op, x, y: torch.gt(x, y).float(),
    edge.GreaterEqualOp: lambda op, x, y: torch.ge(x, y).float(),
    edge.TruncDivideOp: lambda op, x, y: torch.div(x, y, rounding_mode="trunc"),
    edge.ClampOp: lambda op, x: torch.clamp(x, *(clamp_bounds(op) or ())),
    edge.WhereOp: lambda op, mask, x, y: torch.where(mask != 0, x, y),
    edge.GeluOp: lambda op, x: torch.nn.functional.gelu(x, approximate=op.approximate.data),
}


class ElementwiseFunctions(InterpreterFunctions):
    """Has a method for each op of `_MEANINGS`; `register_impls` on a subclass finds them."""


def _method(op_type: type[Operation], meaning: Meaning) -> Any:
    def run(
        self: ElementwiseFunctions, interpreter: Interpreter, op: Operation, args: PythonValues
    ) -> PythonValues:
        return result(clamped(op, meaning(op, *tensors(op, args))), op.results[0])

    return impl(op_type)(run)


for _op_type, _meaning in _MEANINGS.items():
    setattr(ElementwiseFunctions, _op_type.name.replace(".", "_"), _method(_op_type, _meaning))
