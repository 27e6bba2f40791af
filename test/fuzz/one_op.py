"""Every kernel alone: one op of the layout stage, before and after its conversion."""

from __future__ import annotations

import numpy as np
from meaning import difference, kernel_bound
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import FunctionType, ModuleOp, TensorType
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region, SSAValue

from cmopt.dialects import edge
from cmopt.dialects.arrays import Array, dequantize, numpy_dtype
from cmopt.dialects.edge import is_nhwc
from cmopt.dialects.parsing import make_context
from cmopt.dialects.quant import SCastOp, quantized_element
from cmopt.dialects.shapes import shape_of
from cmopt.lowering.legality import no_kernel_reason
from cmopt.pipeline.interpreting import interpret
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.support.printing import module_to_text

WindowOp = edge.Conv2dOp | edge.AvgPool2dOp | edge.MaxPool2dOp
EXACT = edge.PermuteOp | edge.ReshapeOp | edge.SliceOp | edge.CatOp | edge.MaxPool2dOp


def alone(op: Operation) -> ModuleOp:
    """A module of one function that computes `op`. Its arguments are the run-time operands."""
    block = Block()
    values: dict[SSAValue, SSAValue] = {}

    def constant(value: SSAValue) -> bool:
        owner = value.owner
        if isinstance(owner, SCastOp):
            return constant(owner.input)
        return isinstance(owner, ConstantOp)

    def given(value: SSAValue) -> SSAValue:
        if value not in values:
            if constant(value):
                assert isinstance(value.owner, Operation)
                for operand in value.owner.operands:
                    given(operand)
                block.add_op(copy := value.owner.clone(values))
                values[value] = copy.results[0]
            else:
                values[value] = block.insert_arg(value.type, len(block.args))
        return values[value]

    for operand in op.operands:
        given(operand)
    block.add_op(copy := op.clone(values))
    block.add_op(ReturnOp(*copy.results))
    type = FunctionType.from_lists([a.type for a in block.args], [r.type for r in copy.results])
    return ModuleOp([FuncOp("forward", type, Region(block))])


def check_kernels(module: ModuleOp, target: str, random: np.random.Generator) -> str | None:
    """The first op whose kernel exceeds its rule's bound, and by how much; None if none does.

    module: of the layout stage. Ops without a kernel, or in another layout, are skipped.
    """
    for op in module.walk():
        if not isinstance(op, edge.EdgeOp) or quantized_element(op.results[0].type) is None:
            continue
        if (isinstance(op, WindowOp) and not is_nhwc(op)) or no_kernel_reason(op) is not None:
            continue
        if isinstance(op, edge.ToDimOrderOp):
            continue  # materialize-dim-order has not run; the layout stage has none
        bound = 0.0 if isinstance(op, EXACT) else kernel_bound(op)
        if bound is None:
            continue
        before = alone(op)
        after = before.clone()
        convert = f'convert-edge-to-cortex-m{{target="{target}"}}'
        run_passes(make_context(), after, parse_pipeline(convert))
        if any(isinstance(left, edge.EdgeOp) for left in after.walk()):
            return f"{op.name}: not converted\n{module_to_text(before)}"
        function = next(f for f in before.walk() if isinstance(f, FuncOp))
        for _ in range(2):
            inputs: list[Array] = []
            for argument in function.body.block.args:
                assert isinstance(argument.type, TensorType)
                dtype = numpy_dtype(argument.type.element_type)
                inputs.append(random.integers(-128, 128, shape_of(argument)).astype(dtype))
            element = quantized_element(op.results[0].type)
            assert element is not None
            results = [interpret(m, inputs) for m in (before, after)]
            real = [[dequantize(y, element) for y in outputs] for outputs in results]
            if (problem := difference(*real, bound)) is not None:
                return f"{op.name}: {problem}\n{module_to_text(before)}"
    return None
