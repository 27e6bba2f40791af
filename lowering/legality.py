"""Which `edge` ops on quantized tensors a target can do, and why it cannot do the others.

Decided by trial: the op's rule lowers it, and the result is thrown away. An answer depends only on
the op's types, properties and constants, and is cached.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from xdsl.dialects.builtin import StringAttr, f32
from xdsl.ir import Operation, SSAValue

from cmopt.dialects.constants import constant_of
from cmopt.dialects.edge import CallOp, CatOp, EdgeOp, MovementOp, ToDimOrderOp
from cmopt.dialects.ethos_u import why_not
from cmopt.dialects.program import NPU_REASON
from cmopt.dialects.quant import DCastOp, QCastOp, quantized_element
from cmopt.dialects.shapes import element_of
from cmopt.lowering.cortex_m.rules import kernel_builder
from cmopt.lowering.kernel_form import in_kernel_form
from cmopt.lowering.plain_integers import is_plain, range_of
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.tosa.builder import RegionBuilder
from cmopt.lowering.tosa.rules import lower
from cmopt.support.targets import STOCK, Isa

MOST_ANSWERS = 10_000
"""The number of cached answers; beyond it, all are dropped."""

_answers: dict[tuple[Any, ...], str | None] = {}


def no_kernel_reason(op: Operation, kernels: str = STOCK) -> str | None:
    """Why an `edge` op on quantized tensors has no integer kernel on the core; None if it has one.

    kernels: the operator library. The answer is the same for all instruction sets. An op that stage
    layout will rewrite is tried in the form it will have.
    """
    if isinstance(op, ToDimOrderOp):
        return None  # `materialize-dim-order` makes permutes of it.
    return _answered(op, f"core:{kernels}", lambda op: _no_kernel(op, kernels))


def npu_reason(op: Operation, npu: str) -> str | None:
    """Why an op on quantized tensors cannot run on an NPU; None if it can."""
    if isinstance(op, QCastOp | DCastOp) and not _is_requantization(op):
        return "converts between float and integers; the NPU has integers only"
    is_quantized = bool(op.results) and quantized_element(op.results[0].type) is not None
    if is_quantized or isinstance(op, CallOp) or _moves_plain_integers(op):
        return _answered(op, npu, lambda op: _not_in_tosa(op, npu))
    return _reason_without_quantization(op)


def why_not_delegated(op: Operation, npu: str) -> str | None:
    """As `npu_reason`; `npu` may be empty: there is no NPU.

    A window op that is still NCHW is tried in the form it will have.
    """
    if not npu:
        return "there is no NPU"
    return _on_kernel_form(op, lambda twin: npu_reason(twin, npu))


def _no_kernel(op: Operation, kernels: str) -> str | None:
    def trial(op: Operation) -> str | None:
        build = kernel_builder(Isa.MVE, kernels)
        try:
            build.lower(op)
        except Unsupported as error:
            return str(error)
        finally:
            build.forget(0)
        return None

    return _on_kernel_form(op, trial)


def _not_in_tosa(op: Operation, npu: str) -> str | None:
    build = RegionBuilder()
    try:
        lower(op, build)
    except Unsupported as error:
        return str(error)
    finally:
        parts = list(build.block.ops)
    return next((reason for part in parts if (reason := why_not(part, npu)) is not None), None)


def _on_kernel_form(op: Operation, ask: Callable[[Operation], str | None]) -> str | None:
    twin = in_kernel_form(op) if isinstance(op, EdgeOp) else op
    try:
        return ask(twin)
    finally:
        if twin is not op:
            twin.drop_all_references()


def _reason_without_quantization(op: Operation) -> str:
    """The reason found when the op was expanded to float, else the type in which it computes."""
    if isinstance(found := op.attributes.get(NPU_REASON), StringAttr):
        return found.data
    elements = {element_of(value) for value in op.results}
    if elements <= {f32}:
        return "computes in float"
    return f"computes in {', '.join(sorted(map(str, elements)))}, which is not quantized"


def _moves_plain_integers(op: Operation) -> bool:
    return isinstance(op, MovementOp | CatOp) and all(
        is_plain(value) for value in (*op.operands, *op.results)
    )


def _is_requantization(op: Operation) -> bool:
    return isinstance(op, QCastOp) and isinstance(op.input.owner, DCastOp)


def _answered(op: Operation, target: str, ask: Callable[[Operation], str | None]) -> str | None:
    key = (target, *_key(op))
    if key not in _answers:
        if len(_answers) >= MOST_ANSWERS:
            _answers.clear()
        _answers[key] = ask(op)
    return _answers[key]


def _key(op: Operation) -> tuple[Any, ...]:
    """All that a rule may read: kind, types, properties, constants, and equal operands.

    A rule for a call may also read the ranges of plain integers.
    """
    places: dict[SSAValue, int] = {}
    operands = [(places.setdefault(v, len(places)), _operand_key(v)) for v in op.operands]
    if isinstance(op, CallOp):
        operands += [(i, range_of(v)) for i, v in enumerate(op.operands) if is_plain(v)]
    properties = sorted(op.properties.items(), key=lambda entry: entry[0])
    bodies = [str(region) for region in op.regions]
    return op.name, *operands, *properties, *bodies, *(value.type for value in op.results)


def _operand_key(value: SSAValue) -> tuple[Any, ...]:
    if isinstance(value.owner, DCastOp):
        return "dequantized", value.owner.input.type
    if (array := constant_of(value)) is None:
        return (value.type,)
    return value.type, hashlib.blake2b(array.tobytes(), digest_size=16).digest()
