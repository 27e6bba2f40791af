"""Move the ops that the NPU can do into as few delegates as possible."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr, TensorType
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from cmopt.dialects import tosa
from cmopt.dialects.constants import is_known
from cmopt.dialects.edge import (
    BitcastOp,
    CallOp,
    CatOp,
    EdgeOp,
    MovementOp,
    ReshapeOp,
    SoftmaxOp,
    YieldOp,
)
from cmopt.dialects.ethos_u import DelegateOp, why_not
from cmopt.dialects.program import NPU_REASON, Body, bodies
from cmopt.dialects.quant import DCastOp, QCastOp, SCastOp, storage_type
from cmopt.dialects.shapes import numel, shape_of
from cmopt.lowering.legality import no_kernel_reason, npu_reason
from cmopt.lowering.plain_integers import PLAIN, is_plain
from cmopt.lowering.tosa.builder import RegionBuilder
from cmopt.lowering.tosa.levels import Processor, levels
from cmopt.lowering.tosa.lookups import join_lookups
from cmopt.lowering.tosa.rules import lower, sources_of
from cmopt.lowering.tosa.shapes import choose_shapes
from cmopt.support.diagnostics import CompileError
from cmopt.support.names import unknown_name
from cmopt.support.targets import NPUS, STOCK
from cmopt.support.vela_settings import VelaChoice, VelaSettings

ONLY_MOVES = "it only moves data; a call of the NPU would copy as much"
AT_THE_END = "at the end of a delegate it is cheaper on the core, because it is small"
"""The reason of a softmax that stays outside."""

FREE = (ReshapeOp, SCastOp)
"""Ops that cost nothing on either processor."""

SMALL_SOFTMAX = 32
"""The most elements of a softmax that is better on the core at the end of a delegate.

