"""What the ops of the dialect `example` compute."""

from __future__ import annotations

from xdsl.interpreter import Interpreter, InterpreterFunctions, PythonValues, impl, register_impls

from cmopt.dialects.arrays import from_float, to_float
from cmopt_example.dialect import CubeOp


@register_impls
class ExampleFunctions(InterpreterFunctions):
    """Values are numpy arrays; of a quantized type, its stored integers."""

    @impl(CubeOp)
    def cube(self, interpreter: Interpreter, op: CubeOp, args: PythonValues) -> PythonValues:
        x = to_float(args[0], op.input.type)
        return (from_float(x * x * x, op.output.type),)
