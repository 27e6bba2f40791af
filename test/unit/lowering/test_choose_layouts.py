"""The chosen layouts are the cheapest: compared with every choice on small graphs."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from cmopt.dialects.edge import CatOp, PermuteOp, SliceOp
from cmopt.dialects.parsing import make_context, parse_module
from cmopt.dialects.program import main_function
from cmopt.dialects.shapes import int_of, ints_of, numel, shape_of
from cmopt.lowering.choose_layouts import Choice, ChooseLayoutsPass
from cmopt.lowering.layout.modes import rule_of
from cmopt.pipeline.interpreting import interpret
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.support.diagnostics import verify

MOST_FLEXIBLE = 4
"""The number of ops in a graph with a free layout. Each has up to six layouts."""


class Graph:
    """The text of a random function on tensors of rank 3, and of rank 2 after a reshape."""

    def __init__(self, draw: st.DrawFn):
        self.draw = draw
        self.lines: list[str] = []
        self.values: list[tuple[str, tuple[int, ...]]] = []
        sizes = st.sampled_from([(2, 3, 4), (3, 2, 2), (2, 1, 3), (3, 3, 3)])
        self.arguments = [(f"%a{i}", draw(sizes)) for i in range(draw(st.integers(1, 2)))]
        self.values += self.arguments
        self.flexible = 0

    def pick(self, like: tuple[int, ...] | None = None) -> tuple[str, tuple[int, ...]]:
        return self.draw(st.sampled_from([v for v in self.values if like is None or v[1] == like]))

    def add(self, op: str, operands: list[tuple[str, tuple[int, ...]]], attributes: str,
            shape: tuple[int, ...]) -> None:  # fmt: skip
        name = f"%v{len(self.lines)}"
        names, types = ", ".join(n for n, _ in operands), ", ".join(text(s) for _, s in operands)
        spelled = f"{op} {names}" if "(" not in op else op.replace("()", f"({names})")
        self.lines.append(f"{name} = {spelled} {attributes} : ({types}) -> {text(shape)}")
        self.values.append((name, shape))

    def step(self) -> None:
        kind = self.draw(
            st.sampled_from(["permute", "relu", "add", "slice", "cat", "merge", "call"])
        )
        if kind not in ("permute", "call"):
            if self.flexible == MOST_FLEXIBLE:
                return
            self.flexible += 1
        name, shape = self.pick()
        dim = self.draw(st.integers(0, len(shape) - 1))
        if kind == "permute":
            perm = self.draw(st.permutations(range(len(shape))))
            attributes = f"{{perm = array<i64: {', '.join(map(str, perm))}>}}"
            self.add("edge.permute", [(name, shape)], attributes, tuple(shape[p] for p in perm))
        elif kind == "relu":
            self.add("edge.relu", [(name, shape)], "", shape)
        elif kind == "call":
            self.add('edge.call "aten.exp.default"()', [(name, shape)],
                     "{arguments = [#edge.operand<0>]}", shape)  # fmt: skip
        elif kind == "add":
            self.add("edge.add", [(name, shape), self.pick(shape)], "", shape)
        elif kind == "slice":
            part = (*shape[:dim], (shape[dim] + 1) // 2, *shape[dim + 1 :])
            attributes = f"{{dim = {dim} : i64, start = {shape[dim] - part[dim]} : i64}}"
            self.add("edge.slice", [(name, shape)], attributes, part)
        elif kind == "cat":
            whole = (*shape[:dim], 2 * shape[dim], *shape[dim + 1 :])
            operands = [(name, shape), self.pick(shape)]
            self.add("edge.cat", operands, f"{{dim = {dim} : i64}}", whole)
        elif len(shape) == 3:
            at = self.draw(st.integers(0, 1))
            merged = (*shape[:at], shape[at] * shape[at + 1], *shape[at + 2 :])
            self.add("edge.reshape", [(name, shape)], "", merged)

    def function(self) -> str:
        count = self.draw(st.integers(3, 8))
        for _ in range(count):
            self.step()
        results = self.values[len(self.arguments) :][-2:] or self.values[:1]
        arguments = ", ".join(f"{n}: {text(s)}" for n, s in self.arguments)
        types = ", ".join(text(s) for _, s in results)
        body = "\n".join([*self.lines, f"func.return {', '.join(n for n, _ in results)} : {types}"])
        return f"func.func @forward({arguments}) -> ({types}) {{\n{body}\n}}"


def text(shape: tuple[int, ...]) -> str:
    return f"tensor<{'x'.join(map(str, shape))}xf32>"


@st.composite
def functions(draw: st.DrawFn) -> str:
    return Graph(draw).function()


def order(shape: tuple[int, ...], layout: tuple[int, ...]) -> bytes:
    """The bytes of a tensor of distinct elements, written in a layout."""
    return np.transpose(np.arange(numel(shape)).reshape(shape), layout).tobytes()


def moved(op: Operation) -> int:
    """The number of bytes that an op of the final IR copies."""
    result = op.results[0] if op.results else None
    if result is None or not isinstance(op, PermuteOp | SliceOp | CatOp):
        return 0
    if isinstance(op, PermuteOp):
        shape = shape_of(op.input)
        free = order(shape, ints_of(op.perm)) == order(shape, tuple(range(len(shape))))
    else:
        free = numel(shape_of(result)[: int_of(op.dim)]) == 1
    return 0 if free else 4 * numel(shape_of(result))


def cheapest(module: ModuleOp) -> int:
    """The fewest bytes that any choice of layouts for the free ops moves. Each value is copied
    once into every other byte order in which it is read."""
    func = main_function(module)
    ops = [op for op in func.body.block.ops if not isinstance(op, PermuteOp)]

    def seen_through(value: SSAValue, layout: tuple[int, ...]) -> tuple[SSAValue, bytes]:
        while isinstance(owner := value.owner, PermuteOp):
            perm = ints_of(owner.perm)
            value, layout = owner.input, tuple(perm[d] for d in layout)
        return value, order(shape_of(value), layout)

    choices = []
    for op in ops:
        values = [*op.operands, *op.results]
        rule = rule_of(op)
        found = {tuple(tuple(range(len(shape_of(v)))) for v in values)}
        for index, value in enumerate(values if rule is not None else ()):
            for layout in permutations(range(len(shape_of(value)))):
                assert rule is not None
                if (layouts := rule.layouts(op, index, layout)) is not None:
                    found.add(layouts)
        rows = []
        for layouts in found:
            ends = [seen_through(v, p) for v, p in zip(values, layouts, strict=True)]
            count = len(op.operands)
            cost = 0 if rule is None else rule.moved_bytes(op, layouts)
            rows.append((ends[:count], ends[count:], cost))
        choices.append(rows)
    arguments = [seen_through(a, tuple(range(len(shape_of(a))))) for a in func.body.block.args]
    best = None
    for picks in product(*choices):
        held = dict([*arguments, *(end for _, made, _ in picks for end in made)])
        copies = {end for taken, _, _ in picks for end in taken if held[end[0]] != end[1]}
        cost = sum(4 * numel(shape_of(value)) for value, _ in copies)
        cost += sum(pick[2] for pick in picks)
        best = cost if best is None else min(best, cost)
    assert best is not None
    return best


@settings(max_examples=200, deadline=None)
@given(functions())
def test_no_choice_moves_fewer_bytes(function: str) -> None:
    ctx = make_context()
    module = parse_module(ctx, function)
    run_passes(ctx, module, parse_pipeline("canonicalize,cse,dce"))
    best = cheapest(module)
    args = main_function(module).body.block.args
    random = np.random.default_rng(0)
    inputs = [random.normal(size=shape_of(a)).astype(np.float32) for a in args]
    before = interpret(module, inputs)
    pipeline = "choose-layouts,fold-inverse-permutes,cse,dce"
    run_passes(ctx, module, parse_pipeline(pipeline))
    module.verify()
    assert sum(moved(op) for op in main_function(module).body.block.ops) == best
    after = interpret(module, inputs)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def attentions(count: int) -> str:
    """The text of attentions in a row, in the form that stacked encoders have before the pass."""
    n, heads, d = 5, 3, 4
    width, q = heads * d, "!quant.uniform<i8:f32, 0.1>"
    lines: list[str] = []

    def typed(*shape: int) -> str:
        return f"tensor<{'x'.join(map(str, shape))}x{q}>"

    def op(name: str, operands: list[tuple[str, str]], attributes: str, *shape: int) -> str:
        result = f"%{len(lines)}"
        names, types = (", ".join(part) for part in zip(*operands, strict=True))
        lines.append(f"{result} = edge.{name} {names} {attributes} : ({types}) -> {typed(*shape)}")
        return result

    def permuted(value: str, shape: tuple[int, ...], perm: list[int]) -> str:
        attributes = f"{{perm = array<i64: {', '.join(map(str, perm))}>}}"
        return op("permute", [(value, typed(*shape))], attributes, *(shape[p] for p in perm))

    x, weights = "%x", [("%w", typed(3 * width, width)), ("%v", typed(width, width))]
    for _ in range(count):
        qkv = op("linear", [(x, typed(n, width)), weights[0]], "", n, 3 * width)
        apart = op("reshape", [(qkv, typed(n, 3 * width))], "", n, 3, width)
        turned = permuted(apart, (n, 3, width), [1, 0, 2])
        parts = []
        for start in range(3):
            attributes = f"{{dim = 0 : i64, start = {start} : i64}}"
            part = op("slice", [(turned, typed(3, n, width))], attributes, 1, n, width)
            part = op("reshape", [(part, typed(1, n, width))], "", n, heads, d)
            parts.append(permuted(part, (n, heads, d), [1, 0, 2]))
        rows = typed(heads, n, d)
        scores = op("matmul", [(parts[0], rows), (parts[1], rows)], "{transposed_rhs = true}",
                    heads, n, n)  # fmt: skip
        square = typed(heads, n, n)
        soft = op("softmax", [(scores, square)], "{dim = 2 : i64}", heads, n, n)
        columns = permuted(parts[2], (heads, n, d), [0, 2, 1])
        sums = op("matmul", [(soft, square), (columns, typed(heads, d, n))],
                  "{transposed_rhs = true}", heads, n, d)  # fmt: skip
        joined = op("reshape", [(permuted(sums, (heads, n, d), [1, 0, 2]), typed(n, heads, d))],
                    "", n, width)  # fmt: skip
        out = op("linear", [(joined, typed(n, width)), weights[1]], "", n, width)
        x = op("add", [(x, typed(n, width)), (out, typed(n, width))], "", n, width)
    arguments = ", ".join(f"{name}: {type}" for name, type in [("%x", typed(n, width)), *weights])
    body = "\n".join([*lines, f"func.return {x} : {typed(n, width)}"])
    return f"func.func @forward({arguments}) -> {typed(n, width)} {{\n{body}\n}}"


def test_attentions_in_a_row_are_no_harder_than_one() -> None:
    """The proof takes at most a hundredth of the effort that the pass allows."""
    module = parse_module(make_context(), attentions(24))
    verify(module)
    assert Choice(main_function(module)).solve(ChooseLayoutsPass.effort / 100).is_proven
