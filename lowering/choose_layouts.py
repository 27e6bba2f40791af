"""Choose the layout in which each op works, so that the fewest bytes are moved."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, ModuleOp, StringAttr, TensorType
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from cmopt.dialects.arrays import dense_array
from cmopt.dialects.constants import constant_op, is_known
from cmopt.dialects.edge import PermuteOp, permuted_type
from cmopt.dialects.permutations import Layout, compose, identity, order_of_bytes
from cmopt.dialects.program import (
    LAYOUT_LIMIT,
    Body,
    State,
    bodies,
    function_of,
    retype_argument,
    set_initial_value,
    states,
    terminator,
    update,
)
from cmopt.dialects.shapes import ints_of, inverse, shape_of
from cmopt.lowering.layout.modes import Layouts, as_written, bytes_of, rule_of, values_of
from cmopt.lowering.rewrite import pass_through, read_through
from cmopt.support.diagnostics import CompileError, warn

MAX_MODES = 64
"""Modes considered for one op. No op of rank 4 has more than 24; without a bound one of rank 8
could have 40,320."""

UNPROVEN = "the search for layouts ended at its limit: they may move more bytes than necessary"


@dataclass(frozen=True)
class Source:
    """A value without the permutes in front of it: it equals `permute(root, frame)`."""

    root: SSAValue
    frame: Layout

    @staticmethod
    def of(value: SSAValue) -> Source:
        """Follow permutes back to the value they permute."""
        frame = identity(len(shape_of(value)))
        while isinstance(owner := value.owner, PermuteOp):
            frame = compose(ints_of(owner.perm), frame)
            value = owner.input
        return Source(value, frame)


@dataclass(frozen=True)
class Solution:
    """The layouts that each op works in, those that each state is kept in, and whether they are
    proven to be the best."""

    modes: dict[Operation, Layouts]
    states: list[Layout]
    is_proven: bool


class Choice:
    """The modes that the ops of one body may work in, starting with the modes as written.

    If one op can work in a layout, its neighbours may work in it too: layouts spread along
    values, through permutes, until there are no new ones.
    """

    def __init__(self, body: Body):
        self.ops = [
            op
            for op in body.body.block.ops
            if not isinstance(op, PermuteOp)
            and all(isinstance(v.type, TensorType) for v in values_of(op))
            and not all(is_known(v) for v in op.results or op.operands)
        ]
        self.modes: dict[Operation, dict[Layouts, None]] = {op: {} for op in self.ops}
        self.is_complete = True
        self._fresh: deque[tuple[SSAValue, Layout]] = deque()
        self._seen: set[tuple[SSAValue, Layout]] = set()
        self.states = states(body) if isinstance(body, FuncOp) else []
        for op in self.ops:
            self._add(op, as_written(op))
        for argument in body.body.block.args:
            self._note(argument, identity(len(shape_of(argument))))
        while self._fresh:
            self._spread(*self._fresh.popleft())

    def _add(self, op: Operation, layouts: Layouts | None) -> None:
        if layouts is None or layouts in self.modes[op]:
            return
        if len(self.modes[op]) == MAX_MODES:
            self.is_complete = False
            return
        self.modes[op][layouts] = None
        for value, layout in zip(values_of(op), layouts, strict=True):
            self._note(value, layout)
        if (rule := rule_of(op)) is not None:
            self._add(op, rule.variant(op, layouts))

    def _note(self, value: SSAValue, layout: Layout) -> None:
        source = Source.of(value)
        found = source.root, compose(source.frame, layout)
        if found not in self._seen:
            self._seen.add(found)
            self._fresh.append(found)

    def _spread(self, root: SSAValue, layout: Layout) -> None:
        """Offer a layout of a value to the op that makes it and to all that use it."""
        ends = [(root, layout)]
        while ends:
            value, wanted = ends.pop()
            for state in self.states:
                # A value that becomes state has the layout of the value that was it before.
                if value is state.argument:
                    self._note(state.next, wanted)
                elif value is state.next:
                    self._note(state.argument, wanted)
            if isinstance(owner := value.owner, Operation) and owner in self.modes:
                self._offer(owner, len(owner.operands) + owner.results.index(value), wanted)
            for use in value.uses:
                if isinstance(use.operation, PermuteOp):
                    turned = compose(inverse(ints_of(use.operation.perm)), wanted)
                    ends.append((use.operation.output, turned))
                elif use.operation in self.modes:
                    self._offer(use.operation, use.index, wanted)

    def _offer(self, op: Operation, index: int, layout: Layout) -> None:
        if (rule := rule_of(op)) is not None:
            self._add(op, rule.layouts(op, index, layout))

    @property
    def is_open(self) -> bool:
        """Whether any op has more than one mode."""
        kept = any(len(self.layouts_of(state)) > 1 for state in self.states)
        return kept or any(len(modes) > 1 for modes in self.modes.values())

    def layouts_of(self, state: State) -> list[Layout]:
        """The layouts in which a state may be kept, the one it is written in first."""
        written = identity(len(shape_of(state.argument)))
        seen = sorted(
            (layout for value, layout in self._seen if value is state.argument),
            key=lambda layout: (sum(i != d for i, d in enumerate(layout)), layout),
        )
        return list(dict.fromkeys([written, *seen]))[:MAX_MODES]

    def solve(self, effort: float) -> Solution:
        """The layouts each op is to work in, and whether they are proven to be the best.

        effort: see `solver.choose`.
        """
        from cmopt.lowering.layout.solver import Mode, Problem, choose

        numbers: dict[SSAValue, int] = {}
        problem = Problem()

        def label(value: SSAValue, layout: Layout) -> tuple[int, Layout] | None:
            source = Source.of(value)
            if is_known(source.root):
                return None  # Constants are permuted at compile time.
            if source.root not in numbers:
                numbers[source.root] = len(numbers)
                problem.bytes_of.append(bytes_of(source.root))
            shape = shape_of(source.root)
            return numbers[source.root], order_of_bytes(shape, compose(source.frame, layout))

        def mode(op: Operation, layouts: Layouts) -> Mode:
            rule, count = rule_of(op), len(op.operands)
            labels = [label(v, w) for v, w in zip(values_of(op), layouts, strict=True)]
            kept = {s.result for s in self.states} if isinstance(op, ReturnOp) else ()
            takes = tuple(
                found
                for index, found in enumerate(labels[:count])
                if found is not None and index not in kept
            )
            makes = tuple(found for found in labels[count:] if found is not None)
            return Mode(takes, makes, 0 if rule is None else rule.moved_bytes(op, layouts))

        for op in self.ops:
            problem.modes.append([mode(op, layouts) for layouts in self.modes[op]])
        # A state is kept in the layout of its choice. Other arguments are as they are written.
        for state in self.states:
            problem.modes.append(
                [
                    Mode(_some(label(state.next, kept)), _some(label(state.argument, kept)))
                    for kept in self.layouts_of(state)
                ]
            )
        free = {state.argument for state in self.states}
        arguments = [
            value
            for value in numbers
            if not isinstance(value.owner, Operation) and value not in free
        ]
        for value in arguments:
            written = label(value, identity(len(shape_of(value))))
            assert written is not None
            problem.modes.append([Mode((), (written,))])
        picks, is_proven = choose(problem, effort)
        chosen = {op: list(self.modes[op])[m] for op, m in zip(self.ops, picks, strict=False)}
        kept = [
            self.layouts_of(state)[m]
            for state, m in zip(self.states, picks[len(self.ops) :], strict=False)
        ]
        return Solution(chosen, kept, is_proven and self.is_complete)


def _some(label: tuple[int, Layout] | None) -> tuple[tuple[int, Layout], ...]:
    return () if label is None else (label,)


def keep_in(state: State, layout: Layout) -> None:
    """Keep a state in another layout, with permutes where it is read and made."""
    func, shape = state.func, shape_of(state.argument)
    if layout == identity(len(shape)):
        return
    kept = retype_argument(func, state.index, permuted_type(state.argument.type, layout))
    start = InsertPoint.at_start(func.body.block)
    read_through(kept, PermuteOp.of(kept, inverse(layout)), start)
    pass_through(terminator(func), state.result, PermuteOp.of(state.next, layout))
    initial = constant_op(np.transpose(dense_array(state.initial), layout)).value
    assert isinstance(initial, DenseIntOrFPElementsAttr)
    set_initial_value(state, initial)
    update(func)


def work_in(op: Operation, layouts: Layouts) -> None:
    """Replace an op by the same op in other layouts, with permutes before and after it."""
    rule = rule_of(op)
    assert rule is not None
    before = [PermuteOp.of(v, p) for v, p in zip(op.operands, layouts, strict=False)]
    work = rule.rebuild(op, layouts, [permute.output for permute in before])
    after = PermuteOp.of(work[-1].results[0], inverse(layouts[-1]))
    after.output.name_hint = op.results[0].name_hint
    for new in (*before, *work, after):
        new.location = op.location
    Rewriter.insert_op([*before, *work, after], InsertPoint.before(op))
    op.results[0].replace_all_uses_with(after.output)
    Rewriter.erase_op(op)


def require_known_sizes(body: Body) -> None:
    """Refuse tensors whose bytes cannot be counted."""
    for op in body.body.block.ops:
        types = (value.type for value in values_of(op))
        if any(isinstance(type, TensorType) and not type.has_static_shape() for type in types):
            raise CompileError(
                "a dimension has no known size", op=op, hint="export with static shapes"
            )


@dataclass(frozen=True)
class ChooseLayoutsPass(ModulePass):
    """Rewrite each op to the layout in which the function as a whole moves the fewest bytes.

    The choice is exact: an integer program over the layouts that any op of the function uses, and
    over those in which a slice or cat is one range of bytes. It counts the bytes of permutes and of
    slices and cats that are not one range; moving constants is free.

    If the search reaches its limit, `effort`, the best choice found is taken. A warning says so,
    and an attribute of the function, which the report shows.

    The pass puts permutes around the ops it rewrites. `fold-inverse-permutes` removes those that
    cancel, and the remaining ones are the minimum.
    """

    name = "choose-layouts"

    effort: float = 10.0

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for body in bodies(op):
            require_known_sizes(body)
            choice = Choice(body)
            if not choice.is_open:
                continue
            solution = choice.solve(self.effort)
            for inner, layouts in solution.modes.items():
                if layouts != as_written(inner):
                    work_in(inner, layouts)
            for state, layout in zip(choice.states, solution.states, strict=True):
                keep_in(state, layout)
            if not solution.is_proven:
                function_of(body).attributes[LAYOUT_LIMIT] = StringAttr(UNPROVEN)
                warn(UNPROVEN, op=body)
