"""Compute an LSTM by one kernel: all steps of a loop, or the step of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import IntegerType, ModuleOp, TensorType
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from cmopt.dialects.arrays import Array
from cmopt.dialects.cmopt import LstmOp, flat, scratch_bytes
from cmopt.dialects.constants import constant_op
from cmopt.dialects.cortex_m import QuantizedMulOp, ScratchOp, SubviewOp, ViewOp
from cmopt.dialects.edge import ScanOp, YieldOp
from cmopt.dialects.program import Body, bodies, states
from cmopt.dialects.shapes import int_of, numel, shape_of
from cmopt.lowering.lstm_step import Layer, Step, seen_through_views, step_of
from cmopt.lowering.rules import Unsupported

I8 = IntegerType(8)


class _Call:
    """The ops of one call that computes a step, or all steps of a loop; they are in no block yet.

    sequence, hidden, cell: the slices of all steps, and what the first step reads. step: the
    numbers of each step.
    """

    def __init__(
        self,
        step: Step,
        steps: int,
        sequence: SSAValue,
        hidden: SSAValue,
        cell: SSAValue,
        *,
        keeps_all: bool = False,
        reverse: bool = False,
    ):
        self.ops: list[Operation] = []
        numbers = {(gate.input.scale, gate.hidden.scale, gate.sum) for gate in step.gates}
        gates = step.gates[: 1 if len(numbers) == 1 else None]
        size = scratch_bytes(step.units, len(gates))
        constants = [
            *self._layer([gate.input for gate in step.gates], "input"),
            *self._layer([gate.hidden for gate in step.gates], "hidden"),
            self._constant(
                np.stack([*(gate.table for gate in step.gates), step.cell_table]), "tables"
            ),
        ]
        batch = numel(shape_of(step.new_cell)) // step.units
        result = [batch, step.units]
        scratch = ScratchOp(TensorType(I8, [size]))
        scratch.output.name_hint = "scratch"
        self.ops.append(scratch)
        operands = [
            self.view(sequence, (steps, batch, step.gates[0].input.weights.shape[1])),
            self.view(hidden, (batch, step.gates[0].hidden.weights.shape[1])),
            self.view(cell, result),
            *constants,
            scratch.output,
        ]
        self.call = LstmOp(
            operands,
            TensorType(I8, [steps, *result] if keeps_all else result),
            TensorType(I8, result),
            {
                "input_layers": flat(gate.input.scale for gate in gates),
                "hidden_layers": flat(gate.hidden.scale for gate in gates),
                "gate_sums": flat(gate.sum for gate in gates),
                "forget_product": step.forget_product,
                "input_product": step.input_product,
                "cell_sum": step.cell_sum,
                "output_product": step.output_product,
                "reverse": reverse,
            },
        )
        self.ops.append(self.call)

    def _layer(self, gates: Sequence[Layer], name: str) -> list[SSAValue]:
        """The weights and the sums of a layer, in the order of the gates."""
        return [
            self._constant(np.concatenate([gate.weights for gate in gates]), f"{name}_weights"),
            self._constant(np.concatenate([gate.sums for gate in gates]), f"{name}_sums"),
        ]

    def _constant(self, array: Array, hint: str) -> SSAValue:
        op = constant_op(array, hint)
        self.ops.append(op)
        return op.result

    def view(self, value: SSAValue, shape: Sequence[int]) -> SSAValue:
        """The same bytes under another shape."""
        if shape_of(value) == tuple(shape):
            return value
        op = ViewOp(value, TensorType(I8, list(shape)))
        self.ops.append(op)
        return op.output

    @property
    def last_hidden(self) -> SSAValue:
        """The last hidden state: the output, or a part of it."""
        if not self.call.keeps_all:
            return self.call.output
        whole, size = numel(shape_of(self.call.output)), numel(shape_of(self.call.cell))
        start = 0 if int_of(self.call.reverse) else whole - size
        op = SubviewOp(self.call.output, start, self.call.cell.type)
        self.ops.append(op)
        return op.output

    def replace(self, old: SSAValue, new: SSAValue) -> None:
        """Let all that reads `old` read `new`, which has the same bytes."""
        viewed = self.view(new, shape_of(old))
        viewed.name_hint = old.name_hint
        old.replace_all_uses_with(viewed)

    def insert(self, place: Operation, like: Step) -> None:
        """Insert the ops in front of `place`, with the location of a step's result."""
        owner = like.new_hidden.owner
        assert isinstance(owner, Operation)
        for op in self.ops:
            op.location = owner.location
        Rewriter.insert_op(self.ops, InsertPoint.before(place))


