"""The elementwise functions of `edge` in float32, without torch. Lookup tables are made with them.

A result may differ from PyTorch's float32 kernels in its last bits. An entry of an int8 table may
then differ by one step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation

from cmopt.dialects import edge

Float = NDArray[np.float32]

ONE, THREE, SIX = np.float32(1), np.float32(3), np.float32(6)


def clamp(x: Float, low: float | None, high: float | None) -> Float:
    """Clamp to the given bounds. The upper bound wins, as in PyTorch."""
    if low is not None:
        x = np.maximum(x, np.float32(low)).astype(np.float32)
    if high is not None:
        x = np.minimum(x, np.float32(high)).astype(np.float32)
    return x


def _sigmoid(x: Float) -> Float:
    # exp of a non-positive value only, so it cannot overflow.
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, ONE / (ONE + e), e / (ONE + e)).astype(np.float32)


_erf = np.vectorize(math.erf, otypes=[np.float64])


@partial(np.vectorize, otypes=[np.float64])
def _erfinv(x: float) -> float:
    if not -1 < x < 1:
        return math.copysign(math.inf, x) if abs(x) == 1 else math.nan
    if abs(x) < 1e-4:  # 1 + x would lose digits; the next term of this series is below 1e-16 x.
        return math.sqrt(math.pi) / 2 * (x + math.pi / 12 * x**3)
    return NormalDist().inv_cdf((1 + x) / 2) / math.sqrt(2)


def _gelu(op: edge.GeluOp, x: Float) -> Float:
    wide = x.astype(np.float64)
    if op.approximate.data == "tanh":
        inner = math.sqrt(2 / math.pi) * (wide + 0.044715 * wide**3)
        return np.asarray(0.5 * wide * (1 + np.tanh(inner)), np.float32)
    return np.asarray(0.5 * wide * (1 + _erf(wide / math.sqrt(2))), np.float32)


def _bound(attr: object) -> float | None:
    return None if attr is None else float(attr.value.data)  # type: ignore[attr-defined]


def clamp_bounds(op: Operation) -> tuple[float | None, float | None] | None:
    """The (min, max) of an op that only clamps, None where it is another function."""
    if isinstance(op, edge.ReluOp):
        return 0.0, None
    if isinstance(op, edge.ClampOp):
        return _bound(op.min), _bound(op.max)
    return None


def activation_bounds(op: Operation) -> tuple[float | None, float | None]:
    """The clamp fused into an op: its `activation_min` and `activation_max`."""
    low, high = (op.properties.get(f"activation_{end}") for end in ("min", "max"))
    return _bound(low), _bound(high)


def numbers_of(op: Operation) -> list[float]:
    """The properties of an op of `edge.WITH_PARAMETERS`, in the order of its ATen operator."""
    if (kind := edge.WITH_PARAMETERS.get(op.name.removeprefix("edge."))) is None:
        return []
    return [float(op.properties[name].value.data) for name in kind.get_irdl_definition().properties]  # type: ignore[attr-defined]


def _softplus(x: Float, beta: float = 1.0, threshold: float = 20.0) -> Float:
    scaled = x * np.float32(beta)
    smooth = np.logaddexp(scaled, np.float32(0)) / np.float32(beta)
    return np.where(scaled > threshold, x, smooth).astype(np.float32)


def _elu(x: Float, alpha: float, scale: float, input_scale: float) -> Float:
    negative = np.expm1(np.minimum(x, 0) * np.float32(input_scale)) * np.float32(alpha * scale)
    return np.where(x > 0, x * np.float32(scale), negative).astype(np.float32)


def _logit(x: Float, eps: float) -> Float:
    if eps >= 0:  # the lower bound wins, as in PyTorch
        low, high = np.float32(eps), ONE - np.float32(eps)
        x = np.where(x < low, low, np.minimum(x, high))
    return np.asarray(np.log(x / (ONE - x)), np.float32)


FUNCTIONS: dict[str, Callable[..., Float]] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "elu": _elu,
    "erf": lambda x: _erf(x.astype(np.float64)).astype(np.float32),
    "erfinv": lambda x: _erfinv(x.astype(np.float64)).astype(np.float32),
    "exp": np.exp,
    "expm1": np.expm1,
    "floor": np.floor,
    "hardshrink": lambda x, lambd: np.where(np.abs(x) > np.float32(lambd), x, 0),
    "hardsigmoid": lambda x: clamp(x + THREE, 0, 6) / SIX,
    "hardswish": lambda x: x * clamp(x + THREE, 0, 6) / SIX,
    "leaky_relu": lambda x, slope: np.where(x > 0, x, x * np.float32(slope)),
    "log": np.log,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "log_sigmoid": lambda x: -_softplus(-x),
    "logit": _logit,
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "neg": np.negative,
    "pow": lambda x, exponent: np.power(x, np.float32(exponent)),
    "reciprocal": np.reciprocal,
    "round": np.rint,
    "rsqrt": lambda x: ONE / np.sqrt(x),
    "sigmoid": _sigmoid,
    "sign": np.sign,
    "silu": lambda x: x * _sigmoid(x),
    "sin": np.sin,
    "sinh": np.sinh,
    "softplus": _softplus,
    "softshrink": lambda x, lambd: x - np.clip(x, -np.float32(lambd), np.float32(lambd)),
    "sqrt": np.sqrt,
    "square": np.square,
    "tan": np.tan,
    "tanh": np.tanh,
    "threshold": lambda x, least, value: np.where(x > np.float32(least), x, np.float32(value)),
    "trunc": np.trunc,
}


BINARY: dict[type[Operation], Callable[[Float, Float], NDArray[Any]]] = {
    edge.AddOp: np.add,
    edge.SubOp: np.subtract,
    edge.MulOp: np.multiply,
    edge.DivOp: np.divide,
    edge.FloorDivideOp: np.floor_divide,
    edge.TruncDivideOp: lambda a, b: np.trunc(a / b),
    edge.RemainderOp: np.remainder,
    edge.FmodOp: np.fmod,
    edge.HypotOp: np.hypot,
    edge.EqualOp: np.equal,
    edge.GreaterOp: np.greater,
    edge.GreaterEqualOp: np.greater_equal,
    edge.MinimumOp: np.minimum,
    edge.MaximumOp: np.maximum,
}


def apply_unary(op: Operation, x: Float) -> Float | None:
    """The elementwise function `op` of `x`, or None if it is not an elementwise function of one."""
    if (bounds := clamp_bounds(op)) is not None:
        return clamp(x, *bounds)
    if isinstance(op, edge.GeluOp):
        return _gelu(op, x)
    function = FUNCTIONS.get(op.name.removeprefix("edge."))
    if function is None:
        return None
    with np.errstate(all="ignore"):
        return function(x, *numbers_of(op)).astype(np.float32)


def apply_binary(op: Operation, lhs: Float, rhs: Float) -> Float | None:
    """The elementwise function `op` of `lhs` and `rhs`, or None if it is another op."""
    function = BINARY.get(type(op))
    if function is None:
        return None
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return clamp(function(lhs, rhs).astype(np.float32), *activation_bounds(op))
