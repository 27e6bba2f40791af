"""A delegate's region as a TOSA 1.0 flatbuffer, the format in which Vela takes a graph.

Inputs have the order of the operands and outputs that of the results, because the runtime passes
its arguments in that order. A graph that would break it is refused: Vela omits an unused input, and
the runtime would then read the wrong argument for each input after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from xdsl.dialects.builtin import IntegerType, TensorType
from xdsl.ir import Attribute, Block, Operation, SSAValue

from cmopt.dialects import tosa
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.shapes import element_of, int_of, ints_of, shape_of
from cmopt.dialects.tosa.constants import constant_array, dtype_of
from cmopt.support.diagnostics import CompileError

_DTYPES = {1: "BOOL", 8: "INT8", 16: "INT16", 32: "INT32", 48: "INT48"}

Arguments = Callable[[Any, ModuleType], dict[str, object]]
"""Makes the arguments of an op's TOSA attribute from the op and the `tosa_serializer` module."""


def _nothing(op: Any, ts: ModuleType) -> dict[str, object]:
    return {}


def _axis(op: Any, ts: ModuleType) -> dict[str, object]:
    return {"axis": int_of(op.axis)}


def _nan(op: Any, ts: ModuleType) -> dict[str, object]:
    return {"nan_mode": ts.NanPropagationMode.PROPAGATE}  # has no effect on integers


def _nan_axis(op: Any, ts: ModuleType) -> dict[str, object]:
    return {**_axis(op, ts), **_nan(op, ts)}


def _lists(op: Any, *names: str) -> dict[str, object]:
    return {name: list(ints_of(op.properties[name])) for name in names}


def _accumulator(op: Any, ts: ModuleType) -> dict[str, object]:
    bound = op.local_bound is not None and bool(int_of(op.local_bound))
    return {"acc_type": _dtype(op.acc_type, ts, op), "local_bound": bound}


def _convolution(op: Any, ts: ModuleType) -> dict[str, object]:
    return {**_lists(op, "pad", "stride", "dilation"), **_accumulator(op, ts)}


def _transpose_convolution(op: Any, ts: ModuleType) -> dict[str, object]:
    return {**_lists(op, "out_pad", "stride"), **_accumulator(op, ts)}


def _max_pool(op: Any, ts: ModuleType) -> dict[str, object]:
    return {**_lists(op, "kernel", "stride", "pad"), **_nan(op, ts)}


def _avg_pool(op: Any, ts: ModuleType) -> dict[str, object]:
    return {**_lists(op, "kernel", "stride", "pad"), "acc_type": _dtype(op.acc_type, ts, op)}


def _clamp(op: Any, ts: ModuleType) -> dict[str, object]:
    size = dtype_of(element_of(op.input)).itemsize
    low, high = (list(int_of(v).to_bytes(size, "little", signed=True))
                 for v in (op.min_val, op.max_val))  # fmt: skip
    return {"min_val": low, "max_val": high, **_nan(op, ts)}


def _rescale(op: Any, ts: ModuleType) -> dict[str, object]:
    names = ("scale32", "per_channel", "input_unsigned", "output_unsigned")
    flags: dict[str, object] = {name: bool(int_of(op.properties[name])) for name in names}
    return {**flags, "rounding_mode": getattr(ts.RoundingMode, op.rounding_mode.data.value)}


def _round(op: Any, ts: ModuleType) -> dict[str, object]:
    return {"round": bool(int_of(op.round))}


def _perms(op: Any, ts: ModuleType) -> dict[str, object]:
    return _lists(op, "perms")


def _mode(op: Any, ts: ModuleType) -> dict[str, object]:
    nearest = op.mode.data == "NEAREST_NEIGHBOR"
    return {"mode": ts.ResizeMode.NEAREST if nearest else ts.ResizeMode.BILINEAR}


# TOSA's name of the operator, TOSA's name of its attribute, and the attribute's arguments. Operands
# become inputs in order; shapes are operands too.
_OPERATORS: dict[type[Operation], tuple[str, str, Arguments]] = {
    tosa.AddOp: ("ADD", "Add", _nothing),
    tosa.ArithmeticRightShiftOp: ("ARITHMETIC_RIGHT_SHIFT", "ArithmeticRightShift", _round),
    tosa.AvgPool2DOp: ("AVG_POOL2D", "AvgPool2d", _avg_pool),
    tosa.CastOp: ("CAST", "Cast", _nothing),
    tosa.ClampOp: ("CLAMP", "Clamp", _clamp),
    tosa.ClzOp: ("CLZ", "Clz", _nothing),
    tosa.ConcatOp: ("CONCAT", "Concat", _axis),
    tosa.Conv2DOp: ("CONV2D", "Conv2d", _convolution),
    tosa.DepthwiseConv2DOp: ("DEPTHWISE_CONV2D", "DepthwiseConv2d", _convolution),
    tosa.LogicalLeftShiftOp: ("LOGICAL_LEFT_SHIFT", "LogicalLeftShift", _nothing),
    tosa.MatMulOp: ("MATMUL", "MatMul", _nothing),
    tosa.MaxPool2DOp: ("MAX_POOL2D", "MaxPool2d", _max_pool),
    tosa.MaximumOp: ("MAXIMUM", "Maximum", _nan),
    tosa.MinimumOp: ("MINIMUM", "Minimum", _nan),
    tosa.MulOp: ("MUL", "Mul", _nothing),
    tosa.PadOp: ("PAD", "Pad", _nothing),
    tosa.ReduceMaxOp: ("REDUCE_MAX", "ReduceMax", _nan_axis),
    tosa.ReduceMinOp: ("REDUCE_MIN", "ReduceMin", _nan_axis),
    tosa.ReduceSumOp: ("REDUCE_SUM", "ReduceSum", _axis),
    tosa.RescaleOp: ("RESCALE", "Rescale", _rescale),
    tosa.ReshapeOp: ("RESHAPE", "Reshape", _nothing),
    tosa.ResizeOp: ("RESIZE", "Resize", _mode),
    tosa.ReverseOp: ("REVERSE", "Reverse", _axis),
    tosa.SliceOp: ("SLICE", "Slice", _nothing),
    tosa.SubOp: ("SUB", "Sub", _nothing),
    tosa.TableOp: ("TABLE", "Table", _nothing),
    tosa.TileOp: ("TILE", "Tile", _nothing),
    tosa.TransposeConv2DOp: ("TRANSPOSE_CONV2D", "TransposeConv2d", _transpose_convolution),
    tosa.TransposeOp: ("TRANSPOSE", "Transpose", _perms),
}