def fuse_loop(scan: ScanOp, step: Step) -> None:
    """Replace a loop by one call. Raises Unsupported if it does more than the steps of an LSTM."""
    hidden = _carried(scan, step.hidden, step.new_hidden)
    cell = _carried(scan, step.cell, step.new_cell)
    _check_loop(scan, step)
    call = _Call(
        step,
        scan.count,
        scan.sequences[scan.slices.index(step.input)],
        scan.initial[hidden],
        scan.initial[cell],
        keeps_all=any(stack.uses for stack in scan.stacked),
        reverse=scan.reverse is not None,
    )
    for stack in scan.stacked:
        if stack.uses:
            call.replace(stack, call.call.output)
    if scan.final[hidden].uses:
        call.replace(scan.final[hidden], call.last_hidden)
    if scan.final[cell].uses:
        call.replace(scan.final[cell], call.call.cell)
    call.insert(scan, step)
    Rewriter.erase_op(scan)


def _carried(scan: ScanOp, old: SSAValue, new: SSAValue) -> int:
    """The number of the carried value that is `old` in a step, and `new` after it."""
    for index, (argument, value) in enumerate(zip(scan.carried, scan.renewed, strict=True)):
        if argument is old and seen_through_views(value) is new:
            return index
    raise Unsupported("the loop does not carry the state")


def _check_loop(scan: ScanOp, step: Step) -> None:
    """Raise Unsupported if a loop computes, carries, reads or stacks something else too."""
    known = step.ops()
    others = [op for op in scan.body.block.ops if op not in known]
    if len(scan.initial) != 2 or not all(
        isinstance(op, ConstantOp | ViewOp | YieldOp) for op in others
    ):
        raise Unsupported("the loop computes more")
    if step.input not in scan.slices:
        raise Unsupported("the input is not a slice of a sequence")
    if any(seen_through_views(part) is not step.new_hidden for part in scan.parts):
        raise Unsupported("the loop stacks other values than the hidden state")


def fuse_cell(step: Step) -> None:
    """Replace one step by a call, where its cell state was computed."""
    place = step.new_cell.owner
    assert isinstance(place, Operation)
    block, old = place.parent_block(), step.ops()
    assert block is not None
    call = _Call(step, 1, step.input, step.hidden, step.cell)
    call.replace(step.new_hidden, call.call.output)
    call.replace(step.new_cell, call.call.cell)
    call.insert(place, step)
    for op in reversed([op for op in block.ops if op in old]):
        Rewriter.erase_op(op)


def carried(body: Body) -> Sequence[SSAValue]:
    """The old values that a loop carries, or that are state of a function."""
    if isinstance(body, ScanOp):
        return body.carried
    return [state.argument for state in states(body)]


def fuse_steps(body: Body) -> None:
    """Fuse the steps of a function, or of a loop and then the loop itself if it does no more."""
    kept = carried(body)
    for op in list(body.body.block.ops):
        if not isinstance(op, QuantizedMulOp) or op.parent is None:
            continue
        try:
            step = step_of(op)
        except Unsupported:
            continue
        if step.input in kept and step.hidden not in kept:
            step = step.swapped()
        if isinstance(body, ScanOp):
            try:
                fuse_loop(body, step)
                return
            except Unsupported:
                pass
        fuse_cell(step)


@dataclass(frozen=True)
class FuseLstmStepsPass(ModulePass):
    """Compute an LSTM by one call of `cmopt.lstm`, which gives the same integers.

    A loop whose body is the step of an LSTM, and nothing else, becomes one call. A step in another
    place becomes a call for one step. Gates may be together or split. A step stays as it is if not
    all of its parts are int8, or if another op reads a part of it.
    """

    name = "fuse-lstm-steps"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for body in list(bodies(op)):
            fuse_steps(body)
