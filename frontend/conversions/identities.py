"""Operators that change nothing the IR inside a function speaks of: the value passes through."""

from __future__ import annotations

from xdsl.dialects.builtin import BoolAttr, IntegerAttr, NoneType, StringAttr, i64
from xdsl.ir import Attribute

from cmopt.dialects.edge import CallOp, OperandAttr
from cmopt.frontend.call import Call, Conversion, Converted
from cmopt.frontend.tensor_types import dtype_name


def _pass_first(call: Call) -> Converted:
    """The first argument; it may be quantized, and its value known."""
    source = call.node.all_input_nodes[0]
    if source in call.importer.known:
        call.importer.known[call.node] = call.importer.known[source]
    return call.value(source)


def _pass_same_dtype(call: Call) -> Converted:
    """A copy that may only change memory order, which is not part of a type inside a function."""
    source = call.node.all_input_nodes[0]
    if source.meta["val"].dtype != call.fake_result.dtype:
        return None
    return _pass_first(call)


def _cast(call: Call) -> Converted:
    """A conversion to another dtype, as the one operator there is a portable kernel for."""
    if (same := _pass_same_dtype(call)) is not None:
        return same
    dtype = StringAttr(dtype_name(call.fake_result.dtype))
    value = call.stored(call.node.all_input_nodes[0])
    # self, dtype, layout, device, pin_memory, non_blocking, memory_format
    none = NoneType()
    arguments: list[Attribute] = [OperandAttr(IntegerAttr(0, i64)), dtype, none, none, none]
    arguments += [BoolAttr.from_bool(False), none]
    return call.emit(CallOp("aten._to_copy.default", [value], arguments, [call.result_type]))


def reduction_of_scalar(call: Call) -> Converted:
    """A reduction over the dimensions of a tensor that has none; the runtime's kernels abort."""
    is_scalar = call.node.all_input_nodes[0].meta["val"].dim() == 0
    return _pass_same_dtype(call) if is_scalar else None


def _dropout(call: Call) -> Converted:
    if call["train"]:
        raise call.error("dropout in training mode", "put the module in eval mode before export")
    return _pass_first(call)


def _drop(call: Call) -> Converted:
    """An assertion, which has no result."""
    return []


_SAME = (
    "aten.alias.default",
    "aten.alias_copy.default",
    "aten.clone.default",
    "aten.contiguous.default",
    "aten.detach.default",
    "aten.detach_.default",
    "aten.detach_copy.default",
    "aten.lift.default",
    "aten.lift_fresh.default",
    "aten.lift_fresh_copy.default",
    "aten.positive.default",
    "dim_order_ops._clone_dim_order.default",
)
_SAME_UNLESS_DTYPE = ("aten._to_copy.default", "dim_order_ops._to_dim_order_copy.default")
_CASTS = (
    "aten.to.device",
    "aten.to.dtype",
    "aten.to.dtype_layout",
    "aten.to.other",
    "aten.type_as.default",
)
_DROPOUTS = (
    "aten.alpha_dropout.default",
    "aten.dropout.default",
    "aten.dropout_.default",
    "aten.feature_dropout.default",
)
_ASSERTIONS = (
    "aten._assert_async.msg",
    "aten._assert_scalar.default",
    "aten._assert_tensor_metadata.default",
)

CONVERSIONS: dict[str, Conversion] = {
    **dict.fromkeys(_SAME, _pass_first),
    **dict.fromkeys(_SAME_UNLESS_DTYPE, _pass_same_dtype),
    **dict.fromkeys(_CASTS, _cast),
    **dict.fromkeys(_DROPOUTS, _dropout),
    **dict.fromkeys(_ASSERTIONS, _drop),
}
