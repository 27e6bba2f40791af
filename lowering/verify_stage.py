"""What each stage may contain, and the check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, NoneAttr, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from cmopt.dialects.constants import is_constant
from cmopt.dialects.cortex_m import place_of
from cmopt.dialects.edge import (
    DimOrderAttr,
    EdgeOp,
    ScanOp,
    ToDimOrderOp,
)
from cmopt.dialects.quant import DCastOp, QCastOp, quantized_element
from cmopt.lowering.kernel_form import other_form
from cmopt.lowering.legality import no_kernel_reason, why_not_delegated
from cmopt.support.diagnostics import CompileError
from cmopt.support.names import unknown_name
from cmopt.support.targets import STOCK

_COMMON = frozenset({"builtin.module", "func.func", "func.return", "arith.constant"})
DELEGATE = "ethos_u.delegate"
_LOOPS = frozenset({"edge.scan", "edge.yield"})
_KERNELS = frozenset({"cortex_m", "cmopt"})
_QUANT = frozenset({"quant.qcast", "quant.dcast", "quant.scast"})


def _values(op: Operation) -> list[SSAValue]:
    if isinstance(op, FuncOp):
        return [argument for block in op.body.blocks for argument in block.args]
    arguments = op.body.block.args if isinstance(op, ScanOp) else ()
    return [*op.operands, *op.results, *arguments]


def _has_kernel(op: Operation, npu: str, kernels: str) -> str | None:
    """A quantized op has an integer kernel or can be delegated: no others are left."""
    if not isinstance(op, EdgeOp) or quantized_element(op.results[0].type) is None:
        return None
    reason = no_kernel_reason(op, kernels)
    return None if reason is None or why_not_delegated(op, npu) is None else reason


def _is_physical(op: Operation, npu: str, kernels: str) -> str | None:
    """Everything is row-major, and quantized ops have the form of their kernels."""
    if isinstance(op, ToDimOrderOp):
        return "a memory order is left"
    for value in _values(op):
        if isinstance(value.type, TensorType) and isinstance(value.type.encoding, DimOrderAttr):
            return f"{value.type} is not row-major"
    return other_form(op)


def _is_storage(op: Operation, npu: str, kernels: str) -> str | None:
    """No type is quantized."""
    for value in _values(op):
        if quantized_element(value.type) is not None:
            return f"{value.type} is still a quantized type"
    return None


def _is_placed(op: Operation, npu: str, kernels: str) -> str | None:
    """Every value except a constant has a place."""
    for value in _values(op):
        if place_of(value) is None and not is_constant(value):
            return f"{value.type} has no place"
    return None


def _is_not_placed(op: Operation, npu: str, kernels: str) -> str | None:
    """No value has a place."""
    for value in _values(op):
        encoding = value.type.encoding if isinstance(value.type, TensorType) else NoneAttr()
        if not isinstance(encoding, NoneAttr | DimOrderAttr):
            return f"{value.type} already has a place"
    return None


Rule = Callable[[Operation, str, str], str | None]
"""Takes an op, the target's NPU ("" for none) and the operator library; returns what is wrong, or
None."""


@dataclass(frozen=True)
class Stage:
    """The dialects and ops that a stage may contain, and the rules for each op.

    A stage of the dialect `edge` may also contain ops of plug-ins that derive from `EdgeOp`.
    """

    dialects: frozenset[str]
    ops: frozenset[str]
    rules: tuple[Rule, ...]


STAGES: dict[str, Stage] = {
    "edge": Stage(frozenset({"edge"}), _COMMON | _QUANT, (_is_not_placed,)),
    "quantized": Stage(frozenset({"edge"}), _COMMON | _QUANT, (_is_not_placed, _has_kernel)),
    "layout": Stage(
        frozenset({"edge"}), _COMMON | _QUANT, (_is_not_placed, _has_kernel, _is_physical)
    ),
    "ethos_u": Stage(
        frozenset({"edge"}),
        _COMMON | _QUANT | {DELEGATE},
        (_is_not_placed, _has_kernel, _is_physical),
    ),
    "cortex_m": Stage(
        frozenset({"cortex_m", "cmopt"}),
        _COMMON | _LOOPS | {"edge.call", DELEGATE},
        (_is_not_placed, _is_storage),
    ),
    "planned": Stage(
        frozenset({"cortex_m", "cmopt"}),
        _COMMON | _LOOPS | {"edge.call", DELEGATE},
        (_is_storage, _is_placed),
    ),
}


def _outside_delegates(module: ModuleOp) -> Iterator[Operation]:
    """Every op outside the regions of delegates, which the delegates' verifier checks."""
    yield module
    for func in module.body.block.ops:
        yield func
        yield from _inside(func)


