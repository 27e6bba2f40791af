"""Calls of ExecuTorch's portable kernels: their builder, and the calls of elementwise ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects.builtin import TensorType, i1
from xdsl.ir import Attribute, Operation, SSAValue

from cmopt.arithmetic.functions import activation_bounds, clamp_bounds, numbers_of
from cmopt.dialects import edge
from cmopt.dialects.shapes import shape_of
from cmopt.lowering.portable_calls import Argument, portable_call
from cmopt.lowering.rules import Builder, Rule


class PortableBuilder(Builder):
    """Collects the calls that replace one op."""

    def __init__(self, op: Operation):
        super().__init__()
        self.op = op

    def call(self, target: str, *arguments: Argument, type: Attribute | None = None) -> SSAValue:
        """Call `aten.<target>`; the result has the type of the op that is replaced."""
        result = self.op.results[0].type if type is None else type
        return self.add(portable_call(f"aten.{target}", arguments, result))

    def window_call(
        self, target: str, *arguments: Argument, types: Sequence[Attribute] = ()
    ) -> SSAValue:
        """As `call`, in the data format of the op that is replaced; with several results, the
        first."""
        call = portable_call(f"aten.{target}", arguments, *(types or [self.op.results[0].type]))
        call.data_format = self.op.properties.get("data_format")  # type: ignore[assignment]
        return self.add(call)

    def clamped(self, value: SSAValue) -> SSAValue:
        """`value`, clamped by a call if a clamp was fused into the op."""
        low, high = activation_bounds(self.op)
        if low is None and high is None:
            return value
        return self.call("clamp.default", value, low, high)


Function = Callable[[PortableBuilder, SSAValue, list[float]], SSAValue]
"""Calls for a function of one tensor, given the op's numbers."""


def _hardsigmoid(b: PortableBuilder, x: SSAValue, numbers: list[float]) -> SSAValue:
    shifted = b.call("add.Scalar", x, 3.0, 1)
    return b.call("div.Scalar", b.call("clamp.default", shifted, 0.0, 6.0), 6.0)


def _hardswish(b: PortableBuilder, x: SSAValue, numbers: list[float]) -> SSAValue:
    gate = b.call("clamp.default", b.call("add.Scalar", x, 3.0, 1), 0.0, 6.0)
    return b.call("div.Scalar", b.call("mul.Tensor", x, gate), 6.0)


def _softplus(b: PortableBuilder, x: SSAValue, numbers: list[float]) -> SSAValue:
    """max(x, 0) + log(1 + exp(-|x|)), which cannot overflow and needs no threshold."""
    beta = numbers[0] if numbers else 1.0
    scaled = x if beta == 1 else b.call("mul.Scalar", x, beta)
    distance = b.call("neg.default", b.call("abs.default", scaled))
    tail = b.call("log1p.default", b.call("exp.default", distance))
    total = b.call("add.Tensor", b.call("relu.default", scaled), tail, 1)
    return total if beta == 1 else b.call("div.Scalar", total, beta)


def _log_sigmoid(b: PortableBuilder, x: SSAValue, numbers: list[float]) -> SSAValue:
    return b.call("neg.default", _softplus(b, b.call("neg.default", x), []))


def _mish(b: PortableBuilder, x: SSAValue, numbers: list[float]) -> SSAValue:
    return b.call("mul.Tensor", x, b.call("tanh.default", _softplus(b, x, [])))


def _if_above(
    b: PortableBuilder, tested: SSAValue, least: float, x: SSAValue, other: float
) -> SSAValue:
    """`x` where `tested` is above `least`, else `other`."""
    truth = TensorType(i1, shape_of(x))
    is_above = b.call("gt.Scalar", tested, least, type=truth)
    replacement = b.call("full_like.default", x, other, None, None, None, None, None)
    return b.call("where.self", is_above, x, replacement)


def _hardshrink(b: PortableBuilder, x: SSAValue, numbers: list[float]) -> SSAValue:
    return _if_above(b, b.call("abs.default", x), numbers[0], x, 0.0)


def _threshold(b: PortableBuilder, x: SSAValue, numbers: list[float]) -> SSAValue:
    return _if_above(b, x, numbers[0], x, numbers[1])


def _softshrink(b: PortableBuilder, x: SSAValue, numbers: list[float]) -> SSAValue:
    within = b.call("clamp.default", x, -numbers[0], numbers[0])
    return b.call("sub.Tensor", x, within, 1)


# Functions without a single kernel.
_COMPOSITES: dict[str, Function] = {
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
"""The ops that become several kernels. Their result may differ in its last bits."""


def _unary(op: edge.UnaryOp, b: PortableBuilder) -> SSAValue:
    name = op.name.removeprefix("edge.")
    if (composite := _COMPOSITES.get(name)) is not None:
        return composite(b, op.input, numbers_of(op))
    overload = "Tensor_Scalar" if isinstance(op, edge.PowOp) else "default"
    return b.call(f"{name}.{overload}", op.input, *numbers_of(op))


def _hypot(op: edge.HypotOp, b: PortableBuilder) -> SSAValue:
    """There is no portable kernel: the root of the sum of squares."""

    def square(value: SSAValue) -> SSAValue:
        return b.call("mul.Tensor", value, value, type=value.type)

    return b.call("sqrt.default", b.call("add.Tensor", square(op.lhs), square(op.rhs), 1))


def _comparison(op: edge.ComparisonOp, b: PortableBuilder) -> SSAValue:
    """1 or 0, by the bools of ATen's operator."""
    names = {edge.EqualOp: "eq", edge.GreaterOp: "gt", edge.GreaterEqualOp: "ge"}
    truth = TensorType(i1, shape_of(op.output))
    holds = b.call(f"{names[type(op)]}.Tensor", op.lhs, op.rhs, type=truth)
    size = list(shape_of(op.output))
    one, zero = (b.call("full.default", size, n, None, None, None, None) for n in (1.0, 0.0))
    return b.call("where.self", holds, one, zero)


def _where(op: edge.WhereOp, b: PortableBuilder) -> SSAValue:
    holds = b.call("ne.Scalar", op.mask, 0.0, type=TensorType(i1, shape_of(op.mask)))
    return b.call("where.self", holds, op.lhs, op.rhs)


def _binary(op: edge.BinaryOp, b: PortableBuilder) -> SSAValue:
    alpha = [1] if isinstance(op, edge.AddOp | edge.SubOp) else []
    return b.clamped(b.call(op.ATEN[0], op.lhs, op.rhs, *alpha))


ELEMENTWISE: dict[type[Operation], Rule] = {
    edge.UnaryOp: _unary,
    edge.ClampOp: lambda op, b: b.call("clamp.default", op.input, *(clamp_bounds(op) or ())),
    edge.GeluOp: lambda op, b: b.call("gelu.default", op.input, op.approximate.data),
    edge.BinaryOp: _binary,
    edge.ComparisonOp: _comparison,
    edge.HypotOp: _hypot,
    edge.WhereOp: _where,
    edge.TruncDivideOp: lambda op, b: b.call("div.Tensor_mode", op.lhs, op.rhs, "trunc"),
}
"""The rules of float elementwise ops, by the op's class."""
