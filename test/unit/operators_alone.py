"""Each op of a network by itself, before and after its conversion to kernels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from xdsl.dialects.builtin import FunctionType, ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region

from cmopt.dialects.constants import constant_of
from cmopt.dialects.edge import EdgeOp, ReshapeOp
from cmopt.dialects.parsing import make_context
from cmopt.dialects.program import main_function
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import shape_of
from cmopt.pipeline.interpreting import interpret
from cmopt.pipeline.passes import parse_pipeline, run_passes

EXACT = {"edge.max_pool2d", "edge.permute", "edge.slice", "edge.cat", "edge.take", "edge.pad"}

TO_CORTEX_M = "convert-edge-to-cortex-m,canonicalize,verify-stage{stage=cortex_m}"
TO_ETHOS_U = 'delegate-to-ethos-u{npu="ethos-u55-128"},canonicalize,verify-stage{stage=ethos_u}'


def operators_alone(module: ModuleOp) -> Iterator[tuple[Operation, ModuleOp]]:
    """Each op that computes a quantized value, alone in a function.

    The function's arguments are the op's computed operands. Constants are copied into it.
    """
    for op in main_function(module).body.block.ops:
        if not isinstance(op, EdgeOp) or isinstance(op, ReshapeOp):
            continue
        if quantized_element(op.results[0].type) is None:
            continue
        computed = [v for v in op.operands if constant_of(v) is None]
        block = Block(arg_types=[v.type for v in computed])
        mapping = dict(zip(computed, block.args, strict=True))
        for value in op.operands:
            if value not in mapping:
                constant, cast = value.owner.operands[0].owner, value.owner
                block.add_ops([constant.clone(mapping), cast.clone(mapping)])
        block.add_ops([copy := op.clone(mapping), ReturnOp(copy.results[0])])
        type = FunctionType.from_lists([v.type for v in computed], [op.results[0].type])
        yield op, ModuleOp([FuncOp("forward", type, Region(block))])


def check_bounds(module: ModuleOp, conversion: str = TO_CORTEX_M) -> int:
    """Check each op on random bytes: at most one step of error. Returns the number of ops."""
    random, count = np.random.default_rng(0), 0
    for op, alone in operators_alone(module):
        types = [a.type for a in main_function(alone).body.block.args]
        inputs: list[Any] = [random.integers(-128, 128, shape_of(t)).astype(np.int8) for t in types]
        (expected,) = interpret(alone, inputs)
        run_passes(make_context(), alone, parse_pipeline(conversion))
        (actual,) = interpret(alone, inputs)
        steps = np.abs(actual.astype(int) - expected.astype(int)).max()
        assert steps <= (0 if op.name in EXACT else 1), op.name
        count += 1
    return count
