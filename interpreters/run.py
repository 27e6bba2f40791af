"""Run a module of any stage on numpy arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.interpreter import Interpreter, InterpreterFunctions
from xdsl.interpreters.func import FuncFunctions
from xdsl.ir import Block, SSAValue

from cmopt.dialects import XDSL_DIALECTS, own_dialects
from cmopt.dialects.arrays import Array, check_value, dense_array, numpy_dtype
from cmopt.dialects.cortex_m import REGIONS, JoinOp, ScratchOp, SubviewOp, ViewOp, nbytes, place_of
from cmopt.dialects.edge import ScanOp, YieldOp
from cmopt.dialects.program import (
    ARENA_BYTES,
    inputs_of,
    main_function,
    region_bytes,
    states,
    terminator,
)
from cmopt.dialects.shapes import shape_of
from cmopt.interpreters.cmopt import CmoptFunctions
from cmopt.interpreters.cortex_m import CortexMFunctions
from cmopt.interpreters.quant import QuantFunctions
from cmopt.interpreters.scan import ScanFunctions
from cmopt.interpreters.tosa import TosaFunctions
from cmopt.support.plugins import PlugIn, added_names

GARBAGE = 0xA5
_OWN_DIALECTS = {*own_dialects(), *XDSL_DIALECTS}


def make_interpreter(module: ModuleOp) -> Interpreter:
    """An interpreter for every dialect in the module. It imports torch for `edge` ops only.

    The meaning of a plug-in's dialect is its entry point of that name in "cmopt.interpreters": a
    subclass of `InterpreterFunctions`. Raises CompileError if it is not, or cannot be imported.
    """
    interpreter = Interpreter(module)
    interpreter.register_implementations(FuncFunctions())
    interpreter.register_implementations(QuantFunctions())
    interpreter.register_implementations(CortexMFunctions())
    interpreter.register_implementations(CmoptFunctions())
    interpreter.register_implementations(TosaFunctions())
    interpreter.register_implementations(ScanFunctions())
    names = {op.name for op in module.walk()} - {ScanOp.name, YieldOp.name}
    if any(name.startswith("edge.") for name in names):
        from cmopt.interpreters.edge import EdgeFunctions

        interpreter.register_implementations(EdgeFunctions())
    if dialects := {name.partition(".")[0] for name in names} - _OWN_DIALECTS:
        added = added_names("cmopt.interpreters", "meaning of dialect", _OWN_DIALECTS)
        for name in sorted(dialects & added.keys()):
            interpreter.register_implementations(_functions(added[name]))
    return interpreter


def _functions(plug_in: PlugIn) -> InterpreterFunctions:
    cls = plug_in.load()
    if not isinstance(cls, type) or not issubclass(cls, InterpreterFunctions):
        raise plug_in.error("must be a subclass of InterpreterFunctions")
    return cls()


def run_module(module: ModuleOp, inputs: Sequence[Array], name: str = "forward") -> list[Array]:
    """Run one function once on arrays of exactly its input types; a planned one in one arena."""
    return Session(module, name).run(inputs)


class Session:
    """Runs of one function, which keeps its state from one run to the next."""

    def __init__(self, module: ModuleOp, name: str = "forward"):
        self._module, self._name = module, name
        self._func = main_function(module, name)
        self._interpreter = make_interpreter(module)
        self.reset()

    def reset(self) -> None:
        """Give all state its initial value."""
        self._state = [dense_array(state.initial) for state in states(self._func)]

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """The outputs for arrays of exactly the input types. Raises ValueError for others."""
        func, arguments = self._func, inputs_of(self._func)
        if len(inputs) != len(arguments):
            raise ValueError(f"@{self._name} takes {len(arguments)} inputs, got {len(inputs)}")
        for index, (value, argument) in enumerate(zip(inputs, arguments, strict=True)):
            check_value(value, argument.type, f"input {index}")
        given = [*inputs, *self._state]
        if ARENA_BYTES in func.attributes:
            results = _Arena(func, self._interpreter).run(given)
        else:
            results = list(self._interpreter.call_op(func, tuple(given)))
        outputs = len(results) - len(self._state)
        self._state = [np.array(value) for value in results[outputs:]]
        return results[:outputs]


class _Arena:
    """Runs a planned function in a byte array for each region, first filled with garbage."""

    def __init__(self, func: FuncOp, interpreter: Interpreter):
        self.func = func
        self.interpreter = interpreter
        self.memories: dict[str, NDArray[np.uint8]] = {
            region: np.full(region_bytes(func, region), GARBAGE, np.uint8) for region in REGIONS
        }
        self.constants: dict[SSAValue, Array] = {}

    def _bytes(self, value: SSAValue) -> NDArray[np.uint8]:
        place = place_of(value)
        if place is None:
            raise ValueError(
                f"@{self.func.sym_name.data} has a value without a place: {value.type}"
            )
        return self.memories[place.region][place.offset : place.offset + nbytes(value.type)]

    def load(self, value: SSAValue) -> Array:
        """A copy of a value, from its bytes or the constants."""
        if value in self.constants:
            return self.constants[value]
        dtype = numpy_dtype(value.type.element_type)  # type: ignore[attr-defined]
        return self._bytes(value).copy().view(dtype).reshape(shape_of(value))

    def store(self, value: SSAValue, array: Array) -> None:
        """Write a value to its bytes."""
        check_value(array, value.type, "result")
        self._bytes(value)[:] = np.asarray(array, order="C").reshape(-1).view(np.uint8)

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Execute op by op."""
        block = self.func.body.block
        for argument, value in zip(block.args, inputs, strict=True):
            self.store(argument, value)
        self.run_block(block)
        return [self.load(value) for value in terminator(self.func).operands]

    def run_block(self, block: Block) -> None:
        """Execute the ops of a block, except its terminator."""
        for op in block.ops:
            if isinstance(op, ReturnOp | YieldOp | ViewOp | SubviewOp | JoinOp):
                continue  # the bytes are in place
            if isinstance(op, ScratchOp):
                self._bytes(op.output)[:] = GARBAGE
                continue
            if isinstance(op, ScanOp):
                self.run_scan(op)
                continue
            results = self.interpreter.run_op(op, tuple(self.load(v) for v in op.operands))
            for result, array in zip(op.results, results, strict=True):
                if isinstance(op, ConstantOp):
                    self.constants[result] = array
                else:
                    self.store(result, array)

    def run_scan(self, op: ScanOp) -> None:
        """Execute a loop, whose carried values and invariants stay where they are."""
        for value, argument in zip(op.invariants, op.captured, strict=True):
            if value in self.constants:
                self.constants[argument] = self.constants[value]
        for t in op.order:
            for sequence, argument in zip(op.sequences, op.slices, strict=True):
                self.store(argument, self.load(sequence)[t])
            self.run_block(op.body.block)
            for stack, part in zip(op.stacked, op.parts, strict=True):
                whole = self.load(stack)
                whole[t] = self.load(part)
                self.store(stack, whole)
