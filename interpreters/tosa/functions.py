"""The `tosa` ops and `ethos_u.delegate` for xDSL's interpreter."""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.interpreter import (
    Interpreter,
    InterpreterFunctions,
    PythonValues,
    ReturnedValues,
    TerminatorValue,
    impl,
    impl_terminator,
    register_impls,
)

from cmopt.dialects import ethos_u, tosa
from cmopt.dialects.arrays import check_value
from cmopt.dialects.shapes import element_of, int_of, ints_of
from cmopt.dialects.tosa.constants import constant_array
from cmopt.interpreters.tosa import elementwise, movement, windows
from cmopt.interpreters.tosa.values import narrowed


@register_impls
class TosaFunctions(InterpreterFunctions):
    """Values are numpy arrays (int64 for i48). A shape is a tuple of integers."""

    @impl(ethos_u.DelegateOp)
    def delegate(
        self, interpreter: Interpreter, op: ethos_u.DelegateOp, args: PythonValues
    ) -> PythonValues:
        results = interpreter.run_ssacfg_region(op.body, args, op.name)
        for index, (value, result) in enumerate(zip(results, op.outputs, strict=True)):
            check_value(value, result.type, f"{op.name}: result {index}")
        return results

    @impl_terminator(ethos_u.YieldOp)
    def end(
        self, interpreter: Interpreter, op: ethos_u.YieldOp, args: PythonValues
    ) -> tuple[TerminatorValue, PythonValues]:
        return ReturnedValues(args), ()

    @impl(tosa.ConstOp)
    def const(self, interpreter: Interpreter, op: tosa.ConstOp, args: PythonValues) -> PythonValues:
        return (constant_array(op.values),)

    @impl(tosa.ConstShapeOp)
    def const_shape(
        self, interpreter: Interpreter, op: tosa.ConstShapeOp, args: PythonValues
    ) -> PythonValues:
        return (op.sizes(),)

    @impl(tosa.Conv2DOp)
    def conv2d(
        self, interpreter: Interpreter, op: tosa.Conv2DOp, args: PythonValues
    ) -> PythonValues:
        return (windows.conv2d(op, *args),)

    @impl(tosa.DepthwiseConv2DOp)
    def depthwise_conv2d(
        self, interpreter: Interpreter, op: tosa.DepthwiseConv2DOp, args: PythonValues
    ) -> PythonValues:
        return (windows.depthwise_conv2d(op, *args),)

    @impl(tosa.TransposeConv2DOp)
    def transpose_conv2d(
        self, interpreter: Interpreter, op: tosa.TransposeConv2DOp, args: PythonValues
    ) -> PythonValues:
        return (windows.transpose_conv2d(op, *args),)

    @impl(tosa.MatMulOp)
    def matmul(
        self, interpreter: Interpreter, op: tosa.MatMulOp, args: PythonValues
    ) -> PythonValues:
        return (windows.matmul(op, *args),)

    @impl(tosa.MaxPool2DOp)
    def max_pool2d(
        self, interpreter: Interpreter, op: tosa.MaxPool2DOp, args: PythonValues
    ) -> PythonValues:
        return (windows.max_pool2d(op, *args),)

    @impl(tosa.AvgPool2DOp)
    def avg_pool2d(
        self, interpreter: Interpreter, op: tosa.AvgPool2DOp, args: PythonValues
    ) -> PythonValues:
        return (windows.avg_pool2d(op, *args),)

    @impl(tosa.AddOp)
    def add(self, interpreter: Interpreter, op: tosa.AddOp, args: PythonValues) -> PythonValues:
        a, b = map(elementwise.wide, args)
        return (narrowed(op.name, a + b, element_of(op.output)),)

    @impl(tosa.SubOp)
    def sub(self, interpreter: Interpreter, op: tosa.SubOp, args: PythonValues) -> PythonValues:
        a, b = map(elementwise.wide, args)
        return (narrowed(op.name, a - b, element_of(op.output)),)

    @impl(tosa.MulOp)
    def mul(self, interpreter: Interpreter, op: tosa.MulOp, args: PythonValues) -> PythonValues:
        return (elementwise.multiply(op, *args),)

    @impl(tosa.MaximumOp)
    def maximum(
        self, interpreter: Interpreter, op: tosa.MaximumOp, args: PythonValues
    ) -> PythonValues:
        return (np.maximum(*args),)

    @impl(tosa.MinimumOp)
    def minimum(
        self, interpreter: Interpreter, op: tosa.MinimumOp, args: PythonValues
    ) -> PythonValues:
        return (np.minimum(*args),)

    @impl(tosa.ClampOp)
    def clamp(self, interpreter: Interpreter, op: tosa.ClampOp, args: PythonValues) -> PythonValues:
        return (elementwise.clamp(op, *args),)

    @impl(tosa.CastOp)
    def cast(self, interpreter: Interpreter, op: tosa.CastOp, args: PythonValues) -> PythonValues:
        return (elementwise.cast(op, *args),)

    @impl(tosa.TableOp)
    def table(self, interpreter: Interpreter, op: tosa.TableOp, args: PythonValues) -> PythonValues:
        return (elementwise.table(op, *args),)

    @impl(tosa.ClzOp)
    def clz(self, interpreter: Interpreter, op: tosa.ClzOp, args: PythonValues) -> PythonValues:
        return (elementwise.count_leading_zeros(*args),)

    @impl(tosa.LogicalLeftShiftOp)
    def logical_left_shift(
        self, interpreter: Interpreter, op: tosa.LogicalLeftShiftOp, args: PythonValues
    ) -> PythonValues:
        return (elementwise.left_shift(op, *args),)

    @impl(tosa.ArithmeticRightShiftOp)
    def arithmetic_right_shift(
        self, interpreter: Interpreter, op: tosa.ArithmeticRightShiftOp, args: PythonValues
    ) -> PythonValues:
        return (elementwise.right_shift(op, *args),)

    @impl(tosa.RescaleOp)
    def rescale(
        self, interpreter: Interpreter, op: tosa.RescaleOp, args: PythonValues
    ) -> PythonValues:
        return (elementwise.rescale(op, *args),)

    @impl(tosa.ReduceSumOp)
    def reduce_sum(self, interpreter: Interpreter, op: Any, args: PythonValues) -> PythonValues:
        return (elementwise.reduce(op, *args),)

    @impl(tosa.ReduceMaxOp)
    def reduce_max(self, interpreter: Interpreter, op: Any, args: PythonValues) -> PythonValues:
        return (elementwise.reduce(op, *args),)

    @impl(tosa.ReduceMinOp)
    def reduce_min(self, interpreter: Interpreter, op: Any, args: PythonValues) -> PythonValues:
        return (elementwise.reduce(op, *args),)

    @impl(tosa.ConcatOp)
    def concat(
        self, interpreter: Interpreter, op: tosa.ConcatOp, args: PythonValues
    ) -> PythonValues:
        return (np.concatenate(args, int_of(op.axis)),)

    @impl(tosa.PadOp)
    def pad(self, interpreter: Interpreter, op: tosa.PadOp, args: PythonValues) -> PythonValues:
        return (movement.pad(*args),)

    @impl(tosa.ReshapeOp)
    def reshape(
        self, interpreter: Interpreter, op: tosa.ReshapeOp, args: PythonValues
    ) -> PythonValues:
        return (args[0].reshape(args[1]),)

    @impl(tosa.ResizeOp)
    def resize(
        self, interpreter: Interpreter, op: tosa.ResizeOp, args: PythonValues
    ) -> PythonValues:
        return (movement.resize(op, *args),)

    @impl(tosa.ReverseOp)
    def reverse(
        self, interpreter: Interpreter, op: tosa.ReverseOp, args: PythonValues
    ) -> PythonValues:
        return (np.flip(args[0], int_of(op.axis)),)

    @impl(tosa.SliceOp)
    def slice(self, interpreter: Interpreter, op: tosa.SliceOp, args: PythonValues) -> PythonValues:
        return (movement.slice_of(*args),)

    @impl(tosa.TileOp)
    def tile(self, interpreter: Interpreter, op: tosa.TileOp, args: PythonValues) -> PythonValues:
        return (np.tile(*args),)

    @impl(tosa.TransposeOp)
    def transpose(
        self, interpreter: Interpreter, op: tosa.TransposeOp, args: PythonValues
    ) -> PythonValues:
        return (args[0].transpose(ints_of(op.perms)),)
