"""Replace `edge` ops on quantized tensors by kernel calls on integers."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import Pure

from cmopt.dialects.cortex_m.base import uncountable_tensor
from cmopt.dialects.edge import CallOp, EdgeOp, ScanOp
from cmopt.dialects.program import (
    QUANTIZED,
    Body,
    bodies,
    note_on_border,
    retype_argument,
    terminator,
    update,
)
from cmopt.dialects.quant import DCastOp, QCastOp, SCastOp, quantized_element, storage_type
from cmopt.lowering.cortex_m.rules import kernel_builder
from cmopt.lowering.rewrite import pass_through, read_through
from cmopt.lowering.rules import Unsupported
from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import STOCK, Isa, get_target


def pass_as_storage(func: FuncOp) -> None:
    """Make quantized arguments and results integers, and set their types as border attributes."""
    block = func.body.block
    args = {i: a.type for i, a in enumerate(block.args) if quantized_element(a.type) is not None}
    for index, type in args.items():
        argument = retype_argument(func, index, storage_type(type))
        read_through(argument, SCastOp(argument, type), InsertPoint.at_start(block))
    end = terminator(func)
    results = {}
    for index, value in enumerate(list(end.operands)):
        if quantized_element(value.type) is not None:
            results[index] = value.type
            pass_through(end, index, SCastOp(value, storage_type(value.type)))
    if args or results:
        update(func)
        note_on_border(func, QUANTIZED, args, results)


def carry_as_storage(scan: ScanOp) -> None:
    """Make quantized values at the border of a loop integers, inside and outside of it."""
    block, end = scan.body.block, scan.end
    for index, argument in enumerate(block.args):
        if quantized_element(type := argument.type) is not None:
            stored = retype_argument(scan, index, storage_type(type))
            read_through(stored, SCastOp(stored, type), InsertPoint.at_start(block))
    for op in (scan, end):
        for index, value in enumerate(list(op.operands)):
            if quantized_element(value.type) is not None:
                pass_through(op, index, SCastOp(value, storage_type(value.type)))
    for result in scan.results:
        if quantized_element(type := result.type) is not None:
            made = Rewriter.replace_value_with_new_type(result, storage_type(type))
            read_through(made, SCastOp(made, type), InsertPoint.after(scan))


def check_sizes(body: Body) -> None:
    """Raise CompileError for the first op with a tensor of more bytes than kernels can index."""
    for op in body.body.block.ops:
        if (reason := uncountable_tensor(op)) is not None:
            raise CompileError(reason, op=op)


def lower_body(body: Body, isa: Isa, kernels: str = STOCK) -> None:
    """Replace each op that a rule lowers. `verify-stage` reports the others.

    The ops are lowered in order and erased at the end, so that a rule can read its op's producers.
    """
    block, build = body.body.block, kernel_builder(isa, kernels)
    lowered: list[Operation] = []
    for op in list(block.ops):
        if not isinstance(op, EdgeOp | QCastOp | DCastOp) or isinstance(op, CallOp):
            continue
        done = len(build.ops)
        try:
            build.lower(op)
        except Unsupported:
            build.forget(done)
            continue
        block.insert_ops_before(build.ops[done:], op)
        lowered.append(op)
    gone = set(lowered)
    for op in reversed(lowered):
        _hand_over(op, build.value(op.results[0]), gone)
    for op in reversed(lowered):
        Rewriter.erase_op(op)
    for op in reversed(build.ops):
        if op.has_trait(Pure) and not any(result.uses for result in op.results):
            Rewriter.erase_op(op)


def _hand_over(op: Operation, value: SSAValue, gone: set[Operation]) -> None:
    """Replace an op's result by `value`, if an op outside `gone` reads it."""
    (result,) = op.results
    if all(use.operation in gone for use in result.uses):
        return
    if value.type != result.type:
        cast = SCastOp(value, result.type)
        cast.location = op.location
        Rewriter.insert_op(cast, InsertPoint.before(op))
        value = cast.output
    result.replace_all_uses_with(value)


@dataclass(frozen=True)
class ConvertEdgeToCortexMPass(ModulePass):
    """Lower quantized `edge` ops to `cortex_m` kernels for one target.

    Each rule of `lowering/cortex_m/` states its bound in steps. The scratch sizes, and whether a
    linear has a bias or a kernel sum, depend on the target. `kernels` is the operator library.
    """

    name = "convert-edge-to-cortex-m"

    target: str = "cortex-m55"
    kernels: str = STOCK

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        isa = get_target(self.target).isa
        for body in bodies(op):
            check_sizes(body)
            if isinstance(body, ScanOp):
                carry_as_storage(body)
            else:
                pass_as_storage(body)
            lower_body(body, isa, self.kernels)
