"""Calls of ExecuTorch's portable kernels: how they are made, and those of elementwise ops."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.dialects.builtin import (
    ArrayAttr,
    BoolAttr,
    FloatAttr,
    IntegerAttr,
    NoneType,
    StringAttr,
    TensorType,
    f64,
    i1,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue

from cmopt.arithmetic.functions import activation_bounds, clamp_bounds, numbers_of
from cmopt.dialects import edge
from cmopt.dialects.shapes import shape_of

Plain = int | float | bool | str | list[int] | None
Argument = SSAValue | Plain


class Calls:
    """Collects the calls that replace one op."""

    def __init__(self, op: Operation):
        self.op = op
        self.ops: list[Operation] = []

    def add(self, op: Operation) -> SSAValue:
        """Append an op; gives its first result."""
        self.ops.append(op)
        return op.results[0]

    def call(self, target: str, *arguments: Argument, type: Attribute | None = None) -> SSAValue:
        """Call `aten.<target>`; the result has the type of the op that is replaced."""
        operands: list[SSAValue] = []
        attrs: list[Attribute] = []
        for argument in arguments:
            if isinstance(argument, SSAValue):
                attrs.append(edge.OperandAttr(IntegerAttr(len(operands), i64)))
                operands.append(argument)
            else:
                attrs.append(argument_attr(argument))
        result = self.op.results[0].type if type is None else type
        return self.add(edge.CallOp(f"aten.{target}", operands, attrs, [result]))

    def clamped(self, value: SSAValue) -> SSAValue:
        """The clamp that was fused into the op, as a call of its own."""
        low, high = activation_bounds(self.op)
        if low is None and high is None:
            return value
        return self.call("clamp.default", value, low, high)


def argument_attr(value: Plain) -> Attribute:
    """The attribute form of a call's argument."""
    match value:
        case None:
            return NoneType()
        case bool():
            return BoolAttr.from_bool(value)
        case int():
            return IntegerAttr(value, i64)
        case float():
            return FloatAttr(value, f64)
        case str():
            return StringAttr(value)
        case _:
            return ArrayAttr([IntegerAttr(v, i64) for v in value])


Conversion = Callable[[Calls, SSAValue, list[float]], SSAValue]
"""Calls for a function of one tensor, given the op's numbers."""


def _hardsigmoid(calls: Calls, x: SSAValue, numbers: list[float]) -> SSAValue:
    shifted = calls.call("add.Scalar", x, 3.0, 1)
    return calls.call("div.Scalar", calls.call("clamp.default", shifted, 0.0, 6.0), 6.0)


def _hardswish(calls: Calls, x: SSAValue, numbers: list[float]) -> SSAValue:
    gate = calls.call("clamp.default", calls.call("add.Scalar", x, 3.0, 1), 0.0, 6.0)
    return calls.call("div.Scalar", calls.call("mul.Tensor", x, gate), 6.0)


def _softplus(calls: Calls, x: SSAValue, numbers: list[float]) -> SSAValue:
    """max(x, 0) + log(1 + exp(-|x|)), which nothing overflows and which needs no threshold."""
    beta = numbers[0] if numbers else 1.0
    scaled = x if beta == 1 else calls.call("mul.Scalar", x, beta)
    distance = calls.call("neg.default", calls.call("abs.default", scaled))
    tail = calls.call("log1p.default", calls.call("exp.default", distance))
    total = calls.call("add.Tensor", calls.call("relu.default", scaled), tail, 1)
    return total if beta == 1 else calls.call("div.Scalar", total, beta)


def _log_sigmoid(calls: Calls, x: SSAValue, numbers: list[float]) -> SSAValue:
    return calls.call("neg.default", _softplus(calls, calls.call("neg.default", x), []))


def _mish(calls: Calls, x: SSAValue, numbers: list[float]) -> SSAValue:
    return calls.call("mul.Tensor", x, calls.call("tanh.default", _softplus(calls, x, [])))


def _if_above(calls: Calls, tested: SSAValue, least: float, x: SSAValue, other: float) -> SSAValue:
    """`x` where `tested` is above `least`, else `other`."""
    truth = TensorType(i1, shape_of(x))
    is_above = calls.call("gt.Scalar", tested, least, type=truth)
    replacement = calls.call("full_like.default", x, other, None, None, None, None, None)
    return calls.call("where.self", is_above, x, replacement)


def _hardshrink(calls: Calls, x: SSAValue, numbers: list[float]) -> SSAValue:
    return _if_above(calls, calls.call("abs.default", x), numbers[0], x, 0.0)


def _threshold(calls: Calls, x: SSAValue, numbers: list[float]) -> SSAValue:
    return _if_above(calls, x, numbers[0], x, numbers[1])


def _softshrink(calls: Calls, x: SSAValue, numbers: list[float]) -> SSAValue:
    within = calls.call("clamp.default", x, -numbers[0], numbers[0])
    return calls.call("sub.Tensor", x, within, 1)


# Functions that have no kernel of their own.
_COMPOSITES: dict[str, Conversion] = {
    "hardshrink": _hardshrink,
    "hardsigmoid": _hardsigmoid,
    "hardswish": _hardswish,
    "log_sigmoid": _log_sigmoid,
    "mish": _mish,
    "silu": lambda c, x, _: c.call("mul.Tensor", x, c.call("sigmoid.default", x)),
    "softplus": _softplus,
    "softshrink": _softshrink,
    "square": lambda c, x, _: c.call("mul.Tensor", x, x),
    "threshold": _threshold,
}
COMPOSITES = frozenset(f"edge.{name}" for name in _COMPOSITES)
"""The ops that become several kernels, whose result may differ in its last bits."""


def _unary(calls: Calls, op: edge.UnaryOp) -> SSAValue:
    name = op.name.removeprefix("edge.")
    if (composite := _COMPOSITES.get(name)) is not None:
        return composite(calls, op.input, numbers_of(op))
    overload = "Tensor_Scalar" if isinstance(op, edge.PowOp) else "default"
    return calls.call(f"{name}.{overload}", op.input, *numbers_of(op))


def _binary(calls: Calls, op: edge.BinaryOp) -> SSAValue:
    alpha = [1] if isinstance(op, edge.AddOp | edge.SubOp) else []
    overload = "default" if isinstance(op, edge.MinimumOp | edge.MaximumOp) else "Tensor"
    target = f"{op.name.removeprefix('edge.')}.{overload}"
    return calls.clamped(calls.call(target, op.lhs, op.rhs, *alpha))


ELEMENTWISE: dict[type[Operation], Callable[..., SSAValue]] = {
    **dict.fromkeys(edge.FUNCTIONS.values(), _unary),
    **dict.fromkeys(edge.WITH_PARAMETERS.values(), _unary),
    edge.ClampOp: lambda c, op: c.call("clamp.default", op.input, *(clamp_bounds(op) or ())),
    edge.GeluOp: lambda c, op: c.call("gelu.default", op.input, op.approximate.data),
    **dict.fromkeys(
        (edge.AddOp, edge.SubOp, edge.MulOp, edge.DivOp, edge.MinimumOp, edge.MaximumOp), _binary
    ),
}
"""Calls that compute a float elementwise op, by its class."""
