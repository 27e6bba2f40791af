"""Whole networks on an Ethos-U: one delegate, its figures, and its bytes."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
import torch

import cmopt
from cmopt.dialects.arrays import Array
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.program import main_function, terminator, update
from cmopt.pipeline.interpreting import as_arrays, interpret

sys.path.insert(0, str(Path(__file__).parents[2]))
from models import MODELS

sys.path.insert(0, str(Path(__file__).parents[1]))
from operators_alone import TO_ETHOS_U, check_bounds
from tosa_programs import reference

Call: TypeAlias = tuple[DelegateOp, list[Array], list[Array]]

TARGET = "cortex-m55+ethos-u55-128"
CONVNEXT = ("convnext_bn_relu", "convnext_bn_gelu", "convnext_ln_relu", "convnext_ln_gelu")
TINY = ("deep_autoencoder", "ds_cnn", "mobilenet_v1", "resnet8")
NETWORKS = (*TINY, "mobilenet_v2", *CONVNEXT)

# Vela's cycles, and bytes of the file. ExecuTorch 1.5.1 has, from its own quantizer: autoencoder
# 281,504 and 284,752; DS-CNN 108,161 and 37,584 in two delegates; MobileNetV1 452,372 and 246,800;
# ResNet8 222,878 and 88,480; MobileNetV2 10,234,163 and 3,681,088.
FIGURES = {
    "deep_autoencoder": (268_800, 271_600),
    "ds_cnn": (107_189, 33_600),
    "mobilenet_v1": (442_004, 244_400),
    "resnet8": (221_726, 87_312),
    "mobilenet_v2": (10_177_715, 3_676_100),
}


@cache
def compiled(name: str) -> cmopt.Program:
    batches = MODELS[name].inputs(2)
    exported = cmopt.quantize(MODELS[name].module(), batches[0], calibration=batches, target=TARGET)
    return cmopt.compile(exported, target=TARGET)


@pytest.mark.parametrize("name", NETWORKS)
def test_is_one_delegate_between_quantize_and_dequantize(name: str) -> None:
    report = compiled(name).report
    assert report.ops == {
        "cortex_m.quantize_per_tensor": 1,
        "ethos_u.delegate": 1,
        "cortex_m.dequantize_per_tensor": 1,
    }
    assert {out.op for out in report.outside} == {"quant.qcast", "quant.dcast"}
    assert report.arena_bytes == report.arena_bound


@pytest.mark.parametrize("name", FIGURES)
def test_figures(name: str) -> None:
    cycles, size = FIGURES[name]
    report = compiled(name).report
    assert report.npu_cycles <= cycles
    assert report.pte_bytes <= size


def calls_of(program: cmopt.Program, inputs: tuple[torch.Tensor, ...]) -> list[Call]:
    """Each delegate with its operands and results in the interpreter."""
    module = program.module("ethos_u").clone()
    func = main_function(module)
    end = terminator(func)
    delegates = [op for op in func.body.block.ops if isinstance(op, DelegateOp)]
    values = [value for op in delegates for value in (*op.inputs, *op.outputs)]
    end.operands = values
    func.res_attrs = None
    update(func)
    arrays = iter(interpret(module, as_arrays(inputs)))
    return [(op, [next(arrays) for _ in op.inputs], [next(arrays) for _ in op.outputs])
            for op in delegates]  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_equals_the_reference_model(name: str) -> None:
    """The operands are those that the network computes from its own input."""
    ((delegate, inputs, meant),) = calls_of(compiled(name), MODELS[name].inputs(1, seed=7)[0])
    outputs = reference(delegate, inputs)
    assert outputs is not None
    for got, wanted in zip(outputs, meant, strict=True):
        assert np.array_equal(got, wanted)


@pytest.mark.parametrize("name", NETWORKS)
def test_planned_bytes_are_the_interpreters(name: str) -> None:
    program = compiled(name)
    inputs = MODELS[name].inputs(1, seed=8)[0]
    values = [program.interpret(*inputs, stage=stage) for stage in ("cortex_m", "planned")]
    for planned, meant in zip(*values, strict=True):
        assert torch.equal(planned, meant)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_op_keeps_its_bound(name: str) -> None:
    """At most one step for each op and none for movement. (In a whole network errors grow.)"""
    assert check_bounds(compiled(name).module("layout"), TO_ETHOS_U) > 5