An element takes some 500 instructions of CMSIS-NN's scalar kernel on the core, and a U55-128 takes
500 cycles and 10 for each element. But there, a softmax of 10 elements takes 4.6 KB of the file.
"""


def work(op: Operation) -> int:
    """Multiplications of a `tosa` op, or the elements that it writes."""
    size = sum(numel(shape_of(value)) for value in op.results)
    if isinstance(op, tosa.Conv2DOp | tosa.TransposeConv2DOp):
        return size * numel(shape_of(op.weight)[1:])
    if isinstance(op, tosa.DepthwiseConv2DOp):
        return size * numel(shape_of(op.weight)[:2])
    return size * shape_of(op.a)[2] if isinstance(op, tosa.MatMulOp) else size


def work_of(ops: Sequence[Operation]) -> int:
    """The work of `edge` ops on the NPU."""
    build = RegionBuilder()
    for op in ops:
        lower(op, build)
    free = tosa.ConstOp | tosa.ConstShapeOp | tosa.ReshapeOp
    return sum(work(op) for op in build.block.ops if not isinstance(op, free))


class Partition:
    """The split of a function or a loop. `delegates` holds the ops of each delegate, in order."""

    def __init__(self, body: Body, npu: str, min_work: int, kernels: str = STOCK):
        self.block = body.body.block
        self.npu = npu
        self.kernels = kernels
        self.reasons: dict[Operation, str | None] = {}
        for op in self.block.ops:
            if isinstance(op, EdgeOp | CallOp | QCastOp | DCastOp):
                self.reasons[op] = npu_reason(op, npu)
        self._split()
        while self._leave_small_delegates(min_work):
            self._split()

    def _split(self) -> None:
        """Cut until no softmax is trimmed off. On the core, one may save a delegate."""
        while trimmed := self._cut():
            self.reasons.update(dict.fromkeys(trimmed, AT_THE_END))

    def _cut(self) -> list[Operation]:
        """Make the delegates; returns the trimmed ops that are not free on the core."""
        ops = [op for op in self.block.ops if not isinstance(op, ReturnOp | YieldOp)]
        self.level = levels(ops, self._sources, self._processor)
        found: dict[int, list[Operation]] = defaultdict(list)
        for op, level in self.level.items():
            if level % 2:
                found[level].append(op)
        self.delegates = {
            level: kept for level, ops in found.items() if (kept := self._trimmed(ops))
        }
        inside = self._inside()
        left = (op for ops in found.values() for op in ops if op not in inside)
        return [op for op in left if isinstance(op, SoftmaxOp)]

    def _inside(self) -> set[Operation]:
        return {op for ops in self.delegates.values() for op in ops}

    def _sources(self, op: Operation) -> list[Operation]:
        return [v.owner for v in sources_of(op) if isinstance(v.owner, Operation)]

    def _processor(self, op: Operation) -> Processor:
        if op not in self.reasons:  # a constant, or a cast
            is_constant = all(is_known(value) for value in op.results)
            return Processor.EITHER if is_constant or _has_plain_bits(op) else Processor.CPU
        if self.reasons[op] is not None:
            return Processor.CPU
        return Processor.EITHER if isinstance(op, ReshapeOp) else Processor.NPU

    def _leave_small_delegates(self, min_work: int) -> bool:
        """Leave delegates to the core that are not worth a call of the NPU, if it has kernels."""
        found = False
        for ops in self.delegates.values():
            if any(self._needs_npu(op) for op in ops if isinstance(op, EdgeOp)):
                continue
            if all(isinstance(op, MovementOp | CatOp | SCastOp) for op in ops):
                reason = ONLY_MOVES
            elif min_work and (amount := work_of(ops)) < min_work:
                reason = f"its delegate is small: {amount} operations, below {min_work}"
            else:
                continue
            found = True
            self.reasons.update(dict.fromkeys(ops, reason))
        return found

    def _needs_npu(self, op: Operation) -> bool:
        """Whether the core has no integer kernel for an op."""
        if isinstance(op, MovementOp | CatOp) and is_plain(op.results[0]):
            return False  # The portable kernels move integers too.
        return no_kernel_reason(op, self.kernels) is not None

    def _trimmed(self, ops: Sequence[Operation]) -> list[Operation]:
        """`ops` without those that are cheaper outside and not read inside; may be empty.

        On the core, a reshape or a change of type is another name for the same bytes, and a softmax
        is one kernel call.
        """
        inside = set(ops)
        for op in reversed(ops):
            cheap = isinstance(op, FREE) or (
                isinstance(op, SoftmaxOp)
                and numel(shape_of(op.output)) <= SMALL_SOFTMAX
                and not self._needs_npu(op)
            )
            # As in the rules, a requantization reads the operand of the dequantize before it.
            if cheap and not any(v.owner is op for user in inside for v in sources_of(user)):
                inside.remove(op)
        kept = [op for op in ops if op in inside]
        return kept if any(not isinstance(op, FREE) for op in kept) else []

    def reorder(self) -> None:
        """Put the ops in the order of levels; ops trimmed off a delegate come after it."""
        inside = self._inside()
        order = sorted(self.level, key=lambda op: (self.level[op], op not in inside))
        end = self.block.last_op
        assert end is not None
        for op in order:
            self.block.detach_op(op)
        self.block.insert_ops_before(order, end)


def _has_plain_bits(op: Operation) -> bool:
    """Whether an op only gives integers that the NPU has another type."""
    if not isinstance(op, SCastOp) or not numel(shape_of(op.input)):
        return False
    stored = storage_type(op.input.type)
    return isinstance(stored, TensorType) and stored.element_type in PLAIN


def _readers(value: SSAValue) -> set[Operation]:
    """The ops that read a value. A requantization reads the operand of its dequantize."""
    readers: set[Operation] = set()
    for use in value.uses:
        users = {other.operation for result in use.operation.results for other in result.uses}
        through = isinstance(use.operation, DCastOp) and all(isinstance(u, QCastOp) for u in users)
        readers |= users if through else {use.operation}
    return readers


def outline(ops: Sequence[Operation], npu: str, settings: VelaSettings) -> None:
    """Replace `ops` of one block by a delegate, placed after the last of them.

    A result that equals an operand of the delegate or another result is not yielded again.
    """
    build = RegionBuilder()
    for op in ops:
        lower(op, build)
    inside = set(ops)
    wanted = [value for op in ops for value in op.results if not _readers(value) <= inside]
    inner = {value: build.values[value] for value in wanted}
    yielded = list(dict.fromkeys(v for v in inner.values() if v.owner is not build.block))
    casts: list[Operation] = []
    outside: dict[SSAValue, SSAValue] = {
        argument: _cast(value, storage_type(value.type), casts)
        for argument, value in zip(build.block.args, build.inputs, strict=True)
    }
    build.finish(yielded)
    delegates = []
    if yielded:
        inputs = [outside[argument] for argument in build.block.args]
        delegate = DelegateOp(inputs, npu, build.block, [value.type for value in yielded])
        delegate.settings = settings
        outside.update(zip(yielded, delegate.outputs, strict=True))
        for result, value in zip(delegate.outputs, yielded, strict=True):
            result.name_hint = value.name_hint
        join_lookups(build.block)
        choose_shapes(build.block)
        delegates.append(delegate)
    new_ops = [*casts, *delegates]
    after = [_cast(outside[inner[value]], value.type, new_ops) for value in wanted]
    for new in new_ops:
        new.location = ops[0].location
    Rewriter.insert_op(new_ops, InsertPoint.after(ops[-1]))
    for value, cast in zip(wanted, after, strict=True):
        cast.name_hint = value.name_hint
        value.replace_all_uses_with(cast)
    for op in reversed(ops):
        for use in [use for value in op.results for use in value.uses]:
            Rewriter.erase_op(
                use.operation
            )  # a cast that only requantizations of the delegate read
        Rewriter.erase_op(op)


def _cast(value: SSAValue, type: Attribute, ops: list[Operation]) -> SSAValue:
    """A value as a quantized type or as its storage; itself if it has that type."""
    if value.type == type:
        return value
    ops.append(SCastOp(value, type))
    return ops[-1].results[0]


def mark_outside(partition: Partition) -> None:
    """Set on every op outside the delegates why the NPU cannot do it."""
    for op, reason in partition.reasons.items():
        is_value = any(not is_known(value) for value in op.results)
        if reason is not None and is_value and not isinstance(op, BitcastOp):  # the same bytes
            op.attributes[NPU_REASON] = StringAttr(reason)


@dataclass(frozen=True)
class DelegateToEthosUPass(ModulePass):
    """Move the ops that the NPU can do into `ethos_u.delegate` ops.

    The bound is that of each TOSA rule. The number of delegates is the smallest possible (see
    `tosa.levels`). Ops outside get `ethos_u.reason`. Delegates that would only move data stay on
    the core; with `min-work`, also those with fewer multiplications. `system-config`, `memory-mode`
    and `vela-config` are sections and a configuration file of Vela; see `VelaChoice`.
    """

    name = "delegate-to-ethos-u"

    npu: str
    min_work: int = 0
    kernels: str = STOCK
    system_config: str = ""
    memory_mode: str = ""
    vela_config: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if (reason := why_not(tosa.ConstShapeOp.of([]), self.npu)) is not None:
            raise CompileError(reason)
        settings = self._settings()
        for body in bodies(op):
            partition = Partition(body, self.npu, self.min_work, self.kernels)
            mark_outside(partition)
            partition.reorder()
            # The last one first: rules look for ranges in the ops before, in other delegates too.
            for level in sorted(partition.delegates, reverse=True):
                outline(partition.delegates[level], self.npu, settings)

    def _settings(self) -> VelaSettings:
        choice = VelaChoice(
            self.system_config or None, self.memory_mode or None, self.vela_config or None
        )
        if not choice.options:
            return VelaSettings()
        if self.npu not in NPUS:
            raise unknown_name("NPU", self.npu, NPUS)
        return choice.settings(NPUS[self.npu])