def serialize(op: DelegateOp) -> bytes:
    """The flatbuffer of a delegate's region. Ops that no output depends on are omitted.

    A tensor's name is its SSA name, made unique. Raises CompileError if no output depends on an
    input, if an output is an input or a constant, if two outputs are one value, if an op is not of
    `tosa`, or if a type is not one of TOSA's integers.
    """
    import tosa_serializer as ts

    needed = _needed_ops(op)
    _check_interface(op, needed)
    names = tensor_names(op.body.block)
    graph = ts.TosaSerializer("", targetMajor=1, targetMinor=0, targetPatch=0, targetDraft=False)
    for argument in op.body.block.args:
        shape, dtype = list(shape_of(argument)), _dtype(element_of(argument), ts, op)
        graph.addInputTensor(ts.TosaSerializerTensor(names[argument], shape, dtype, data=None))
    for inner in op.body.block.ops:
        if inner in needed:
            _add(graph, inner, names, ts)
    tensors = graph.currRegion.currBasicBlock.tensors
    for value in op.end.values:
        graph.addOutputTensor(tensors[names[value]])
    return bytes(graph.serialize())


def _add(graph: Any, op: Operation, names: dict[SSAValue, str], ts: ModuleType) -> None:
    """Append one op."""
    name = names[op.results[0]]
    if isinstance(op, tosa.ConstShapeOp):
        sizes = list(op.sizes())
        graph.addConst([len(sizes)], ts.DType.SHAPE, sizes, name=name)
        return
    result = op.results[0]
    shape, dtype = list(shape_of(result)), _dtype(element_of(result), ts, op)
    if isinstance(op, tosa.ConstOp):
        graph.addConst(shape, dtype, constant_array(op.values), name=name)
        return
    operator, attribute, arguments = _OPERATORS[type(op)]
    made = ts.TosaSerializerAttribute()
    getattr(made, f"{attribute}Attribute")(**arguments(op, ts))
    graph.currRegion.currBasicBlock.addTensor(name, shape, dtype)
    graph.addOperator(getattr(ts.Op, operator), [names[v] for v in op.operands], [name], made)


def _needed_ops(op: DelegateOp) -> set[Operation]:
    """The ops that compute the region's results. Raises CompileError if one is not of `tosa`."""
    needed: set[Operation] = set()
    waiting: list[SSAValue] = list(op.end.values)
    while waiting:
        if isinstance(owner := waiting.pop().owner, Operation) and owner not in needed:
            if type(owner) not in _OPERATORS and not isinstance(
                owner, tosa.ConstOp | tosa.ConstShapeOp
            ):
                raise CompileError("has no TOSA operator, but is in a delegate", op=owner)
            needed.add(owner)
            waiting.extend(owner.operands)
    return needed


def _check_interface(op: DelegateOp, needed: set[Operation]) -> None:
    """Raises CompileError if the command stream would have other inputs or outputs than the op."""
    for index, argument in enumerate(op.body.block.args):
        if not any(use.operation in needed for use in argument.uses):
            raise CompileError(
                f"input {index} is not needed for any output: Vela would omit it", op=op
            )
    values: Sequence[SSAValue] = op.end.values
    for index, value in enumerate(values):
        if isinstance(value.owner, Block):
            raise CompileError(f"output {index} is an input, which the NPU does not copy", op=op)
        if isinstance(value.owner, tosa.ConstOp):
            raise CompileError(f"output {index} is a constant, which the NPU does not copy", op=op)
        if (first := list(values).index(value)) != index:
            raise CompileError(f"outputs {first} and {index} are the same value", op=op)


def tensor_names(block: Block) -> dict[SSAValue, str]:
    """A name for each value, in order: its SSA name or its op's, with a number if it is taken."""
    values = [*block.args, *(result for op in block.ops for result in op.results)]
    names: dict[SSAValue, str] = {}
    taken: set[str] = set()
    for value in values:
        owner = value.owner
        default = owner.name.rpartition(".")[2] if isinstance(owner, Operation) else "input"
        base = name = value.name_hint or default
        count = 0
        while name in taken:
            count += 1
            name = f"{base}_{count}"
        taken.add(name)
        names[value] = name
    return names


def _dtype(element: Attribute, ts: ModuleType, op: Operation) -> Any:
    """The serializer's name of an element type. Raises CompileError if TOSA has no such integer."""
    width = element.width.data if isinstance(element, IntegerType) else 0
    if width not in _DTYPES:
        raise CompileError(f"{TensorType(element, [])} has an element type that TOSA lacks", op=op)
    return getattr(ts.DType, _DTYPES[width])
