"""Operators that change nothing that the IR inside a function expresses: the value is passed on."""

from __future__ import annotations

from xdsl.dialects.builtin import BoolAttr, IntegerAttr, NoneType, StringAttr, i64
from xdsl.ir import Attribute

from cmopt.dialects.edge import CallOp, OperandAttr
from cmopt.frontend.call import Call, Converted
from cmopt.frontend.tensor_types import dtype_name


def pass_first(call: Call) -> Converted:
    """The first argument; it may be quantized, and its value may be known."""
    source = call.node.all_input_nodes[0]
    if source in call.importer.known:
        call.importer.known[call.node] = call.importer.known[source]
    return call.value(source)


def pass_same_dtype(call: Call) -> Converted:
    """A copy that may only change memory order, which is not part of a type inside a function."""
    source = call.node.all_input_nodes[0]
    if source.meta["val"].dtype != call.fake_result.dtype:
        return None
    return pass_first(call)


def cast(call: Call) -> Converted:
    """A conversion to another dtype, as the only such operator with a portable kernel."""
    if (same := pass_same_dtype(call)) is not None:
        return same
    dtype = StringAttr(dtype_name(call.fake_result.dtype))
    value = call.stored(call.node.all_input_nodes[0])
    # self, dtype, layout, device, pin_memory, non_blocking, memory_format
    none = NoneType()
    arguments: list[Attribute] = [OperandAttr(IntegerAttr(0, i64)), dtype, none, none, none]
    arguments += [BoolAttr.from_bool(False), none]
    return call.emit(CallOp("aten._to_copy.default", [value], arguments, [call.result_type]))


def reduction_of_scalar(call: Call) -> Converted:
    """A reduction of a tensor without dimensions; the runtime's kernels would abort on it."""
    is_scalar = call.node.all_input_nodes[0].meta["val"].dim() == 0
    return pass_same_dtype(call) if is_scalar else None


def dropout(call: Call) -> Converted:
    if call["train"]:
        raise call.error("dropout in training mode", "put the module in eval mode before export")
    return pass_first(call)


def batch_norm_in_training(call: Call) -> Converted:
    raise call.error(
        "batch norm in training mode, which updates its statistics",
        "put the module in eval mode before export",
    )


def drop(call: Call) -> Converted:
    """An assertion, which has no result."""
    return []