def _inside(op: Operation) -> Iterator[Operation]:
    """Every op in the regions of an op, and in those of its loops."""
    for region in op.regions:
        for block in region.blocks:
            for inner in block.ops:
                yield inner
                if isinstance(inner, ScanOp):
                    yield from _inside(inner)


def _belongs(op: Operation, stage: Stage) -> bool:
    """Whether a stage may contain an op of this kind."""
    if op.name in stage.ops or op.name.split(".")[0] in stage.dialects:
        return True
    return "edge" in stage.dialects and isinstance(op, EdgeOp)


def _misplaced(op: Operation, stage: str) -> CompileError:
    """The error for an op that a stage may not contain."""
    if isinstance(op, QCastOp | DCastOp):
        type = op.output.type if isinstance(op, QCastOp) else op.input.type
        element = quantized_element(type)
        if element is not None and (element.is_per_axis or element.storage.width.data > 16):
            hint = "kernels quantize per tensor, to 8 or 16 bits"
            return CompileError(f"has no kernel for {type} at run time", op=op, hint=hint)
    return CompileError(f"does not belong to stage {stage}", op=op)


def check_stage(module: ModuleOp, name: str, npu: str = "", kernels: str = STOCK) -> None:
    """Raise CompileError for the first op that does not belong to a stage, or an unknown stage."""
    if name not in STAGES:
        raise unknown_name("stage", name, STAGES)
    stage = STAGES[name]
    for inner in _outside_delegates(module):
        if not _belongs(inner, stage):
            raise _misplaced(inner, name)
        for rule in stage.rules:
            if (problem := rule(inner, npu, kernels)) is not None:
                raise CompileError(f"does not fit stage {name}: {problem}", op=inner)


@dataclass(frozen=True)
class VerifyStagePass(ModulePass):
    """Check that a module contains only what `stage` may contain; changes nothing.

    With `npu`, quantized ops without a kernel may stay if the NPU can do them. `kernels` is the
    operator library of the core.
    """

    name = "verify-stage"

    stage: str
    npu: str = ""
    kernels: str = STOCK

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        check_stage(op, self.stage, self.npu, self.kernels)


def stage_of(module: ModuleOp, npu: str = "", kernels: str = STOCK) -> str:
    """The stage that IR belongs to: the last one whose contract it keeps.

    IR without an op on quantized types is of stage "edge", and only IR with a delegate is of stage
    "ethos_u". Raises CompileError, that of stage "edge", if it belongs to none.
    """
    ops = list(module.walk())
    names = {op.name for op in ops}
    if any(place_of(value) is not None for op in ops for value in op.results):
        return "planned"
    if any(name.startswith(("cortex_m.", "cmopt.")) for name in names):
        return "cortex_m"
    if DELEGATE in names:
        return "ethos_u"
    quantized = (
        quantized_element(value.type) is not None
        for op in ops
        if isinstance(op, EdgeOp)
        for value in op.results
    )
    if any(quantized):
        for stage in ("layout", "quantized"):
            try:
                check_stage(module, stage, npu, kernels)
            except CompileError:
                continue
            return stage
    check_stage(module, "edge", npu, kernels)
    return "edge"
