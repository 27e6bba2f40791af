"""Legality is trial lowering: it changes nothing, and says what is missing."""

from __future__ import annotations

import pytest
from xdsl.dialects.builtin import (
    FunctionType,
    IntegerAttr,
    ModuleOp,
    StringAttr,
    TensorType,
    i8,
    i64,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region
from xdsl.irdl import irdl_op_definition

from cmopt.dialects.edge import AddOp, BinaryOp, EdgeOp, MeanOp, SoftmaxOp
from cmopt.dialects.parsing import make_context
from cmopt.dialects.program import REASON
from cmopt.dialects.quant import UniformQuantizedType
from cmopt.lowering import legality
from cmopt.lowering.legality import no_kernel_reason, npu_reason, why_not_delegated
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.support.printing import module_to_text

NPU = "ethos-u55-128"
INT8_OF_ONE = TensorType(UniformQuantizedType.get(i8, 0.5), [1, 3, 4])
INT8 = TensorType(UniformQuantizedType.get(i8, 0.5), [2, 3, 4])


@irdl_op_definition
class HypotOp(BinaryOp):
    """An operator without a rule."""

    name = "edge.hypot"


def program(kind: type[BinaryOp]) -> tuple[ModuleOp, Operation]:
    """A function of two int8 tensors that applies an op, and the op."""
    block = Block(arg_types=[INT8, INT8])
    op = kind(list(block.args), INT8)
    block.add_ops([op, ReturnOp(op.output)])
    type = FunctionType.from_lists([INT8, INT8], [INT8])
    return ModuleOp([FuncOp("forward", type, Region(block))]), op


def test_an_op_without_a_rule_is_named() -> None:
    _, op = program(HypotOp)
    assert no_kernel_reason(op) == "no integer kernel for hypot"
    assert npu_reason(op, NPU) == "edge.hypot has no form in TOSA"


def test_it_falls_back_to_float_with_that_reason() -> None:
    module, _ = program(HypotOp)
    run_passes(make_context(), module, parse_pipeline("fall-back-to-float"), verify_each=False)
    (op,) = (op for op in module.walk() if isinstance(op, HypotOp))
    assert op.attributes[REASON] == StringAttr("no integer kernel for hypot")


def test_a_trial_changes_nothing() -> None:
    module, op = program(AddOp)
    before = module_to_text(module)
    assert no_kernel_reason(op) is None
    assert why_not_delegated(op, NPU) is None
    assert module_to_text(module) == before
    assert all(len(list(value.uses)) == 1 for value in op.operands)


def test_an_op_is_asked_for_in_the_form_that_its_kernel_takes() -> None:
    block = Block(arg_types=[INT8])
    op = SoftmaxOp([block.args[0]], INT8, {"dim": IntegerAttr(1, i64)})
    assert no_kernel_reason(op) is None
    assert why_not_delegated(op, NPU) is None


def test_a_trial_that_fails_leaves_no_reader() -> None:
    """The parts of a mean read its operand; the pool's accumulator may overflow."""
    tiny = TensorType(UniformQuantizedType.get(i8, 1e-30), [1, 3, 1])
    block = Block(arg_types=[INT8_OF_ONE])
    op = MeanOp.of(block.args[0], [2], tiny.element_type)
    assert no_kernel_reason(op) is not None
    assert [use.operation for use in block.args[0].uses] == [op]


def test_an_answer_is_kept_for_equal_ops(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Operation] = []
    builder = legality.kernel_builder

    def counted(*args: object) -> object:
        asked.append(op)
        return builder(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(legality, "kernel_builder", counted)
    legality._answers.clear()
    for _ in range(3):
        _, op = program(AddOp)
        assert no_kernel_reason(op) is None
    assert len(asked) == 1
    assert isinstance(op, EdgeOp)
