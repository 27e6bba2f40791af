"""Random programs of the edge stage as text, and the seeds that mutations start from."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

from cmopt.dialects.parsing import make_context, parse_module
from cmopt.dialects.shapes import broadcast_shape, permuted, window_output
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.pipeline.stages import stage_pipelines
from cmopt.support.diagnostics import CompileError
from cmopt.support.printing import module_to_text
from cmopt.support.targets import target_names

TEST = Path(__file__).parents[1]
MAX_SEED_CHARACTERS = 12_000

Shape = tuple[int, ...]
Value = tuple[str, Shape]
"""The name of a float32 value, and its shape."""


def tensor(shape: Shape, element: str = "f32", encoding: str = "") -> str:
    """`tensor<…>`."""
    return f"tensor<{''.join(f'{d}x' for d in shape)}{element}{encoding}>"


class ProgramBuilder:
    """Writes one random function @forward, op by op. The result of every op is a float32 value.

    Most results go through a quantize → dequantize pair, as after PT2E.
    """

    def __init__(self, random: Random):
        self.random = random
        self.lines: list[str] = []
        self.arguments: list[str] = []
        self.values: list[Value] = []
        self.count = 0
        # Some programs have scales near the limits of float32.
        self.extreme = random.random() < 0.1

    def name(self) -> str:
        self.count += 1
        return f"%v{self.count}"

    def emit(self, text: str, shape: Shape) -> Value:
        name = self.name()
        self.lines.append(f"  {name} = {text}")
        return name, shape

    def scale(self) -> float:
        if self.extreme and self.random.random() < 0.4:
            return self.random.choice([1e-45, 1e-30, 1e-10, 1e4, 1e10, 1e30, 3e38])
        if self.random.random() < 0.2:
            return float(2.0 ** self.random.randint(-10, 2))
        return float(f"{math.exp(self.random.uniform(-7, 0.7)):.6g}")

    def zero_point(self) -> int:
        return self.random.choice([-128, -1, 0, 0, 127, self.random.randint(-128, 127)])

    def quantized(self, value: Value) -> Value:
        """`value` through quantize and dequantize."""
        name, shape = value
        if self.random.random() < 0.08:
            return value
        type = tensor(shape, f"!quant.uniform<i8:f32, {self.scale()!r}:{self.zero_point()}>")
        q, _ = self.emit(f"quant.qcast {name} : {tensor(shape)} to {type}", shape)
        return self.emit(f"quant.dcast {q} : {type} to {tensor(shape)}", shape)

    def argument(self, shape: Shape) -> Value:
        name = f"%a{len(self.arguments)}"
        if len(shape) == 4 and self.random.random() < 0.3:
            ordered = tensor(shape, "f32", ", #edge.dim_order<[0, 2, 3, 1]>")
            self.arguments.append(f"{name}: {ordered}")
            value = self.emit(f"edge.to_dim_order {name} : ({ordered}) -> {tensor(shape)}", shape)
        else:
            self.arguments.append(f"{name}: {tensor(shape)}")
            value = name, shape
        return self.quantized(value)

    def constant(self, shape: Shape) -> Value:
        """A float constant, mostly the result of a dequantize."""
        size = math.prod(shape)
        if self.random.random() < 0.2:
            values = [f"{self.random.uniform(-2, 2):.4f}" for _ in range(size)]
            return self.emit(f"arith.constant {dense(values, shape)} : {tensor(shape)}", shape)
        return self.stored(shape, None)

    def stored(self, shape: Shape, axis: int | None) -> Value:
        """An int8 constant, dequantized per tensor, or symmetric per element of `axis`."""
        lowest = -128 if axis is None else -127
        numbers = [str(self.random.randint(lowest, 127)) for _ in range(math.prod(shape))]
        name, _ = self.emit(
            f"arith.constant {dense(numbers, shape)} : {tensor(shape, 'i8')}", shape
        )
        if axis is None:
            element = f"!quant.uniform<i8:f32, {self.scale()!r}:{self.zero_point()}>"
        else:
            scales = ", ".join(repr(self.scale()) for _ in range(shape[axis]))
            element = f"!quant.uniform<i8<-127:127>:f32:{axis}, {{{scales}}}>"
        type = tensor(shape, element)
        name, _ = self.emit(f"quant.scast {name} : {tensor(shape, 'i8')} to {type}", shape)
        return self.emit(f"quant.dcast {name} : {type} to {tensor(shape)}", shape)

    # ------------------------------------------------------------------------------- operators

    def conv2d(self, x: Value) -> Value | None:
        shape = x[1]
        if len(shape) != 4:
            return None
        n, c, h, w = shape
        groups = self.random.choice([g for g in (1, 1, 2, 3, c) if g and c % g == 0] or [1])
        out = groups * self.random.randint(1, 3)
        kernel = [self.random.randint(1, 3) for _ in range(2)]
        stride = [self.random.randint(1, 2) for _ in range(2)]
        dilation = [self.random.choice([1, 1, 2]) for _ in range(2)]
        padding = [self.random.choice([0, 0, 1, 2]) for _ in range(4)]
        oh = window_output(h, kernel[0], stride[0], padding[0] + padding[1], dilation[0])
        ow = window_output(w, kernel[1], stride[1], padding[2] + padding[3], dilation[1])
        if c == 0 or oh < 1 or ow < 1:
            return None
        weight = self.stored((out, c // groups, *kernel), 0)
        operands = [x, weight, *([self.constant((out,))] if self.random.random() < 0.6 else [])]
        attributes = (
            f"stride = {array(stride)}, padding = {array(padding)}, dilation = {array(dilation)}, "
            f"groups = {groups} : i64"
        )
        return self.op("conv2d", operands, (n, out, oh, ow), attributes)

    def linear(self, x: Value) -> Value | None:
        shape = x[1]
        if not shape:
            return None
        out = self.random.randint(1, 4)
        weight = self.stored((out, shape[-1]), self.random.choice([0, None]))
        operands = [x, weight, *([self.constant((out,))] if self.random.random() < 0.6 else [])]
        return self.op("linear", operands, (*shape[:-1], out))

    def pool(self, x: Value) -> Value | None:
        shape = x[1]
        if len(shape) != 4:
            return None
        kernel = [self.random.randint(1, 3) for _ in range(2)]
        stride = [self.random.randint(1, 3) for _ in range(2)]
        ph, pw = (self.random.randint(0, k // 2) for k in kernel)
        ceil = self.random.random() < 0.2
        oh = window_output(shape[2], kernel[0], stride[0], 2 * ph, ceil_mode=ceil)
        ow = window_output(shape[3], kernel[1], stride[1], 2 * pw, ceil_mode=ceil)
        if oh < 1 or ow < 1:
            return None
        attributes = (
            f"kernel_size = {array(kernel)}, stride = {array(stride)}, "
            f"padding = {array([ph, ph, pw, pw])}, ceil_mode = {str(ceil).lower()}"
        )
        if self.random.random() < 0.5:
            attributes += f", dilation = {array([1, 1])}"
            return self.op("max_pool2d", [x], (*shape[:2], oh, ow), attributes)
        attributes += f", count_include_pad = {self.random.choice(['true', 'false'])}"
        return self.op("avg_pool2d", [x], (*shape[:2], oh, ow), attributes)

    def unary(self, x: Value) -> Value:
        kind = self.random.choice(
            ["relu", "clamp", "sigmoid", "tanh", "hardsigmoid", "hardswish", "silu", "gelu"]
        )
        attributes = ""
        if kind == "clamp":
            low, high = sorted(round(self.random.uniform(-3, 6), 3) for _ in range(2))
            bounds = [f"min = {low} : f64", f"max = {high} : f64"]
            attributes = ", ".join(self.random.sample(bounds, self.random.randint(1, 2)))
        elif kind == "gelu":
            attributes = f'approximate = "{self.random.choice(["none", "tanh"])}"'
        return self.op(kind, [x], x[1], attributes)

    def binary(self, x: Value) -> Value | None:
        shape = x[1]
        other: Value
        choice = self.random.random()
        if choice < 0.4:
            other = self.random.choice(self.values)
        elif choice < 0.5:
            other = x
        else:
            smaller = [d if self.random.random() < 0.6 else 1 for d in shape]
            other = self.constant(tuple(smaller[self.random.randint(0, len(smaller)) :]))
        operands = [x, other] if self.random.random() < 0.5 else [other, x]
        result = broadcast_shape(operands[0][1], operands[1][1])
        if result is None or math.prod(result) > 2000:
            return None
        return self.op(self.random.choice(["add", "mul"]), operands, result)

    def movement(self, x: Value) -> Value:
        shape = x[1]
        if self.random.random() < 0.5 and shape:
            perm = list(range(len(shape)))
            self.random.shuffle(perm)
            return self.op("permute", [x], permuted(shape, perm), f"perm = {array(perm)}")
        size = math.prod(shape)
        split = self.random.choice([d for d in range(1, size + 1) if size % d == 0] or [1])
        new = self.random.choice([(size,), (1, size), (split, size // split or 1), (1, *shape)])
        if math.prod(new) != size:
            new = (size,)
        return self.op("reshape", [x], new)

    def part(self, x: Value) -> Value | None:
        """A slice, or a concatenation with another value."""
        shape = x[1]
        if not shape:
            return None
        dim = self.random.randrange(len(shape))
        if self.random.random() < 0.5:
            start = self.random.randrange(max(1, shape[dim]))
            size = self.random.randint(0, shape[dim] - start)
            attributes = f"dim = {dim} : i64, start = {start} : i64"
            return self.op("slice", [x], (*shape[:dim], size, *shape[dim + 1 :]), attributes)
        fitting = [v for v in self.values if _but(v[1], dim) == _but(shape, dim)]
        others = [self.random.choice(fitting) for _ in range(self.random.randint(0, 2))]
        total = sum(v[1][dim] for v in (x, *others))
        result = (*shape[:dim], total, *shape[dim + 1 :])
        return self.op("cat", [x, *others], result, f"dim = {dim} : i64")

    def call(self, x: Value) -> Value | None:
        name, shape = x
        if not shape:
            return None
        target, arguments = self.random.choice(
            [
                ("aten.softmax.int", "-1, none"),
                ("aten.cumsum.default", "0, none"),
                ("aten.neg.default", ""),
                ("aten.flip.default", "[0]"),
            ]
        )
        listed = ", ".join(["#edge.operand<0>", *([arguments] if arguments else [])])
        return self.emit(
            f'edge.call "{target}"({name}) {{arguments = [{listed}]}} : '
            f"({tensor(shape)}) -> {tensor(shape)}",
            shape,
        )

    def op(self, name: str, operands: Sequence[Value], shape: Shape, attributes: str = "") -> Value:
        names = ", ".join(operand for operand, _ in operands)
        types = ", ".join(tensor(s) for _, s in operands)
        braces = f" {{{attributes}}}" if attributes else ""
        return self.emit(f"edge.{name} {names}{braces} : ({types}) -> {tensor(shape)}", shape)

    # ------------------------------------------------------------------------------ the function

    def shape(self) -> Shape:
        if self.random.random() < 0.6:
            dims = [self.random.choice([1, 1, 2]), self.random.randint(1, 4)]
            return (*dims, self.random.randint(1, 6), self.random.randint(1, 6))
        return tuple(self.random.randint(1, 5) for _ in range(self.random.randint(0, 5)))

    def step(self) -> None:
        x = self.values[-1] if self.random.random() < 0.8 else self.random.choice(self.values)
        build = self.random.choice(
            [
                *[self.conv2d, self.unary, self.binary, self.movement] * 2,
                *[self.linear, self.pool, self.part, self.call],
            ]
        )
        if (result := build(x)) is None:
            return
        if self.random.random() < 0.15 and (activated := self.unary(result)) is not None:
            result = activated
        self.values.append(self.quantized(result))

    def text(self, steps: int) -> str:
        for _ in range(self.random.choice([1, 1, 1, 2])):
            self.values.append(self.argument(self.shape()))
        for _ in range(steps):
            self.step()
        results = [self.values[-1]]
        while self.random.random() < 0.15:
            results.append(self.random.choice(self.values))
        types = ", ".join(tensor(shape) for _, shape in results)
        head = f"func.func @forward({', '.join(self.arguments)}) -> ({types}) {{"
        names = ", ".join(name for name, _ in results)
        return "\n".join([head, *self.lines, f"  func.return {names} : {types}", "}", ""])


def _but(shape: Shape, dim: int) -> Shape | None:
    """`shape` without one dimension; None if it does not have that dimension."""
    return (*shape[:dim], *shape[dim + 1 :]) if dim < len(shape) else None


def array(values: Sequence[int]) -> str:
    return f"array<i64: {', '.join(map(str, values))}>"


def dense(numbers: Sequence[str], shape: Shape) -> str:
    """`dense<…>` of numbers in row-major order."""

    def nest(part: Sequence[str], rest: Shape) -> str:
        if not rest:
            return part[0]
        size = len(part) // rest[0] if rest[0] else 0
        inner = (nest(part[i * size : (i + 1) * size], rest[1:]) for i in range(rest[0]))
        return f"[{', '.join(inner)}]"

    return f"dense<{nest(numbers, shape)}>"


def random_program(random: Random, steps: int | None = None) -> str:
    """The text of a valid module of the edge stage."""
    return ProgramBuilder(random).text(random.choice([1, 1, 2, 3, 5]) if steps is None else steps)


def lowered(text: str, target: str, io: str) -> list[str]:
    """`text` and its IR at each stage, as far as it compiles."""
    texts = [text]
    ctx = make_context()
    module = parse_module(ctx, text)
    for pipeline in stage_pipelines(target, io).values():
        try:
            run_passes(ctx, module, parse_pipeline(pipeline))
        except CompileError:
            break
        texts.append(module_to_text(module))
    return texts


def written_seeds() -> list[str]:
    """Every chunk of the lit tests, and a program for each `cortex_m` op."""
    sys.path.insert(0, str(TEST / "unit"))
    try:
        from op_programs import PROGRAMS
    finally:
        sys.path.remove(str(TEST / "unit"))
    seeds = list(PROGRAMS.values())
    for path in sorted((TEST / "lit").rglob("*.mlir")):
        text = path.read_text(encoding="utf-8")
        for chunk in re.split(r"^// -----.*$", text, flags=re.MULTILINE):
            kept = [line for line in chunk.splitlines() if not line.lstrip().startswith("//")]
            seeds.append("\n".join(kept) + "\n")
    return [seed for seed in seeds if seed.strip() and len(seed) <= MAX_SEED_CHARACTERS]


def generated_seeds(random: Random, count: int) -> list[str]:
    """Random programs at every stage they reach."""
    seeds: list[str] = []
    for _ in range(count):
        target, io = random.choice(target_names()), random.choice(["float", "int8"])
        try:
            seeds += lowered(random_program(random), target, io)
        except Exception:  # a finding if the fuzzer runs it as a case, but not a seed
            continue
    return [seed for seed in seeds if len(seed) <= MAX_SEED_CHARACTERS]
