"""Emission: each `cortex_m` op computes its meaning, as a plan and as a program file."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from executorch.exir._serialize._program import deserialize_pte_binary
from executorch.exir.schema import Tensor

from cmopt.codegen.emit_pte import emit_pte
from cmopt.codegen.operator_schemas import cortex_m_schemas
from cmopt.dialects.cortex_m import KERNEL_OPS, KernelOp
from cmopt.interpreters.run import run_module
from cmopt.pipeline.runtime import HostProgram

sys.path.insert(0, str(Path(__file__).parents[1]))
from op_programs import PROGRAMS, QPARAMS, module_of, planned, random_inputs


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_every_op_computes_what_it_means(name: str) -> None:
    """The file in ExecuTorch's runtime, and the plan in the interpreter, give the same bytes."""
    module = planned(PROGRAMS[name])
    program = HostProgram(emit_pte(module).pte)
    random = np.random.default_rng(0)
    for _ in range(3):
        inputs = random_inputs(module, random)
        (expected,) = run_module(module, inputs)
        (actual,) = program.run([torch.from_numpy(x) for x in inputs])
        assert actual.numpy().tobytes() == expected.tobytes()
        assert tuple(actual.shape) == expected.shape


def test_every_kernel_op_is_in_the_table() -> None:
    text = "\n".join(PROGRAMS.values())
    assert [op.name for op in KERNEL_OPS if f"{op.name} " not in text] == []


def test_kernel_ops_are_the_operators_of_the_installed_executorch() -> None:
    """There is one op for each operator. A `_nhwc` operator is the same op with another view."""
    theirs = {name for name in cortex_m_schemas() if not name.endswith("_nhwc.out")}
    assert {f"cortex_m::{op.name.partition('.')[2]}.out" for op in KERNEL_OPS} == theirs


@pytest.mark.parametrize("op", KERNEL_OPS, ids=lambda op: op.name)
def test_arguments_of_an_operator_are_operands_and_properties(op: type[KernelOp]) -> None:
    """They have the same names, and there are no others."""
    definition = op.get_irdl_definition()
    fields = {name for name, _ in definition.operands} | set(definition.properties)
    (schema,) = (s for s in cortex_m_schemas().values() if s.name == op.name.replace(".", "::"))
    names = {"input" if a.name == "self" else a.name for a in schema.inputs}
    assert names - {"dtype"} == fields - {"operandSegmentSizes"}


def test_equal_values_are_shared() -> None:
    """Two quantize ops of equal parameters share every scalar. Each tensor view exists once."""
    body = (
        f"%a = cortex_m.quantize_per_tensor %x {{{QPARAMS}}} : (tensor<64xf32>) -> tensor<64xi8>\n"
        f"%b = cortex_m.quantize_per_tensor %z {{{QPARAMS}}} : (tensor<64xf32>) -> tensor<64xi8>\n"
        "%y = cortex_m.maximum %a, %b : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>"
    )
    module = planned(module_of("%x: tensor<64xf32>, %z: tensor<64xf32>", body, "tensor<64xi8>"))
    plan = deserialize_pte_binary(emit_pte(module).pte).program.execution_plan[0]
    scalars = [v.val for v in plan.values if not isinstance(v.val, Tensor)]
    assert len(scalars) == len({repr(v) for v in scalars}) == 5
    tensors = [repr(v.val) for v in plan.values if isinstance(v.val, Tensor)]
    assert len(tensors) == len(set(tensors))
    assert len(plan.operators) == 2
