"""What constants and the casts of `quant` compute. Values of quantized types are their storage."""

from __future__ import annotations

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr
from xdsl.interpreter import Interpreter, InterpreterFunctions, PythonValues, impl, register_impls

from cmopt.dialects.arrays import dense_array, from_float, to_float
from cmopt.dialects.quant import DCastOp, QCastOp, SCastOp


@register_impls
class QuantFunctions(InterpreterFunctions):
    """Casts and constants."""

    @impl(ConstantOp)
    def constant(
        self, interpreter: Interpreter, op: ConstantOp, args: PythonValues
    ) -> PythonValues:
        assert isinstance(op.value, DenseIntOrFPElementsAttr), "tensor constants only"
        return (dense_array(op.value),)

    @impl(QCastOp)
    def qcast(self, interpreter: Interpreter, op: QCastOp, args: PythonValues) -> PythonValues:
        return (from_float(args[0], op.output.type),)

    @impl(DCastOp)
    def dcast(self, interpreter: Interpreter, op: DCastOp, args: PythonValues) -> PythonValues:
        return (to_float(args[0], op.input.type),)

    @impl(SCastOp)
    def scast(self, interpreter: Interpreter, op: SCastOp, args: PythonValues) -> PythonValues:
        return args
