"""Whole regions: random chains of `tosa` ops, compared with the reference model, and printed."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import BoolAttr, IntegerAttr, ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import SSAValue

from cmopt.dialects import tosa
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.parsing import make_context, parse_module
from cmopt.dialects.shapes import ints, permuted, shape_of
from cmopt.interpreters.run import run_module
from cmopt.support.printing import module_to_text

sys.path.insert(0, str(Path(__file__).parents[1]))
from tosa_programs import I8, I32, Program, arrays, numbers

Step = Callable[[Program, SSAValue, Any], SSAValue]
"""Appends ops to an int8 value of rank 4. Returns another such value."""


def to(program: Program, value: SSAValue, source: Any, target: Any, shift: int,
       zeros: tuple[int, int], channels: int = 0, draw: Any = None) -> SSAValue:  # fmt: skip
    """RESCALE by 2^(30 - shift); per channel, by up to twice that."""
    count = channels or 1
    factor = np.full(count, 1 << 30)
    if channels:
        factor = draw(arrays((channels,), I32, 1 << 30, (1 << 31) - 1))
    operands = [
        value,
        program.const(factor, I32),
        program.const(np.full(count, shift), I8),
        program.const(zeros[0], source),
        program.const(zeros[1], target),
    ]
    yes, no = BoolAttr.from_bool(True), BoolAttr.from_bool(False)
    return program.op(
        tosa.RescaleOp, operands, target, shape_of(value), scale32=yes,
        per_channel=yes if channels else no, input_unsigned=no, output_unsigned=no,
        rounding_mode=tosa.RoundingModeAttr(tosa.RoundingMode.SINGLE_ROUND),
    )  # fmt: skip


def convolution(program: Program, value: SSAValue, draw: Any) -> SSAValue:
    """A padded 3×3 convolution to 1–4 channels, rescaled per channel."""
    (n, h, w, c), out = shape_of(value), draw(st.integers(1, 4))
    operands = [
        value,
        program.const(draw(arrays((out, 3, 3, c), I8)), I8),
        program.const(draw(arrays((out,), I32, -100000, 100000)), I32),
        program.const(draw(numbers(-128, 127)), I8),
        program.const(0, I8),
    ]
    ones, pad = ints((1, 1)), ints((1, 1, 1, 1))
    acc = program.op(
        tosa.Conv2DOp, operands, I32, (n, h, w, out), acc_type=I32, stride=ones, dilation=ones,
        pad=pad,
    )  # fmt: skip
    return to(program, acc, I32, I8, 40, (0, draw(numbers(-128, 127))), out, draw)


def sum_with_itself(program: Program, value: SSAValue, draw: Any) -> SSAValue:
    """A quantized sum: widen, ADD, narrow."""
    zero = draw(numbers(-128, 127))
    wide = to(program, value, I8, I32, 12, (zero, 0))
    total = program.op(tosa.AddOp, [wide, wide], I32, shape_of(value))
    return to(program, total, I32, I8, 48, (0, zero))


def product_with_itself(program: Program, value: SSAValue, draw: Any) -> SSAValue:
    """An int8 product in int32, narrowed."""
    operands = [value, value, program.const(0, I8)]
    return to(program, program.op(tosa.MulOp, operands, I32, shape_of(value)), I32, I8, 37, (0, 0))


def table(program: Program, value: SSAValue, draw: Any) -> SSAValue:
    """A table of random entries."""
    entries = program.const(draw(arrays((256,), I8)), I8)
    return program.op(tosa.TableOp, [value, entries], I8, shape_of(value))


def clamp(program: Program, value: SSAValue, draw: Any) -> SSAValue:
    """A clamp to a part of the range."""
    low, high = sorted((draw(numbers(-128, 127)), draw(numbers(-128, 127))))
    bounds = {"min_val": IntegerAttr(low, I8), "max_val": IntegerAttr(high, I8)}
    return program.op(tosa.ClampOp, [value], I8, shape_of(value), **bounds)


def pool(program: Program, value: SSAValue, draw: Any) -> SSAValue:
    """A padded 3×3 average or max pool."""
    sizes = {"kernel": ints((3, 3)), "stride": ints((1, 1)), "pad": ints((1, 1, 1, 1))}
    if draw(st.booleans()):
        return program.op(tosa.MaxPool2DOp, [value], I8, shape_of(value), **sizes)
    zeros = [program.const(draw(numbers(-128, 127)), I8) for _ in range(2)]
    return program.op(tosa.AvgPool2DOp, [value, *zeros], I8, shape_of(value), acc_type=I32, **sizes)


def transpose(program: Program, value: SSAValue, draw: Any) -> SSAValue:
    """Any permutation."""
    perms = draw(st.permutations(range(4)))
    shape = permuted(shape_of(value), perms)
    return program.op(tosa.TransposeOp, [value], I8, shape, perms=tosa.ints32(perms))


def doubled(program: Program, value: SSAValue, draw: Any) -> SSAValue:
    """The value joined with its reverse, then a half of the result."""
    axis = draw(st.integers(0, 3))
    attr, shape = IntegerAttr(axis, I32), shape_of(value)
    turned = program.op(tosa.ReverseOp, [value], I8, shape, axis=attr)
    joined = (*shape[:axis], 2 * shape[axis], *shape[axis + 1 :])
    both = program.op(tosa.ConcatOp, [value, turned], I8, joined, axis=attr)
    first = [shape[axis] // 2 if d == axis else 0 for d in range(4)]
    operands = [both, program.sizes(*first), program.sizes(*shape)]
    return program.op(tosa.SliceOp, operands, I8, shape)


def flattened(program: Program, value: SSAValue, draw: Any) -> SSAValue:
    """The sums along the last dimension, reshaped to a row and back to rank 4."""
    shape = shape_of(value)
    wide = to(program, value, I8, I32, 30, (0, 0))
    axis = IntegerAttr(3, I32)
    sums = program.op(tosa.ReduceSumOp, [wide], I32, (*shape[:3], 1), axis=axis)
    narrow = to(program, sums, I32, I8, 31, (0, draw(numbers(-128, 127))))
    count = shape[0] * shape[1] * shape[2]
    row = program.op(tosa.ReshapeOp, [narrow, program.sizes(count)], I8, (count,))
    return program.op(tosa.ReshapeOp, [row, program.sizes(1, 1, count, 1)], I8, (1, 1, count, 1))


STEPS: list[Step] = [
    convolution, sum_with_itself, product_with_itself, table, clamp, pool, transpose, doubled,
    flattened,
]  # fmt: skip


def chain(draw: Any) -> tuple[Program, list[SSAValue]]:
    """3 to 8 steps. The results are the last value and, often, an earlier one."""
    program = Program()
    shape = draw(st.tuples(*[st.integers(1, 4)] * 4))
    value = program.input(draw(arrays(shape, I8)), I8)
    values = []
    for step in draw(st.lists(st.sampled_from(STEPS), min_size=3, max_size=8)):
        value = step(program, value, draw)
        values.append(value)
    other = draw(st.sampled_from(values))
    return program, [value] if other is value else [value, other]


@given(data=st.data())
def test_chains(data: st.DataObject) -> None:
    program, results = chain(data.draw)
    assert program.agrees(*results)
    text = module_to_text(program.module)
    again = run_module(parse_module(make_context(), text), program.values)
    for ours, theirs in zip(again, run_module(program.module, program.values), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("step", STEPS)
@given(data=st.data())
def test_every_step(step: Step, data: st.DataObject) -> None:
    program = Program()
    value = program.input(data.draw(arrays((1, 4, 3, 2), I8)), I8)
    assert program.agrees(step(program, value, data.draw))


def mlir_accepts(text: str) -> None:
    """Check that MLIR's own tool accepts the text as TOSA 1.0, integer profile, level 8K."""
    files = importlib.metadata.files("tosa-tools") or []
    tool = next(file.locate() for file in files if file.name == "tosa-opt")
    target = "profiles=pro_int extensions=int16 level=8k specification_version=1.0"
    result = subprocess.run(
        [str(tool), f"--tosa-attach-target={target}", "--tosa-validate=strict-op-spec-alignment"],
        input=text, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


def as_function(op: DelegateOp) -> str:
    """The text of a function made of the region."""
    body = op.clone().detach_region(0)
    end = body.block.last_op
    assert end is not None
    body.block.insert_op_before(ReturnOp(*end.operands), end)
    end.detach()
    end.erase()
    types = ([v.type for v in op.inputs], [v.type for v in op.outputs])
    return module_to_text(ModuleOp([FuncOp("region", types, body)]))


def test_every_op_is_spelled_as_in_mlir() -> None:
    file = Path(__file__).parents[2] / "lit" / "dialects" / "tosa" / "ops.mlir"
    module = parse_module(make_context(), file.read_text())
    used = {op.name for op in module.walk() if op.name.startswith("tosa.")}
    assert used == {op.name for op in tosa.Tosa.operations}
    mlir_accepts(module_to_text(module))
    mlir_accepts(file.read_text())


@pytest.mark.parametrize("step", STEPS)
@settings(max_examples=3)
@given(data=st.data())
def test_regions_are_valid_for_mlir(step: Step, data: st.DataObject) -> None:
    program = Program()
    value = program.input(data.draw(arrays((1, 4, 3, 2), I8)), I8)
    program.finish(step(program, value, data.draw))
    mlir_accepts(as_function(program.delegate))


def test_mlir_would_say_what_is_wrong() -> None:
    op = "%0 = tosa.reverse %x {axis = 1 : i32} : (tensor<4xi8>) -> tensor<4xi8>"
    text = f"func.func @f(%x: tensor<4xi8>) {{ {op} return }}"
    with pytest.raises(AssertionError, match="axis"):
        mlir_accepts(text)
