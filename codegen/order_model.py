"""The graph of a function's operators and of the bytes that they share, for `order_search`."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation
from xdsl.traits import is_side_effect_free

from cmopt.codegen.lifetimes import Buffer, Liveness, align, analyze
from cmopt.codegen.order_search import ARGUMENT, Graph, Operator, Overwrite, Value, Whole, bits
from cmopt.dialects.cortex_m import JoinOp, ScratchOp, SubviewOp, ViewOp
from cmopt.dialects.edge import ScanOp
from cmopt.dialects.ethos_u import DelegateOp


def is_operator(op: Operation) -> bool:
    """Whether an op is a call that takes its turn; the others are constants, places and views."""
    return not isinstance(op, ConstantOp | ScratchOp | ViewOp | SubviewOp | JoinOp | ReturnOp)


def has_loops(func: FuncOp) -> bool:
    """Whether a function has a loop, of which the model knows nothing."""
    return any(isinstance(op, ScanOp) for op in func.body.block.ops)


@dataclass
class Model:
    """The operators of a function in its order, and their graph."""

    operators: list[Operation]
    graph: Graph


def model_of(func: FuncOp) -> Model:
    """What `plan-memory` knows about a function, without the order of its operators.

    An op with side effects stays behind all operators that precede it and before all others.
    """
    operators = [op for op in func.body.block.ops if is_operator(op)]
    return Model(operators, _Builder(operators, analyze(func)).graph())


class _Builder:
    def __init__(self, operators: list[Operation], liveness: Liveness):
        self.number = {op: index for index, op in enumerate(operators)}
        self.operators = [Operator(copies_operands=isinstance(op, DelegateOp)) for op in operators]
        self.liveness = liveness
        self.end = 1 << len(operators)
        self.buffer_of = {v: buffer for buffer in liveness.buffers for v, _ in buffer.values}
        self.values: list[Value] = []
        self.value_of: dict[Buffer, int] = {}
        self.wholes: list[Whole] = []
        self.whole_of: dict[Buffer, int] = {}
        self.renewals: list[tuple[Buffer, Value]] = []

    def graph(self) -> Graph:
        for buffer in self.liveness.buffers:
            self._add(buffer)
        for inside in self.liveness.insides:
            self._put_inside(inside.part, inside.whole)
        for state, new in self.renewals:
            self._renew(state, new)
        for buffer in self.liveness.buffers:
            self._connect(buffer)
        for take_over in self.liveness.candidates:
            self._may_overwrite(take_over.buffer, take_over.successor, take_over.delta)
        before = barrier = 0
        for op, index in self.number.items():
            self.operators[index].needs |= barrier
            if not is_side_effect_free(op):
                self.operators[index].needs |= before
                barrier = 1 << index
            before |= 1 << index
        return Graph(self.operators, self.values, self.wholes)

    def _add(self, buffer: Buffer) -> None:
        """A value for each buffer, a whole for each join; scratch is a number of its operator."""
        owner = buffer.values[0][0].owner
        if isinstance(owner, ScratchOp):
            for user in self._users(buffer):
                if isinstance(user, Operation) and user in self.number:
                    self.operators[self.number[user]].scratch += align(buffer.size)
        elif isinstance(owner, JoinOp):
            self.whole_of[buffer] = len(self.wholes)
            self.wholes.append(Whole(align(buffer.size), [], self._mask(buffer)))
        else:
            producer = ARGUMENT if isinstance(owner, Block) else self.number[owner]
            self.value_of[buffer] = len(self.values)
            self.values.append(Value(align(buffer.size), producer, self._mask(buffer)))
            if producer != ARGUMENT:
                self.operators[producer].makes.append(self.value_of[buffer])

    def _users(self, buffer: Buffer) -> list[Operation]:
        return [use.operation for value, _ in buffer.values for use in value.uses]

    def _mask(self, buffer: Buffer) -> int:
        """A bit for each operator that reads a buffer, and `end` if it is returned."""
        mask = 0
        for user in self._users(buffer):
            if isinstance(user, ReturnOp):
                mask |= self.end
            elif user in self.number:
                mask |= 1 << self.number[user]
        return mask

    def _put_inside(self, part: Buffer, whole: Buffer) -> None:
        """Make a value a part of a joined value. Parts are not rounded up: they may touch."""
        if part not in self.value_of:
            return  # A join in a join, which copy-joined-operands leaves to no plan.
        if whole not in self.whole_of:
            self.renewals.append((whole, self.values[self.value_of[part]]))
            return
        number, value = self.whole_of[whole], self.values[self.value_of[part]]
        value.whole, value.size = number, part.size
        self.wholes[number].parts.append(self.value_of[part])
        if value.producer != ARGUMENT:
            self.wholes[number].producers |= 1 << value.producer

    def _renew(self, state: Buffer, new: Value) -> None:
        """The next value of a state takes its place, when nothing else reads the old one, also as
        a part of a joined value."""
        old = self.values[self.value_of[state]]
        readers = old.users | (0 if old.whole is None else self.wholes[old.whole].users)
        if new.producer != ARGUMENT:
            self.operators[new.producer].needs |= readers & ~self.end & ~(1 << new.producer)
            new.size = 0
        old.users |= self.end

    def _connect(self, buffer: Buffer) -> None:
        """Its readers need the operators that make it."""
        if buffer in self.whole_of:
            number = self.whole_of[buffer]
            users, needs = self.wholes[number].users, self.wholes[number].producers
        elif buffer in self.value_of:
            value = self.values[self.value_of[buffer]]
            users, needs = value.users, 0 if value.producer == ARGUMENT else 1 << value.producer
        else:
            return
        for index in bits(users & ~self.end):
            operator = self.operators[index]
            operator.needs |= needs
            if buffer in self.whole_of:
                operator.reads_wholes.append(self.whole_of[buffer])
            else:
                operator.reads.append(self.value_of[buffer])

    def _may_overwrite(self, old: Buffer, new: Buffer, delta: int) -> None:
        owner = new.values[0][0].owner
        saved = min(old.size, delta + new.size) - max(0, delta)
        if not isinstance(owner, Operation) or owner not in self.number or saved <= 0:
            return
        is_whole = old in self.whole_of
        index = self.whole_of[old] if is_whole else self.value_of[old]
        saved = align(saved) if not is_whole and self.values[index].whole is None else saved
        self.operators[self.number[owner]].overwrites.append(Overwrite(saved, index, is_whole))


def reorder(func: FuncOp, operators: list[Operation]) -> None:
    """Put the operators of a function into another order; each of them must follow its operands.

    Constants, scratch and views move to the first operator that needs them.
    """
    block = func.body.block
    end = block.last_op
    assert isinstance(end, ReturnOp)
    others = [op for op in block.ops if op is not end and not is_operator(op)]
    placed: set[Operation] = set()

    def put(op: Operation) -> None:
        for value in op.operands:
            if isinstance(owner := value.owner, Operation) and owner not in placed:
                put(owner)
        if op is not end:
            block.detach_op(op)
            block.insert_op_before(op, end)
            placed.add(op)

    for op in [*operators, *others, end]:
        if op not in placed:
            put(op)
