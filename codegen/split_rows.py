"""Split runs of calls into strips of rows, so that the arena fits into a limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import VerifyException

from cmopt.codegen.order_model import Model, has_loops, is_operator, model_of, reorder
from cmopt.codegen.row_lifetimes import best_placement
from cmopt.codegen.row_plan import Choice, Planner
from cmopt.codegen.row_regions import Split, base_of
from cmopt.codegen.row_rules import on_rows, row_bytes
from cmopt.dialects.cortex_m import JoinOp, ScratchOp, SubviewOp, ViewOp, itemsize
from cmopt.dialects.program import ROW_STRIPS, functions
from cmopt.dialects.shapes import element_of, resized, shape_of
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.verify_stage import check_stage
from cmopt.support.diagnostics import CompileError
from cmopt.support.locations import render
from cmopt.support.strips_report import RowStrips, to_json
from cmopt.support.targets import Isa, get_target

ATTEMPTS = 6
"""How often a plan that is larger than its model is made again with narrower strips."""


class StripBuilder:
    """Makes the ops of one region in strips. They are in no block."""

    def __init__(self, split: Split, isa: Isa):
        self.split = split
        self.isa = isa
        self.parts: dict[SSAValue, list[SSAValue]] = {v: [] for v in split.region.outputs}
        self.ops: list[Operation] = []
        self.outside: list[Operation] = []
        """The parts of values from outside, one for each strip that reads them."""
        for number in range(split.strips):
            self._add_strip(number)

    def _add_strip(self, number: int) -> None:
        """Append the calls of one strip, in order, with the views of their operands between them.

        Raises Unsupported or VerifyException if a kernel cannot compute it.
        """
        region, made = self.split.region, dict[SSAValue, SSAValue]()
        for call in region.calls:
            op, result = call.op, call.result
            at = slice(number, number + 1)
            first, last = self.split.first[result][at], self.split.last[result][at]
            operands, before = {}, len(self.ops)
            for use in call.uses:
                value = op.operands[use.operand]
                low, high = (int(r[0]) for r in use.rows(first, last, shape_of(value)[1]))
                start = 0
                if (base := base_of(value)) in made:
                    start = int(self.split.first[base][number])
                source = self._rows(value, made.get(base, value), low - start, high - start)
                if base not in made and source is not value:
                    assert isinstance(source.owner, Operation)
                    self.outside.append(source.owner)
                operands[use.operand] = source, low
            calls = on_rows(op, operands, int(first[0]), int(last[0]), self.isa)
            self.ops += calls
            for new in self.ops[before:]:
                new.location = op.location
            calls[-1].verify()
            made[result] = calls[-1].results[0]
            if result in self.parts:
                self.parts[result].append(made[result])

    def _rows(self, value: SSAValue, source: SSAValue, low: int, high: int) -> SSAValue:
        """Rows `low … high − 1` of `source`, which has some rows of `value`, in its row's shape."""
        type = TensorType(element_of(value), list(resized(shape_of(value), 1, high - low)))
        if source.type == type:
            return source
        view: Operation
        if (low, high) == (0, shape_of(source)[1]):
            view = ViewOp(source, type)
        else:
            offset = low * (row_bytes(value) // itemsize(value.type))
            view = SubviewOp.create(
                operands=[source],
                result_types=[type],
                properties={"offset": IntegerAttr(offset, 64)},
            )
        view.results[0].name_hint = value.name_hint
        self.ops.append(view)
        return view.results[0]


class _Impossible(Exception):
    """A kernel cannot compute the strips of this choice."""

    def __init__(self, choice: Choice):
        super().__init__()
        self.choice = choice


def apply(func: FuncOp, model: Model, choices: Sequence[Choice], isa: Isa) -> None:
    """Put strips into a function for each choice. Raises _Impossible before it changes anything."""
    built = []
    for choice in choices:
        try:
            built.append((choice, StripBuilder(choice.split, isa)))
        except (Unsupported, VerifyException) as error:
            raise _Impossible(choice) from error
    block, order = func.body.block, list(model.operators)
    end, views = block.last_op, list[Operation]()
    assert end is not None
    for choice, builder in reversed(built):
        views += builder.outside
        block.insert_ops_before(builder.ops, end)
        for old, parts in builder.parts.items():
            join = JoinOp(parts, old.type)
            assert isinstance(old.owner, Operation)
            join.location, join.output.name_hint = old.owner.location, old.name_hint
            block.insert_op_before(join, end)
            old.replace_all_uses_with(join.output)
        order[choice.first : choice.last] = [op for op in builder.ops if is_operator(op)]
        for op in reversed(choice.split.region.ops):
            _erase(op)
    reorder(func, order)
    for op in reversed(views):
        # Before a strip writes over rows that are not read any more.
        owner = op.operands[0].owner
        block.detach_op(op)
        if isinstance(owner, Operation):
            block.insert_op_after(op, owner)
        elif (start := block.first_op) is not None:
            block.insert_op_before(op, start)


def _erase(op: Operation) -> None:
    """Erase an op without users, and the scratch and views that only it used."""
    operands = list(op.operands)
    Rewriter.erase_op(op)
    for value in operands:
        owner = value.owner
        if isinstance(owner, ScratchOp | ViewOp | SubviewOp) and not value.uses:
            _erase(owner)


def _facts(choice: Choice) -> RowStrips:
    """The report's entry for one region."""
    ops, split = choice.split.region.ops, choice.split
    first, last = (render(op.location) or "" for op in (ops[0], ops[-1]))
    extra = split.extra_products(), split.extra_calls()
    return RowStrips(first, last, len(ops), split.strips, *extra)


def fitted(func: FuncOp, max_arena: int, isa: Isa) -> FuncOp:
    """A function that needs at most `max_arena` bytes: itself or a copy in strips.

    Raises CompileError if none was found.
    """
    size = best_placement(func).size
    if size <= max_arena:
        return func
    if has_loops(func):
        raise CompileError(f"the arena has {size:,} bytes, more than {max_arena:,}", op=func)
    found = [
        trial
        for frees in (False, True)
        if (trial := _in_strips(func, max_arena, isa, frees=frees)) is not None
    ]
    if not found:
        raise _too_large(func, size, max_arena)
    return min(found, key=lambda trial: trial[1])[0]


def _in_strips(func: FuncOp, max_arena: int, isa: Isa, *, frees: bool) -> tuple[FuncOp, int] | None:
    """A copy in strips that fits, and what its strips cost; None if none was found.

    frees: let strips free the rows that they read last. Then the model is optimistic, because the
    free bytes may be in the wrong places.
    """
    margin, forbidden = 0, set[tuple[int, int]]()
    for _ in range(ATTEMPTS):
        trial = func.clone()
        model = model_of(trial)
        choices = Planner(model, forbidden, frees=frees).plan(max_arena, margin)
        if not choices:
            return None
        try:
            apply(trial, model, choices, isa)
        except _Impossible as impossible:
            forbidden.add((impossible.choice.first, impossible.choice.last))
            continue
        trial.attributes[ROW_STRIPS] = StringAttr(to_json([_facts(c) for c in choices]))
        if (needed := best_placement(trial).size) <= max_arena:
            return trial, sum(choice.cost for choice in choices)
        margin += needed - max_arena
    return None


def _too_large(func: FuncOp, size: int, max_arena: int) -> CompileError:
    """The error at the call that needs the most, with the least limit that can be met."""
    model = model_of(func)
    planner = Planner(model, frees=True)
    low, high = max_arena, size
    while high - low > max(1, size // 64):
        middle = (low + high) // 2
        low, high = (low, middle) if planner.plan(middle) is not None else (middle, high)
    used = planner.used
    return CompileError(
        f"the arena has {size:,} bytes, most of them here; in strips of rows about {high:,} are "
        f"possible, which is more than {max_arena:,}",
        op=model.operators[used.index(max(used))],
    )


@dataclass(frozen=True)
class SplitRowsPass(ModulePass):
    """Compute runs of calls strip by strip, where the arena is larger than `max_arena` otherwise.

    Exact. Rows at the borders of strips are computed twice; the least extra work is chosen.
    """

    name = "split-rows"

    target: str = "cortex-m55"
    max_arena: int = 0

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        check_stage(op, "cortex_m")
        for func in functions(op) if self.max_arena else ():
            new = fitted(func, self.max_arena, get_target(self.target).isa)
            if new is not func:
                Rewriter.insert_op(new, InsertPoint.before(func))
                Rewriter.erase_op(func)
