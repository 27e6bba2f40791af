"""Random functions of quantized ops of the layout stage, for delegates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random

import numpy as np
from npu_functions import SMALL, FunctionBuilder, Shape
from xdsl.dialects.builtin import (
    ArrayAttr,
    BoolAttr,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    ModuleOp,
    StringAttr,
    TensorType,
    f32,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue

from cmopt.dialects import edge
from cmopt.dialects.quant import DCastOp, QCastOp, SCastOp, UniformQuantizedType
from cmopt.dialects.shapes import broadcast_shape, ints, numel, shape_of, window_output

_FUNCTIONS = (
    edge.ReluOp,
    *(kind for kind in edge.Edge.operations if kind.name in ("edge.sigmoid", "edge.tanh")),
)


class NpuProgram(FunctionBuilder):
    """Makes ops of every kind that can be in a delegate."""

    # ----------------------------------------------------------------------------------- windows

    def window(self, size: int) -> tuple[int, int, int, int, int]:
        """(kernel, stride, before, after, dilation) along an axis of `size`."""
        random = self.random
        kernel = random.choice([1, 1, 2, 3, 3, 5, 9, random.choice(self.sizes)])
        stride = random.choice([1, 1, 2, 3, 4, 5, 9, kernel])
        dilation = random.choice([1, 1, 1, 2, 7])
        before, after = (random.choice([0, 0, 1, 2, kernel - 1, kernel + 1]) for _ in range(2))
        return kernel, stride, before, after, dilation

    def conv2d(self) -> SSAValue | None:
        x, random = self.any(4), self.random
        n, h, w, c = shape_of(x)
        rows, columns = self.window(h), self.window(w)
        groups = random.choice([g for g in (1, 1, 1, 2, c) if c % g == 0])
        out = groups * random.choice([1, 2, 3, 8])
        counts = [
            window_output(size, k, s, before + after, d)
            for size, (k, s, before, after, d) in zip((h, w), (rows, columns), strict=True)
        ]
        weight = (out, rows[0], columns[0], c // groups)
        if min(counts) < 1 or numel((n, *counts, out)) > self.most:
            return None
        if numel(weight) > 1 << 17 or out > 1 << 15:
            return None
        element = self.type(x)
        return self.op(
            edge.Conv2dOp, [x, *self.filters(x, weight)], (n, *counts, out), element,
            stride=ints((rows[1], columns[1])), dilation=ints((rows[4], columns[4])),
            padding=ints((*rows[2:4], *columns[2:4])), groups=IntegerAttr(groups, i64),
            data_format=StringAttr("NHWC"), **self.bounds(),
        )  # fmt: skip

    def filters(self, x: SSAValue, shape: Shape) -> list[SSAValue]:
        """A weight, per channel or per tensor, and sometimes a bias with its own scale."""
        random, out = self.random, shape[0]
        scales = [math.exp(random.uniform(-5, -2)) for _ in range(out)]
        weight = self.numbers.integers(-127, 128, shape).astype(np.int8)
        if random.random() < 0.3:
            scales = scales[:1]
            kind = UniformQuantizedType.get(IntegerType(8), scales)
        else:
            kind = UniformQuantizedType.get(IntegerType(8), scales, axis=0)
        result = [self.stored(weight, kind)]
        if random.random() < 0.6:
            steps = [scale * self.element(x).scale for scale in scales]
            bias = UniformQuantizedType.get(IntegerType(32), steps, axis=kind.axis.data)
            numbers = self.numbers.integers(-3000, 3000, (out,)).astype(np.int32)
            result.append(self.stored(numbers, bias))
        return result

    def pool(self) -> SSAValue | None:
        x, random = self.any(4), self.random
        n, h, w, c = shape_of(x)
        rows, columns = self.window(h), self.window(w)
        ceil, average = random.random() < 0.2, random.random() < 0.5
        pads = [min(p, k // 2) for k, _, *ps, _ in (rows, columns) for p in ps]
        if average or random.random() < 0.5:
            pads = [pads[0], pads[0], pads[2], pads[2]]
        dilations = [d if random.random() < 0.2 else 1 for d in (rows[4], columns[4])]
        dilations = [1, 1] if average else dilations
        counts = [
            window_output(size, k[0], k[1], before + after, d, ceil_mode=ceil)
            for size, k, before, after, d in zip(
                (h, w), (rows, columns), pads[::2], pads[1::2], dilations, strict=True
            )
        ]
        if min(counts) < 1 or numel((n, *counts, c)) * rows[0] * columns[0] > 100 * self.most:
            return None
        common: dict[str, Attribute] = {
            "kernel_size": ints((rows[0], columns[0])), "stride": ints((rows[1], columns[1])),
            "padding": ints(pads), "ceil_mode": BoolAttr.from_bool(ceil),
            "data_format": StringAttr("NHWC"),
        }  # fmt: skip
        shape, element = (n, *counts, c), self.type(x)
        if average:
            common["count_include_pad"] = BoolAttr.from_bool(random.random() < 0.5)
            return self.op(edge.AvgPool2dOp, [x], shape, element, **common)
        common["dilation"] = ints(dilations)
        return self.op(edge.MaxPool2dOp, [x], shape, element, **common, **self.bounds())

    # ------------------------------------------------------------------------------------ matrix

    def linear(self) -> SSAValue | None:
        x, out = self.any(), self.random.choice([1, 2, 5, 16])
        *rows, depth = shape_of(x)
        if numel((*rows, out)) > self.most or out * depth > 1 << 20:
            return None
        operands = [x, *self.filters(x, (out, depth))]
        return self.op(edge.LinearOp, operands, (*rows, out), self.type(x), **self.bounds())

    def matmul(self) -> SSAValue | None:
        x = self.any()
        if len(shape_of(x)) < 2:
            return None
        *batch, rows, depth = shape_of(x)
        columns, turned = self.random.choice(self.sizes), self.random.random() < 0.5
        shape = (*batch, columns, depth) if turned else (*batch, depth, columns)
        if max(numel(shape), numel((*batch, rows, columns))) > self.most:
            return None
        y = self.argument(shape) if self.random.random() < 0.7 else self.constant(shape)
        return self.op(
            edge.MatmulOp, [x, y], (*batch, rows, columns), self.type(),
            transposed_rhs=BoolAttr.from_bool(turned),
        )  # fmt: skip

    def softmax(self) -> SSAValue | None:
        x = self.any()
        dim = IntegerAttr(self.random.randrange(len(shape_of(x))), i64)
        element = UniformQuantizedType.get(IntegerType(8), [1 / 256], [-128])
        return self.op(edge.SoftmaxOp, [x], shape_of(x), element, dim=dim)

    # ------------------------------------------------------------------------------- elementwise

    def unary(self) -> SSAValue | None:
        x = self.any()
        return self.op(self.random.choice(_FUNCTIONS), [x], shape_of(x), self.type(x))

    def requantize(self) -> SSAValue | None:
        x = self.any()
        self.block.add_op(real := DCastOp(x, TensorType(f32, shape_of(x))))
        return self.add(QCastOp(real.output, TensorType(self.type(), shape_of(x))))

    def binary(self) -> SSAValue | None:
        random, x = self.random, self.any()
        shape = shape_of(x)
        fitting = [v for v in self.values if broadcast_shape(shape, shape_of(v)) is not None]
        smaller = tuple(n if random.random() < 0.6 else 1 for n in shape)
        smaller = smaller[random.randrange(len(shape)) :]
        choice = random.random()
        if choice < 0.4:
            y = random.choice(fitting)
        else:
            y = self.argument(smaller) if choice < 0.7 else self.constant(smaller)
        lhs, rhs = (x, y) if random.random() < 0.5 else (y, x)
        kinds = [edge.AddOp, edge.AddOp, edge.SubOp, edge.MulOp, edge.MulOp]
        kind = random.choice([*kinds, edge.DivOp, edge.MinimumOp, edge.MaximumOp])
        result = broadcast_shape(shape_of(lhs), shape_of(rhs))
        if result is None or numel(result) > self.most:
            return None
        bounds = self.bounds() if kind is edge.AddOp else {}
        return self.op(kind, [lhs, rhs], result, self.type(x), **bounds)

    # ---------------------------------------------------------------------------------- movement

    def permute(self) -> SSAValue | None:
        x = self.any()
        perm = list(range(len(shape_of(x))))
        self.random.shuffle(perm)
        return self.add(edge.PermuteOp.of(x, perm))

    def reshape(self) -> SSAValue | None:
        x = self.any()
        rest, shape = numel(shape_of(x)), []
        for _ in range(self.random.randint(0, 3)):
            divisors = [d for d in range(1, min(rest, 4096) + 1) if rest % d == 0]
            shape.append(self.random.choice(divisors))
            rest //= shape[-1]
        self.random.shuffle(shape)
        return self.op(edge.ReshapeOp, [x], (*shape, rest), self.element(x))

    def expand(self) -> SSAValue | None:
        x = self.any()
        shape = [n if n > 1 else self.random.choice(self.sizes) for n in shape_of(x)]
        front = [self.random.choice(self.sizes) for _ in range(self.random.randint(0, 1))]
        shape = [*front, *shape]
        if numel(shape) > self.most or len(shape) > 6:
            return None
        return self.op(edge.ExpandOp, [x], shape, self.element(x))

    def part(self) -> SSAValue | None:
        x = self.any()
        shape = shape_of(x)
        dim = self.random.randrange(len(shape))
        start = self.random.randrange(shape[dim])
        size = self.random.randint(1, shape[dim] - start)
        return self.op(
            edge.SliceOp, [x], (*shape[:dim], size, *shape[dim + 1 :]), self.element(x),
            dim=IntegerAttr(dim, i64), start=IntegerAttr(start, i64),
        )  # fmt: skip

    def cat(self) -> SSAValue | None:
        x, random = self.any(), self.random
        shape = shape_of(x)
        dim = random.randrange(len(shape))

        def but(value: SSAValue) -> Shape:
            other = shape_of(value)
            return (*other[:dim], *other[dim + 1 :]) if len(other) == len(shape) else ()

        fitting = [v for v in self.values if but(v) == but(x)]
        parts = [x, *(random.choice(fitting) for _ in range(random.choice([0, 1, 1, 2, 20])))]
        if random.random() < 0.4:
            parts.append(self.constant((*shape[:dim], 2, *shape[dim + 1 :])))
        random.shuffle(parts)
        total = sum(shape_of(v)[dim] for v in parts)
        result = (*shape[:dim], total, *shape[dim + 1 :])
        if numel(result) > self.most:
            return None
        return self.op(edge.CatOp, parts, result, self.type(x), dim=IntegerAttr(dim, i64))

    def take(self) -> SSAValue | None:
        x, random = self.any(), self.random
        shape = shape_of(x)
        dim = random.randrange(len(shape))
        size = shape[dim]
        every = list(range(size))
        roll = random.randrange(size)
        indices = random.choice(
            [
                every[::-1],
                every * random.choice([2, 3, 8]),
                [i for i in every for _ in range(random.choice([2, 4, 5]))],
                every[random.randrange(size) :: random.choice([2, 3, 9])],
                every[roll:] + every[:roll],
                [random.randrange(size) for _ in range(random.choice([1, 3, 9]))],
                [*every[1:4][::-1], *every, *every[-3:-1][::-1]],
            ]
        )
        if numel(shape) // size * len(indices) > self.most:
            return None
        return self.add(edge.TakeOp.of(x, dim, indices))

    def pad(self) -> SSAValue | None:
        x, random = self.any(), self.random
        low, high = (
            [random.choice([0, 0, 1, 3]) for _ in shape_of(x)] for _ in range(2)
        )  # fmt: skip
        shape = [a + n + b for a, n, b in zip(low, shape_of(x), high, strict=True)]
        if numel(shape) > self.most:
            return None
        value = FloatAttr(random.choice([0.0, 0.5, -9.0]), f32)
        return self.add(edge.PadOp.of(x, low, high, value))

    def cumsum(self) -> SSAValue:
        """An op that no NPU computes: a call of a portable kernel on integers."""
        x = self.any()
        shape, element = shape_of(x), self.element(x)
        self.block.add_op(stored := SCastOp(x, TensorType(IntegerType(8), shape)))
        operand, last = edge.OperandAttr(IntegerAttr(0, i64)), IntegerAttr(len(shape) - 1, i64)
        call = edge.CallOp.create(
            operands=[stored.output], result_types=[stored.output.type],
            properties={
                "target": StringAttr("aten.cumsum.default"),
                "arguments": ArrayAttr([operand, last, StringAttr("int8")]),
            },
        )  # fmt: skip
        self.block.add_op(call)
        self.block.add_op(back := SCastOp(call.results[0], TensorType(element, shape)))
        self.values.append(back.output)
        return back.output

    # ------------------------------------------------------------------------------ the function

    @property
    def kinds(self) -> dict[str, Callable[[], SSAValue | None]]:
        """The methods that make ops, by kind."""
        makers = [
            self.conv2d, self.pool, self.linear, self.matmul, self.softmax, self.unary,
            self.requantize, self.binary, self.permute, self.reshape, self.expand, self.part,
            self.cat, self.take, self.pad,
        ]  # fmt: skip
        return {maker.__name__: maker for maker in makers}


def one_op(random: Random, kind: str, sizes: Sequence[int] = SMALL, most: int = 4000) -> ModuleOp:
    """A function of one op of a kind."""
    while True:
        program = NpuProgram(random, sizes, most)
        if (result := program.kinds[kind]()) is not None:
            return program.finish([result])


def random_graph(random: Random, steps: int, fits: Callable[[Operation], bool]) -> ModuleOp:
    """A function of several ops that fit, some for no NPU, with at least one result."""
    program = NpuProgram(random)
    program.fits = fits
    program.argument(program.shape(4))
    made: list[SSAValue] = []
    while len(made) < steps:
        maker = random.choice([*program.kinds.values(), program.cumsum, program.cumsum])
        if (result := maker()) is not None:
            made.append(result)
    results = [made[-1]]
    while random.random() < 0.4:
        results.append(random.choice(program.values))
    return program.finish(results)
