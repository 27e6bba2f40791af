"""Operators that change nothing the IR inside a function speaks of: the value passes through."""

from __future__ import annotations

from cmopt.frontend.call import Call, Conversion, Converted


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


def _dropout(call: Call) -> Converted:
    if call["train"]:
        raise call.error("dropout in training mode", "put the module in eval mode before export")
    return _pass_first(call)


def _drop(call: Call) -> Converted:
    """An assertion, which has no result."""
    return []


CONVERSIONS: dict[str, Conversion] = {
    **{
        name: _pass_first
        for name in (
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
    },
    **{
        name: _pass_same_dtype
        for name in ("aten._to_copy.default", "dim_order_ops._to_dim_order_copy.default")
    },
    **{
        f"aten.{name}.default": _dropout
        for name in ("dropout", "dropout_", "feature_dropout", "alpha_dropout")
    },
    **{
        name: _drop
        for name in (
            "aten._assert_async.msg",
            "aten._assert_scalar.default",
            "aten._assert_tensor_metadata.default",
        )
    },
}
