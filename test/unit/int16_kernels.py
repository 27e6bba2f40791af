"""Random calls of the kernels of the dialect `cmopt`, as modules with many results."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from xdsl.dialects.builtin import FunctionType, IntegerType, ModuleOp, TensorType
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Region, SSAValue

from cmopt.arithmetic.interpolated_tables import Spacing
from cmopt.dialects import cmopt as own
from cmopt.dialects.arrays import Array, numpy_dtype
from cmopt.dialects.constants import constant_op
from cmopt.dialects.cortex_m import ScratchOp
from cmopt.dialects.packed_weights import pack
from cmopt.dialects.parsing import make_context
from cmopt.dialects.program import main_function
from cmopt.lowering.cortex_m import scratch
from cmopt.lowering.cortex_m.dispatch import Window
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.support.targets import Isa

I8, I16 = IntegerType(8), IntegerType(16)


class Calls:
    """Appends random calls to the block of a function; `results` has the result of each."""

    def __init__(self, rng: Generator, isa: Isa):
        self.rng, self.isa = rng, isa
        self.block = Block()
        self.results: list[SSAValue] = []

    def input(self, *shape: int, element: IntegerType = I16) -> SSAValue:
        """A new argument."""
        return self.block.insert_arg(TensorType(element, shape), len(self.block.args))

    def constant(self, array: NDArray[Any]) -> SSAValue:
        op = constant_op(array)
        self.block.add_op(op)
        return op.result

    def scratch(self, size: int) -> SSAValue:
        op = ScratchOp(TensorType(I8, [size]))
        self.block.add_op(op)
        return op.output

    def add(self, op: Any) -> None:
        op.verify_()
        self.block.add_op(op)
        self.results.extend(op.results)

    def module(self) -> ModuleOp:
        """A planned module whose function makes the calls; nothing can be added afterwards."""
        self.block.add_op(ReturnOp(*self.results))
        types = [value.type for value in self.results]
        function = FunctionType.from_lists([arg.type for arg in self.block.args], types)
        module = ModuleOp([FuncOp("forward", function, Region(self.block))])
        passes = "copy-joined-operands,plan-memory,verify-plan,verify-stage{stage=planned}"
        run_passes(make_context(), module, parse_pipeline(passes))
        return module

    def size(self, most: int = 9) -> int:
        return int(self.rng.choice([1, 2, 3, *range(4, most + 1)]))

    def shape(self) -> list[int]:
        return [self.size(5) for _ in range(self.rng.integers(0, 5))]

    def clamp(self) -> dict[str, int]:
        if self.rng.integers(2):
            return {"activation_min": -32768, "activation_max": 32767}
        low, high = sorted(self.rng.integers(-32768, 32768, 2).tolist())
        return {"activation_min": low, "activation_max": high}

    def multiplier(self) -> int:
        ends = [0, 1 << 30, (1 << 31) - 1, 0x7FFEFFFF, 0x7FFF0000]
        is_end = self.rng.integers(8) == 0
        return int(self.rng.choice(ends) if is_end else self.rng.integers(1 << 30, 1 << 31))


def window(c: Calls, channels: int, out: int, *, dilated: bool = True) -> tuple[Any, Any, Any]:
    """Input shape, output shape and the geometry of windows that all reach the input."""
    sizes = []
    for _ in range(2):
        size, kernel, stride = c.size(), int(c.rng.integers(1, 5)), int(c.rng.integers(1, 4))
        dilation = int(c.rng.integers(1, 3)) if dilated else 1
        padding = int(c.rng.integers(0, kernel)) if kernel > 1 else 0
        most = (size + padding - 1) // stride + 1
        span = (kernel - 1) * dilation + 1
        least = max(1, -(-(size + padding - span + 1) // stride))
        count = int(c.rng.integers(least, max(least, most) + 1))
        while (count - 1) * stride - padding >= size:
            count -= 1
        sizes.append((size, kernel, stride, padding, dilation, count))
    hw, kernel, stride, padding, dilation, count = zip(*sizes, strict=True)
    images = int(c.rng.integers(1, 3))
    geometry = {"stride": stride, "padding": padding, "dilation": dilation}
    return (images, *hw, channels), (images, *count, out), (kernel, geometry)


def conv2d(c: Calls) -> None:
    channels, out = c.size(20), c.size(9)
    input, output, (kernel, geometry) = window(c, channels, out)
    kind = int(c.rng.integers(3))  # sums of 32 bits, of 64 bits, weights of 16 bits
    bound = 32768 if kind == 2 else 128
    dtype: type[Any] = np.int16 if kind == 2 else np.int8
    reach = 5 if kind == 0 and np.prod(kernel) * channels > 400 else bound - 1
    weight = c.rng.integers(-reach, reach + 1, (out, *kernel, channels)).astype(dtype)
    shifts = c.rng.integers(-12, 1, out) if kind == 0 else c.rng.integers(-28, 3, out)
    wide = 1 << (20 if kind == 0 else 44)
    bias = c.rng.integers(-wide, wide, out).astype(np.int32 if kind == 0 else np.int64)
    geometry_of = Window(input, weight.shape, output, *geometry.values())
    size = 0 if kind == 2 else scratch.conv2d_s16(c.isa, geometry_of)
    operands = [c.input(*input), c.constant(weight), *requantization(c, bias, shifts)]
    type = TensorType(I16, output)
    properties = {**geometry, **c.clamp()}
    c.add(own.QuantizedConv2dOp([*operands, c.scratch(size)], type, properties))


def requantization(c: Calls, bias: NDArray[Any], shifts: NDArray[Any]) -> list[SSAValue]:
    multipliers = np.array([c.multiplier() for _ in shifts], np.int32)
    return [c.constant(bias), c.constant(multipliers), c.constant(shifts.astype(np.int32))]


def depthwise_conv2d(c: Calls) -> None:
    channels, times = c.size(20), int(c.rng.integers(1, 4))
    input, output, (kernel, geometry) = window(c, channels, channels * times)
    input, output = (1, *input[1:]), (1, *output[1:])
    weight = c.rng.integers(-128, 128, (1, *kernel, channels * times)).astype(np.int8)
    shape = Window(input, weight.shape, output, *geometry.values(), depthwise=True)
    bias = c.rng.integers(-(1 << 40), 1 << 40, channels * times)
    shifts = c.rng.integers(-24, 3, channels * times)
    operands = [c.input(*input), c.constant(weight), *requantization(c, bias, shifts)]
    operands.append(c.scratch(scratch.depthwise_conv2d_s16(c.isa, shape)))
    properties = {**geometry, **c.clamp(), "depth_multiplier": times}
    c.add(own.QuantizedDepthwiseConv2dOp(operands, TensorType(I16, output), properties))


def pool2d(c: Calls, kind: Any) -> None:
    channels = c.size(20)
    input, output, (kernel, geometry) = window(c, channels, channels, dilated=False)
    del geometry["dilation"]
    operands = [c.input(*input)]
    if kind is own.QuantizedAvgPool2dOp:
        operands.append(c.scratch(scratch.avg_pool2d_s16(c.isa, output[2], channels)))
    properties = {**geometry, **c.clamp(), "kernel_size": kernel}
    c.add(kind(operands, TensorType(I16, output), properties))


def batch_matmul(c: Calls) -> None:
    items, rows, columns, depth = c.size(3), c.size(), c.size(), c.size(40)
    operands = [c.input(items, rows, depth), c.input(items, columns, depth)]
    properties = {"output_multiplier": c.multiplier(), "output_shift": int(c.rng.integers(-30, 4))}
    type = TensorType(I16, (items, rows, columns))
    c.add(own.QuantizedBatchMatmulOp(operands, type, properties))


def add(c: Calls) -> None:
    shape = c.shape()
    sign = -1 if c.rng.integers(2) else 1
    properties = {
        "self_multiplier": max(c.multiplier(), 1),
        "self_shift": -int(c.rng.integers(0, 4)),
        "other_multiplier": sign * max(c.multiplier(), 1),
        "other_shift": -int(c.rng.integers(0, 20)),
        "output_multiplier": c.multiplier(),
        "output_shift": int(c.rng.integers(-20, -10)),
        **c.clamp(),
    }
    operands = [c.input(*shape), c.input(*shape)]
    c.add(own.QuantizedAddOp(operands, TensorType(I16, shape), properties))


def mul(c: Calls) -> None:
    shape = c.shape()
    scale = {"output_multiplier": c.multiplier(), "output_shift": int(c.rng.integers(-20, 1))}
    operands = [c.input(*shape), c.input(*shape)]
    c.add(own.QuantizedMulOp(operands, TensorType(I16, shape), {**scale, **c.clamp()}))


def hypot(c: Calls) -> None:
    shape = c.shape()
    scale = {"output_multiplier": c.multiplier(), "output_shift": int(c.rng.integers(-16, 16))}
    operands = [c.input(*shape), c.input(*shape)]
    c.add(own.QuantizedHypotOp(operands, TensorType(I16, shape), scale))


def softmax(c: Calls) -> None:
    shape = [*c.shape(), c.size(60)]
    table = np.sort(c.rng.integers(0, 32768, 513))
    table[-2:] = 32767
    scale = {"input_multiplier": c.multiplier(), "input_shift": int(c.rng.integers(-12, 15))}
    operands = [c.input(*shape), c.constant(table.astype(np.int16))]
    c.add(own.SoftmaxOp(operands, TensorType(I16, shape), scale))


def layer_norm(c: Calls) -> None:
    outer, inner = c.shape(), [c.size(7) for _ in range(c.rng.integers(1, 4))]
    row, shape = math.prod(inner), [*outer, *inner]
    source, target = (c.rng.choice([8, 16], 2)).tolist()
    half = 1 << (target - 1)
    low, high = sorted(c.rng.integers(-half, half, 2).tolist())

    def parameter(bits: int) -> SSAValue:
        size, most = int(c.rng.choice([1, row])), 1 << int(c.rng.integers(bits - 8, bits + 1))
        values = c.rng.integers(-most, most, size, endpoint=True)
        return c.constant(np.clip(values, 1 - (1 << 31), (1 << 31) - 1).astype(np.int32))

    properties = {
        "row": row,
        "centered": bool(c.rng.integers(2)),
        "input_zero_point": int(c.rng.integers(-1 << (source - 1), 1 << (source - 1))),
        "epsilon_multiplier": c.multiplier(),
        "epsilon_shift": int(c.rng.choice([-96, -30, 96, c.rng.integers(-96, 97)])),
        "fraction_bits": int(c.rng.integers(1, own.MOST_FRACTION_BITS + 1)),
        "activation_min": low if c.rng.integers(2) else -half,
        "activation_max": high if c.rng.integers(2) else half - 1,
    }
    operands = [c.input(*shape, element=IntegerType(source)), parameter(31), parameter(30)]
    c.add(own.LayerNormOp(operands, TensorType(IntegerType(target), shape), properties))


def lookup(c: Calls) -> None:
    shape = c.shape()
    entries = int(c.rng.choice([spacing.value for spacing in Spacing]))
    table = c.rng.integers(-32768, 32768, entries).astype(np.int16)
    operands = [c.input(*shape), c.constant(table)]
    c.add(own.LookupOp(operands, TensorType(I16, shape), {}))


def requantize(c: Calls) -> None:
    shape = c.shape()
    source, target = (c.rng.choice([8, 16], 2)).tolist()
    zero_points = [int(c.rng.integers(-128, 128)) if w == 8 else 0 for w in (source, target)]
    half = 1 << (target - 1)
    low, high = sorted(c.rng.integers(-half, half, 2).tolist())
    properties = {
        "input_zero_point": zero_points[0],
        "multiplier": c.multiplier(),
        "shift": int(c.rng.integers(-31, 17)),
        "output_zero_point": zero_points[1],
        "activation_min": low if c.rng.integers(2) else -half,
        "activation_max": high if c.rng.integers(2) else half - 1,
    }
    input = c.input(*shape, element=IntegerType(source))
    c.add(own.RequantizeOp([input], TensorType(IntegerType(target), shape), properties))


def lstm(c: Calls) -> None:
    steps, batch, inputs, units = c.size(5), c.size(3), c.size(20), c.size(20)
    state = units if steps > 1 else c.size(20)
    groups = int(c.rng.choice([1, own.GATES]))

    def scale(least: int = -12) -> tuple[int, int]:
        return c.multiplier(), int(c.rng.integers(least, 1))

    def zero_point() -> int:
        return int(c.rng.integers(-128, 128))

    def layers() -> list[own.LstmLayer]:
        return [own.LstmLayer(*scale(), zero_point()) for _ in range(groups)]

    def total() -> own.LstmSum:
        return own.LstmSum(*scale(-4), *scale(-4), *scale(-20), zero_point())

    def product() -> own.LstmProduct:
        return own.LstmProduct(zero_point(), zero_point(), *scale(), zero_point())

    def int8(*shape: int) -> SSAValue:
        return c.constant(c.rng.integers(-128, 128, shape).astype(np.int8))

    def sums() -> SSAValue:
        return c.constant(c.rng.integers(-(1 << 17), 1 << 17, own.GATES * units).astype(np.int32))

    rows, result = own.GATES * units, [batch, units]
    operands = [
        c.input(steps, batch, inputs, element=I8),
        c.input(batch, state, element=I8),
        c.input(*result, element=I8),
        *(int8(rows, inputs), sums(), int8(rows, state), sums(), int8(own.TABLES, 256)),
        c.scratch(own.scratch_bytes(units, groups)),
    ]
    types = [TensorType(I8, s) for s in ([steps, *result] if c.rng.integers(2) else result, result)]
    properties = {
        "input_layers": own.flat(layers()),
        "hidden_layers": own.flat(layers()),
        "gate_sums": own.flat(total() for _ in range(groups)),
        "forget_product": product(),
        "input_product": product(),
        "cell_sum": total(),
        "output_product": product(),
        "reverse": bool(c.rng.integers(2)),
    }
    c.add(own.LstmOp(operands, *types, properties))


def packed_conv2d(c: Calls) -> None:
    depth, groups = c.size(20), int(c.rng.choice([1, 1, 2, 3]))
    out = groups * c.size(9)
    input, output, (kernel, geometry) = window(c, depth * groups, out)
    if c.rng.integers(3) == 0:
        input, output, kernel = (*input[:3], depth * groups), (*input[:3], out), (1, 1)
        geometry = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
    weights = c.rng.integers(-8, 8, (out, *kernel, depth))
    bias, shifts = c.rng.integers(-(1 << 14), 1 << 14, out), c.rng.integers(-12, 2, out)
    filters = int(c.rng.choice([1, 3, 16, 70]))
    size = own.packed_scratch_bytes((*kernel, depth), geometry["padding"], filters)
    operands = [
        c.input(*input, element=I8),
        c.constant(pack(weights)),
        *requantization(c, bias.astype(np.int32), shifts),
        c.scratch(size),
    ]
    low, high = sorted(c.rng.integers(-128, 128, 2).tolist())
    properties = {
        "kernel_size": kernel,
        "groups": groups,
        **geometry,
        "input_offset": int(c.rng.integers(-127, 129)),
        "output_offset": int(c.rng.integers(-128, 128)),
        "activation_min": low if c.rng.integers(2) else -128,
        "activation_max": high if c.rng.integers(2) else 127,
    }
    c.add(own.PackedConv2dOp(operands, TensorType(I8, output), properties))


KERNELS: dict[str, Callable[[Calls], None]] = {
    draw.__name__: draw
    for draw in (
        *(conv2d, depthwise_conv2d, batch_matmul, add, mul, hypot, softmax, lookup, requantize),
        *(layer_norm, lstm, packed_conv2d),
    )
} | {
    "avg_pool2d": lambda c: pool2d(c, own.QuantizedAvgPool2dOp),
    "max_pool2d": lambda c: pool2d(c, own.QuantizedMaxPool2dOp),
}


def random_calls(seed: Sequence[int], count: int, isa: Isa, *names: str) -> ModuleOp:
    """A planned module with `count` random calls of the kernels of these names, or of all."""
    calls = Calls(np.random.default_rng(seed), isa)
    kinds = list(names or KERNELS)
    for i in range(count):
        KERNELS[kinds[i % len(kinds)]](calls)
    return calls.module()


def random_values(module: ModuleOp, rng: Generator) -> list[Array]:
    """Any value of each argument's type, or the ends of its range only."""
    values: list[Array] = []
    for argument in main_function(module).body.block.args:
        dtype = numpy_dtype(argument.type.element_type)  # type: ignore[attr-defined]
        limits, shape = np.iinfo(dtype), argument.type.get_shape()  # type: ignore[attr-defined,call-overload]
        kind = int(rng.integers(6))
        if kind == 0:
            array = rng.choice([limits.min, limits.max, 0], shape)
        else:
            bound = limits.max >> (3 * int(rng.integers(3)))
            array = rng.integers(-bound - 1, bound + 1, shape)
        values.append(np.asarray(array, dtype))
    return values
