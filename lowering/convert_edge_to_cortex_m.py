"""Replace `edge` ops on quantized tensors by kernel calls on integers."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern
from xdsl.rewriter import InsertPoint, Rewriter

from cmopt.dialects.cortex_m import nbytes
from cmopt.dialects.cortex_m.limits import MOST_BYTES
from cmopt.dialects.edge import EdgeOp
from cmopt.dialects.edge.canonicalization import RequantizeCatOperands
from cmopt.dialects.quant import SCastOp, quantized_element, storage_type
from cmopt.dialects.signature import (
    QUANTIZED,
    functions,
    note_on_border,
    retype_argument,
    terminator,
    update,
)
from cmopt.lowering.cortex_m import (
    averages,
    binary,
    convolution,
    elementwise,
    matrix,
    movement,
    pooling,
    selection,
)
from cmopt.lowering.rewrite import apply_patterns
from cmopt.lowering.support import no_kernel_reason
from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import get_target


def pass_as_storage(func: FuncOp) -> None:
    """Make quantized arguments and results integers; their types are noted on the border."""
    block = func.body.block
    args = {i: a.type for i, a in enumerate(block.args) if quantized_element(a.type) is not None}
    for index, type in args.items():
        argument = retype_argument(func, index, storage_type(type))
        cast = SCastOp(argument, type)
        Rewriter.insert_op(cast, InsertPoint.at_start(block))
        argument.replace_all_uses_with(cast.output)
        cast.operands[0] = argument
    end = terminator(func)
    results = {}
    for index, value in enumerate(list(end.operands)):
        if quantized_element(value.type) is not None:
            results[index] = value.type
            cast = SCastOp(value, storage_type(value.type))
            Rewriter.insert_op(cast, InsertPoint.before(end))
            end.operands[index] = cast.output
    if args or results:
        update(func)
        note_on_border(func, QUANTIZED, args, results)


def check_sizes(func: FuncOp) -> None:
    """Raise CompileError for the first op with a tensor of more bytes than kernels can index."""
    for op in func.body.block.ops:
        for value in (*op.operands, *op.results):
            if isinstance(value.type, TensorType):
                size = nbytes(storage_type(value.type))
                if size > MOST_BYTES:
                    raise CompileError(f"a tensor has {size} bytes, more than {MOST_BYTES}", op=op)


@dataclass
class IfKernelExists(RewritePattern):
    """A pattern for the ops a kernel computes; it may rely on every limit in `support`."""

    pattern: RewritePattern

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        quantized = isinstance(op, EdgeOp) and quantized_element(op.results[0].type) is not None
        if not quantized or no_kernel_reason(op) is None:
            self.pattern.match_and_rewrite(op, rewriter)


def convert(module: ModuleOp, *patterns: RewritePattern) -> None:
    """Apply conversion patterns; an op without a kernel stays, for `verify-stage` to name."""
    apply_patterns(module, *map(IfKernelExists, patterns))


@dataclass(frozen=True)
class ConvertEdgeToCortexMPass(ModulePass):
    """Lower quantized `edge` ops to `cortex_m` kernels for one target.

    Each pattern of `lowering/cortex_m/` states its bound in steps. The target decides scratch
    sizes and whether a linear carries a bias or a kernel sum.
    """

    name = "convert-edge-to-cortex-m"

    target: str = "cortex-m55"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        isa = get_target(self.target).isa
        for func in functions(op):
            check_sizes(func)
            pass_as_storage(func)
        # First, while a requantization still shows as a dequantize followed by a quantize, and
        # what makes a divisor as the function it is.
        convert(
            op,
            averages.AverageOnce(isa),
            pooling.PoolThenRequantize(),
            matrix.SoftmaxThenRequantize(),
            RequantizeCatOperands(),
            binary.RequantizeExtremumOperands(),
            binary.ConvertDiv(),
            elementwise.ConvertRequantize(),
        )
        convert(
            op,
            pooling.ConvertAvgPool2d(isa),
            pooling.ConvertMaxPool2d(),
            convolution.ConvertConv2d(isa),
            convolution.ConvertLinear(isa),
            matrix.ConvertMatmul(isa),
            matrix.ConvertSoftmax(),
            *elementwise.PATTERNS,
            *binary.PATTERNS,
            *movement.PATTERNS,
            *selection.PATTERNS,
        )
