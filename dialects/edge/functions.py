"""The functions of one element. Each becomes a lookup table."""

from __future__ import annotations

from xdsl.dialects.builtin import FloatAttr, StringAttr
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.elementwise import UnaryOp

_MEANINGS = {
    "abs": "`|x|`",
    "acos": "Inverse cosine; NaN outside [-1, 1]",
    "acosh": "Inverse hyperbolic cosine; NaN below 1",
    "asin": "Inverse sine; NaN outside [-1, 1]",
    "asinh": "Inverse hyperbolic sine",
    "atan": "Inverse tangent",
    "atanh": "Inverse hyperbolic tangent; NaN outside [-1, 1]",
    "ceil": "The least integer not below x",
    "cos": "Cosine, of radians",
    "cosh": "Hyperbolic cosine",
    "erf": "Gauss's error function",
    "erfinv": "The inverse of Gauss's error function; infinite at -1 and 1, NaN beyond",
    "exp": "`e^x`",
    "expm1": "`e^x - 1`",
    "floor": "The greatest integer not above x",
    "hardsigmoid": "`clamp(x / 6 + 1 / 2, 0, 1)`",
    "hardswish": "`x * clamp(x + 3, 0, 6) / 6`",
    "log": "Natural logarithm; NaN below 0, -inf at 0",
    "log10": "Logarithm to base 10; NaN below 0, -inf at 0",
    "log1p": "`log(1 + x)`",
    "log2": "Logarithm to base 2; NaN below 0, -inf at 0",
    "log_sigmoid": "`log(1 / (1 + exp(-x)))`",
    "mish": "`x * tanh(log(1 + exp(x)))`",
    "neg": "`-x`",
    "reciprocal": "`1 / x`; infinite at 0",
    "round": "The nearest integer, ties to even",
    "rsqrt": "`1 / sqrt(x)`; NaN below 0, infinite at 0",
    "sigmoid": "`1 / (1 + exp(-x))`",
    "sign": "-1, 0 or 1",
    "silu": "`x * sigmoid(x)`",
    "sin": "Sine, of radians",
    "sinh": "Hyperbolic sine",
    "sqrt": "Square root; NaN below 0",
    "square": "`x * x`",
    "tan": "Tangent, of radians",
    "tanh": "Hyperbolic tangent",
    "trunc": "`x`, rounded towards 0",
}


def _op(name: str, meaning: str) -> type[UnaryOp]:
    body = {"name": f"edge.{name}", "__doc__": f"{meaning}.", "__module__": __name__}
    return irdl_op_definition(type(f"{name.title().replace('_', '')}Op", (UnaryOp,), body))


@irdl_op_definition
class ReluOp(UnaryOp):
    """`max(x, 0)`."""

    name = "edge.relu"


FUNCTIONS: dict[str, type[UnaryOp]] = {
    **{name: _op(name, meaning) for name, meaning in _MEANINGS.items()},
    "relu": ReluOp,
}
"""The ops without parameters, by the name of their ATen operator."""


@irdl_op_definition
class ClampOp(UnaryOp):
    """`min(max(x, min), max)` (aten.clamp, hardtanh, relu6); an absent bound does not clamp."""

    name = "edge.clamp"

    min = opt_prop_def(FloatAttr)
    max = opt_prop_def(FloatAttr)

    def verify_(self) -> None:
        super().verify_()
        if self.min is None and self.max is None:
            raise VerifyException("needs min, max or both")


@irdl_op_definition
class GeluOp(UnaryOp):
    """Gaussian error linear unit; `approximate` is "none" or "tanh"."""

    name = "edge.gelu"

    approximate = prop_def(StringAttr)

    def verify_(self) -> None:
        super().verify_()
        if self.approximate.data not in ("none", "tanh"):
            raise VerifyException(f"approximate must be none or tanh, got {self.approximate}")


@irdl_op_definition
class LeakyReluOp(UnaryOp):
    """`x` where positive, else `negative_slope * x`."""

    name = "edge.leaky_relu"

    negative_slope = prop_def(FloatAttr)


@irdl_op_definition
class EluOp(UnaryOp):
    """`scale * x` where positive, else `scale * alpha * (exp(input_scale * x) - 1)`.

    Other parameters give celu and selu.
    """

    name = "edge.elu"

    alpha = prop_def(FloatAttr)
    scale = prop_def(FloatAttr)
    input_scale = prop_def(FloatAttr)


@irdl_op_definition
class PowOp(UnaryOp):
    """`x ^ exponent`; NaN if x is negative and the exponent is not an integer."""

    name = "edge.pow"

    exponent = prop_def(FloatAttr)


@irdl_op_definition
class SoftplusOp(UnaryOp):
    """`log(1 + exp(beta * x)) / beta`, and `x` where `beta * x` is above `threshold`."""

    name = "edge.softplus"

    beta = prop_def(FloatAttr)
    threshold = prop_def(FloatAttr)


@irdl_op_definition
class ThresholdOp(UnaryOp):
    """`x` where it is above `threshold`, else `value`."""

    name = "edge.threshold"

    threshold = prop_def(FloatAttr)
    value = prop_def(FloatAttr)


@irdl_op_definition
class HardshrinkOp(UnaryOp):
    """`x` where it is beyond ±`lambd`, else 0."""

    name = "edge.hardshrink"

    lambd = prop_def(FloatAttr)


@irdl_op_definition
class LogitOp(UnaryOp):
    """`log(x / (1 - x))` of x clamped to `eps … 1 - eps`; a negative `eps` does not clamp."""

    name = "edge.logit"

    eps = prop_def(FloatAttr)


@irdl_op_definition
class SoftshrinkOp(UnaryOp):
    """`x` moved towards 0 by `lambd`; 0 where it would pass 0."""

    name = "edge.softshrink"

    lambd = prop_def(FloatAttr)


WITH_PARAMETERS: dict[str, type[UnaryOp]] = {
    op.name.removeprefix("edge."): op
    for op in (
        *(EluOp, HardshrinkOp, LeakyReluOp, LogitOp, PowOp, SoftplusOp, SoftshrinkOp, ThresholdOp),
    )
}
"""The ops whose properties are the parameters of their ATen operator, all numbers, by its name."""
