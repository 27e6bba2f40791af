"""How ops become kernels."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.lookup_tables import EVERY_INT8
from cmopt.dialects.arrays import Array, dequantize, quantize
from cmopt.dialects.edge import FUNCTIONS, UnaryOp
from cmopt.dialects.quant import UniformQuantizedType, is_int8, qtype_of
from cmopt.lowering.cortex_m.builder import KernelBuilder
from cmopt.lowering.portable import PortableBuilder
from cmopt.lowering.rules import Rule, Unsupported
from cmopt.lowering.tosa.builder import RegionBuilder
from cmopt_example.dialect import CubeOp


def table(
    function: Callable[[Array], Array], source: UniformQuantizedType, target: UniformQuantizedType
) -> Array:
    """The results of a function of one int8 value. Raises Unsupported for other types."""
    if not is_int8(source) or not is_int8(target):
        raise Unsupported("takes int8")
    return quantize(function(dequantize(EVERY_INT8, source)), target)


def lines(x: Array) -> Array:
    """A sigmoid of straight lines, which is up to 0.09 off."""
    return (x / 6 + 0.5).clip(0, 1)


def cube(op: CubeOp, b: KernelBuilder) -> SSAValue:
    """A lookup table; exact."""
    entries = table(lambda x: x**3, qtype_of(op.input), qtype_of(op.output))
    return b.lookup(b.value(op.input), entries)


def hard_sigmoid(op: UnaryOp, b: KernelBuilder) -> SSAValue:
    """A lookup table, for the core."""
    return b.lookup(b.value(op.input), table(lines, qtype_of(op.input), qtype_of(op.output)))


def npu_hard_sigmoid(op: UnaryOp, b: RegionBuilder) -> SSAValue:
    """A lookup table, for the NPU."""
    return b.table(b.value(op.input), table(lines, qtype_of(op.input), qtype_of(op.output)))


def float_cube(op: CubeOp, b: PortableBuilder) -> SSAValue:
    """Two products of ExecuTorch's portable library."""
    return b.call("mul.Tensor", op.input, b.call("mul.Tensor", op.input, op.input))


CORTEX_M: dict[type[Operation], Rule] = {CubeOp: cube, FUNCTIONS["sigmoid"]: hard_sigmoid}

PORTABLE: dict[type[Operation], Rule] = {CubeOp: float_cube}

TOSA: dict[type[Operation], Rule] = {FUNCTIONS["sigmoid"]: npu_hard_sigmoid}
