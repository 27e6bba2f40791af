"""Calls in strips of rows give the bytes of the whole calls."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp, StringAttr

from cmopt.codegen.order_model import is_operator, model_of
from cmopt.codegen.row_lifetimes import Read, last_reads
from cmopt.codegen.row_plan import Choice, Planner
from cmopt.codegen.row_regions import region_of, split
from cmopt.codegen.row_rules import row_uses
from cmopt.codegen.split_rows import apply
from cmopt.codegen.step_facts import multiplications
from cmopt.dialects.arrays import Array, numpy_dtype
from cmopt.dialects.cortex_m import ScratchOp, nbytes
from cmopt.dialects.parsing import make_context, parse_module
from cmopt.dialects.program import ARENA_BYTES, ROW_STRIPS, main_function
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.interpreters.run import run_module
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.support.diagnostics import verify
from cmopt.support.targets import Isa

Shape = tuple[int, ...]

NUMBERS = (
    "input_offset = 5 : i32, output_offset = -7 : i32, activation_min = -100 : i32, "
    "activation_max = 120 : i32"
)
POOL = "ceil_mode = false, "
MAX_POOL = (
    "dilation = array<i64: 1, 1>, input_zero_point = 3 : i32, output_zero_point = 3 : i32, "
    "activation_min = -128 : i32, activation_max = 127 : i32"
)
ADD = (
    "self_zero_point = 3 : i32, self_multiplier = 1200000000 : i32, self_shift = 0 : i32, "
    "other_zero_point = -9 : i32, other_multiplier = 1073741824 : i32, other_shift = -1 : i32, "
    "output_zero_point = 1 : i32, output_multiplier = 1500000000 : i32, output_shift = -18 : i32, "
    "activation_min = -128 : i32, activation_max = 127 : i32"
)
MUL = (
    "self_zero_point = 3 : i32, other_zero_point = -9 : i32, output_zero_point = 1 : i32, "
    "output_multiplier = 1500000000 : i32, output_shift = -6 : i32"
)


class Text:
    """The lines of a function, with fresh names. Constants are random."""

    def __init__(self, seed: int):
        self.lines: list[str] = []
        self.random = np.random.default_rng(seed)
        self.count = 0

    def name(self) -> str:
        self.count += 1
        return f"%v{self.count}"

    def constant(self, shape: tuple[int, ...], width: int, low: int, high: int) -> str:
        values, name = self.random.integers(low, high, shape).tolist(), self.name()
        dims = "x".join(map(str, shape))
        self.lines.append(f"{name} = arith.constant dense<{values}> : tensor<{dims}xi{width}>")
        return name

    def convolution(
        self, x: str, shape: Shape, out: int, kernel: tuple[int, int], stride: tuple[int, int],
        padding: tuple[int, int], bottom: int, dilation: int = 1, *, depthwise: bool = False,
    ) -> tuple[str, Shape]:  # fmt: skip
        _, h, w, c = shape
        reach = [dilation * (k - 1) + 1 for k in kernel]
        oh = (h + padding[0] + bottom - reach[0]) // stride[0] + 1
        ow = (w + 2 * padding[1] - reach[1]) // stride[1] + 1
        out = c if depthwise else out
        weights = (1, *kernel, c) if depthwise else (out, *kernel, c)
        weight = self.constant(weights, 8, -127, 128)
        bias = self.constant((out,), 32, -900, 900)
        multipliers = self.constant((out,), 32, 1 << 30, (1 << 31) - 1)
        shifts = self.constant((out,), 32, -9, -6)
        scratch, y = self.name(), self.name()
        size = 40_000
        self.lines.append(f"{scratch} = cortex_m.scratch : tensor<{size}xi8>")
        kind = "depthwise_conv2d" if depthwise else "conv2d"
        more = ", depth_multiplier = 1 : i32" if depthwise else ""
        result = (1, oh, ow, out)
        self.lines.append(
            f"{y} = cortex_m.quantized_{kind} {x}, {weight} bias {bias} requantize {multipliers}, "
            f"{shifts} scratch {scratch} {{stride = array<i64: {stride[0]}, {stride[1]}>, "
            f"padding = array<i64: {padding[0]}, {padding[1]}>, "
            f"dilation = array<i64: {dilation}, {dilation}>, {NUMBERS}{more}}} : "
            f"({tensor(shape)}, {tensor(weights)}, {tensor((out,), 32)}, {tensor((out,), 32)}, "
            f"{tensor((out,), 32)}, tensor<{size}xi8>) -> {tensor(result)}"
        )
        return y, result

    def op(self, text: str, result: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        name = self.name()
        self.lines.append(f"{name} = {text}")
        return name, result

    def module(self, arguments: list[tuple[str, tuple[int, ...]]],
               results: list[tuple[str, tuple[int, ...]]]) -> ModuleOp:  # fmt: skip
        inputs = ", ".join(f"{name}: {tensor(shape)}" for name, shape in arguments)
        types = ", ".join(tensor(shape) for _, shape in results)
        names = ", ".join(name for name, _ in results)
        body = "\n".join(self.lines)
        text = f"{body}\nfunc.return {names} : {types}"
        text = f"func.func @forward({inputs}) -> ({types}) {{\n{text}\n}}"
        module = parse_module(make_context(), text)
        verify(module)
        return module


def tensor(shape: tuple[int, ...], width: int = 8) -> str:
    return f"tensor<{'x'.join(map(str, shape))}xi{width}>"


def inputs_of(module: ModuleOp, seed: int) -> list[Array]:
    random, arrays = np.random.default_rng(seed), []
    for argument in main_function(module).body.block.args:
        values = random.integers(-128, 128, shape_of(argument))
        arrays.append(values.astype(numpy_dtype(element_of(argument))))
    return arrays


def in_strips(module: ModuleOp, first: int, last: int, strips: int) -> ModuleOp | None:
    """A copy in which some calls are computed in strips; None if they cannot be."""
    copy = module.clone()
    func = main_function(copy)
    model = model_of(func)
    region = region_of(model.operators[first:last])
    found = None if region is None else split(region, strips)
    if found is None:
        return None
    apply(func, model, [Choice(first, last, found)], Isa.MVE)
    verify(copy)
    return copy


def check(module: ModuleOp, first: int, last: int, *, frees: bool = True) -> Iterator[ModuleOp]:
    """Every number of strips gives the bytes of the whole calls.

    frees: plan with the bytes that strips free.
    """
    region = region_of(model_of(main_function(module)).operators[first:last])
    assert region is not None
    inputs = inputs_of(module, 1)
    wanted = run_module(module, inputs)
    for strips in range(2, region.most_strips + 1):
        new = in_strips(module, first, last, strips)
        if new is None:
            continue
        if frees:
            main_function(new).attributes[ROW_STRIPS] = StringAttr("[]")
        run_passes(make_context(), new, parse_pipeline("plan-memory,verify-plan"))
        for ours, theirs in zip(run_module(new, inputs), wanted, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        yield new


@pytest.mark.parametrize("seed", range(40))
def test_a_convolution_of_any_geometry(seed: int) -> None:
    random = np.random.default_rng(seed)
    text, depthwise = Text(seed), bool(seed % 3 == 0)
    kernel = tuple(int(k) for k in random.integers(1, 5, 2))
    dilation = 1 if depthwise else int(random.integers(1, 3))
    reach = dilation * (kernel[0] - 1)
    height, width = int(random.integers(reach + 2, 12)), int(random.integers(9, 11))
    shape = (1, height, width, int(random.integers(1, 6)))
    padding = int(random.integers(0, reach + 1)), int(random.integers(0, kernel[1]))
    stride = tuple(int(s) for s in random.integers(1, 4, 2))
    y = text.convolution(
        "%x", shape, 3, (kernel[0], kernel[1]), (stride[0], stride[1]), padding,
        int(random.integers(0, reach + 1)), dilation, depthwise=depthwise,
    )  # fmt: skip
    made = list(check(text.module([("%x", shape)], [y]), 0, 1))
    assert made or y[1][1] < 2 or padding[0] + stride[0] >= reach


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("stride", [1, 2])
def test_pools(stride: int, padding: int) -> None:
    text, shape = Text(0), (1, 9, 7, 5)
    size = [(n + 2 * padding - 3) // stride + 1 for n in shape[1:3]]
    geometry = (
        f"kernel_size = array<i64: 3, 3>, stride = array<i64: {stride}, {stride}>, "
        f"padding = array<i64: {padding}, {padding}>, "
    )
    result = (1, *size, 5)
    most = text.op(
        f"cortex_m.quantized_max_pool2d %x {{{geometry}{POOL}{MAX_POOL}}} : "
        f"({tensor(shape)}) -> {tensor(result)}", result,
    )  # fmt: skip
    text.lines.append("%t = cortex_m.scratch : tensor<64xi8>")
    average = text.op(
        f"cortex_m.quantized_avg_pool2d %x scratch %t {{{geometry}{POOL}zero_point = 0 : i32, "
        f"multiplier = 0 : i32, shift = 0 : i32}} : "
        f"({tensor(shape)}, tensor<64xi8>) -> {tensor(result)}", result,
    )  # fmt: skip
    module = text.module([("%x", shape)], [most, average])
    assert len(list(check(module, 0, 1))) == size[0] - 1
    if not padding:
        assert len(list(check(module, 1, 2))) == size[0] - 1


def test_pads_elementwise_ops_and_copies() -> None:
    text, shape, wide = Text(0), (1, 6, 5, 4), (1, 9, 6, 4)
    x, _ = text.op(
        "cortex_m.pad %x {pre_pad = array<i64: 0, 1, 0, 0>, post_pad = array<i64: 0, 2, 1, 0>, "
        f"pad_value = 7 : i32}} : ({tensor(shape)}) -> {tensor(wide)}", wide,
    )  # fmt: skip
    row = text.constant((1, 1, 1, 4), 8, -128, 128)
    scaled, _ = text.op(
        f"cortex_m.quantized_mul {x}, {row} {{{MUL}}} : ({tensor(wide)}, {tensor((1, 1, 1, 4))}) "
        f"-> {tensor(wide)}", wide,
    )  # fmt: skip
    least, _ = text.op(
        f"cortex_m.minimum {scaled}, %z : ({tensor(wide)}, tensor<1x1x6x1xi8>) -> {tensor(wide)}",
        wide,
    )
    total, _ = text.op(
        f"cortex_m.quantized_add {x}, {least} {{{ADD}}} : ({tensor(wide)}, {tensor(wide)}) "
        f"-> {tensor(wide)}", wide,
    )  # fmt: skip
    both = (1, 9, 6, 8)
    y = text.op(
        f'edge.call "aten.cat.default"({total}, {x}) {{arguments = [[#edge.operand<0>, '
        f"#edge.operand<1>], 3 : i64]}} : ({tensor(wide)}, {tensor(wide)}) -> {tensor(both)}", both,
    )  # fmt: skip
    module = text.module([("%x", shape), ("%z", (1, 1, 6, 1))], [y])
    assert len(list(check(module, 0, 5))) >= 2


@pytest.mark.parametrize("picks", [[0, 0, 1, 1, 2, 2, 3, 3], [0, 1, 1, 3], [2, 2, 2]])
def test_picked_rows(picks: list[int]) -> None:
    text, shape = Text(0), (1, 4, 5, 3)
    rows = f"dense<{picks}> : tensor<{len(picks)}xi32>"
    text.lines.append(f"%i = arith.constant {rows}")
    out = (1, len(picks), 5, 3)
    y = text.op(
        f'edge.call "aten.index_select.default"(%x, %i) {{arguments = [#edge.operand<0>, 1 : i64, '
        f"#edge.operand<1>]}} : ({tensor(shape)}, {tensor((len(picks),), 32)}) -> {tensor(out)}",
        out,
    )
    assert len(list(check(text.module([("%x", shape)], [y]), 0, 1))) == len(picks) - 1


def residual_block() -> ModuleOp:
    """Wide in the middle: expand, filter each channel, project, add the input."""
    text, shape = Text(3), (1, 12, 10, 4)
    wide, size = text.convolution("%x", shape, 24, (1, 1), (1, 1), (0, 0), 0)
    wide, size = text.convolution(wide, size, 24, (3, 3), (1, 1), (1, 1), 1, depthwise=True)
    narrow, size = text.convolution(wide, size, 4, (1, 1), (1, 1), (0, 0), 0)
    total = text.op(
        f"cortex_m.quantized_add {narrow}, %x {{{ADD}}} : ({tensor(size)}, {tensor(size)}) "
        f"-> {tensor(size)}", size,
    )  # fmt: skip
    return text.module([("%x", shape)], [total])


def test_a_residual_block_and_what_it_costs() -> None:
    module = residual_block()
    region = region_of(model_of(main_function(module)).operators)
    assert region is not None
    before = sum(multiplications(op) for op in region.ops)
    strips = 1
    for new in check(module, 0, 4):
        strips += 1
        ops = [op for op in main_function(new).body.block.ops if is_operator(op)]
        found = split(region, strips)
        assert found is not None
        assert len(ops) == 4 * strips == 4 + found.extra_calls()
        assert sum(multiplications(op) for op in ops) == before + found.extra_products()
        # Each border between strips has two rows of the first convolution twice.
        assert found.extra_products() == (strips - 1) * 2 * 10 * 24 * 4


def test_the_model_of_a_split_is_its_plan() -> None:
    """The arena of the planned function is what the model says, up to alignment."""
    module = residual_block()
    region = region_of(model_of(main_function(module)).operators)
    assert region is not None
    for strips, new in enumerate(check(module, 0, 4, frees=False), start=2):
        # The scratch in the text is larger than a strip needs.
        func = main_function(new)
        most = max(
            nbytes(op.output.type) for op in func.body.block.ops if isinstance(op, ScratchOp)
        )
        found = split(region, strips)
        assert found is not None
        arena = func.attributes[ARENA_BYTES].value.data  # type: ignore[attr-defined]
        model = found.peak(frees=False) - 40_000 + most + 12 * 10 * 4
        assert abs(arena - model) <= 16 * strips


def test_a_result_takes_the_rows_that_are_not_read_any_more() -> None:
    """A convolution needs its input, or its result, and a few rows; not both."""
    text, shape = Text(0), (1, 32, 8, 8)
    y, size = text.convolution("%x", shape, 8, (3, 3), (1, 1), (1, 1), 1)
    text.lines = [line.replace("40000", "160") for line in text.lines]
    module = text.module([("%x", shape)], [(y, size)])
    whole = 2 * 32 * 8 * 8
    arenas = []
    for new in check(module, 0, 1):
        arenas.append(main_function(new).attributes[ARENA_BYTES].value.data)  # type: ignore[attr-defined]
    assert len(arenas) == 31
    assert min(arenas) <= whole // 2 + 4 * 64 + 1024 < whole


def test_last_reads_of_ranges() -> None:
    reads = [Read(0, 30, 4), Read(20, 60, 7), Read(50, 80, 9)]
    assert last_reads(100, 1, reads) == [
        Read(0, 20, 4), Read(20, 50, 7), Read(50, 80, 9), Read(80, 100, 1),
    ]  # fmt: skip
    assert last_reads(100, 1, [Read(0, 100, 5), Read(0, 10, 3)]) == [Read(0, 100, 5)]


@pytest.mark.parametrize(
    "text",
    [
        # Rows are picked backwards.
        """%i = arith.constant dense<[7, 6, 5, 4, 3, 2, 1, 0]> : tensor<8xi32>
           %y = edge.call "aten.index_select.default"(%x, %i) {arguments = [#edge.operand<0>,
             1 : i64, #edge.operand<1>]}
             : (tensor<1x8x8x4xi8>, tensor<8xi32>) -> tensor<1x8x8x4xi8>""",
        # An axis of height is moved.
        """%y = cortex_m.transpose %x {perm = array<i64: 0, 2, 1, 3>}
             : (tensor<1x8x8x4xi8>) -> tensor<1x8x8x4xi8>""",
        # The rows of several images are not one range.
        """%s = cortex_m.view %x : (tensor<1x8x8x4xi8>) -> tensor<2x4x8x4xi8>
           %y2 = cortex_m.maximum %s, %s
             : (tensor<2x4x8x4xi8>, tensor<2x4x8x4xi8>) -> tensor<2x4x8x4xi8>
           %y = cortex_m.view %y2 : (tensor<2x4x8x4xi8>) -> tensor<1x8x8x4xi8>""",
        # The concatenation is along the height.
        """%h = cortex_m.subview %x {offset = 0 : i64} : (tensor<1x8x8x4xi8>) -> tensor<1x4x8x4xi8>
           %y = edge.call "aten.cat.default"(%h, %h) {arguments = [[#edge.operand<0>,
             #edge.operand<1>], 1 : i64]}
             : (tensor<1x4x8x4xi8>, tensor<1x4x8x4xi8>) -> tensor<1x8x8x4xi8>""",
    ],
)
def test_what_cannot_be_split(text: str) -> None:
    module = parse_module(
        make_context(),
        f"func.func @forward(%x: tensor<1x8x8x4xi8>) -> tensor<1x8x8x4xi8> {{\n{text}\n"
        "func.return %y : tensor<1x8x8x4xi8>\n}",
    )
    op = next(op for op in main_function(module).body.block.ops if is_operator(op))
    assert row_uses(op) is None


def test_a_lower_limit_never_costs_less() -> None:
    model = model_of(main_function(residual_block()))
    planner = Planner(model)
    costs = []
    for limit in range(max(planner.used), 40_000, -400):
        choices = planner.plan(limit)
        if choices is None:
            break
        costs.append(sum(choice.cost for choice in choices))
    assert len(costs) > 3 and costs[0] == 0
    assert all(before <= after for before, after in pairwise(costs))
