"""A node's operator, read in the same way in the ATen and the Edge dialect."""

from __future__ import annotations

from torch.fx import Node

from cmopt.frontend.upstream import Overload, wrapped_overload


def overload(node: Node) -> Overload | None:
    """The ATen-level operator a node calls; None for anything else (`getitem`, higher order)."""
    target = wrapped_overload(node) or node.target
    return target if isinstance(target, Overload) else None


def is_edge_operator(node: Node) -> bool:
    """Whether a node calls an operator of the Edge dialect, which wraps the one it stands for."""
    return wrapped_overload(node) is not None


def overload_name(target: Overload) -> str:
    """`namespace.operator.overload`, such as "aten.conv2d.default"."""
    return str(target)


def operator_of(target: Overload) -> str:
    """The name of an ATen operator without its overload and in-place mark; "" for any other."""
    namespace, name, _ = overload_name(target).split(".")
    if namespace != "aten":
        return ""
    return name if name.startswith("__") else name.rstrip("_")


def operator_name(node: Node) -> str:
    """`operator_of` the operator a node calls; "" if it calls no operator."""
    target = overload(node)
    return "" if target is None else operator_of(target)


def is_quantize(node: Node) -> bool:
    """Whether a node quantizes a tensor, per tensor or per channel."""
    target = overload(node)
    return target is not None and ".quantize_per" in overload_name(target)


def is_dequantize(node: Node) -> bool:
    """Whether a node dequantizes a tensor, per tensor or per channel."""
    target = overload(node)
    return target is not None and ".dequantize_per" in overload_name(target)


def is_getitem(node: Node) -> bool:
    """Whether a node takes one result of an operator that has several."""
    return node.op == "call_function" and getattr(node.target, "__name__", "") == "getitem"


def reads_more_than_first(node: Node) -> bool:
    """Whether anything reads another result of a node than the first of several."""
    return any(user.args[1] != 0 and user.users for user in node.users)
