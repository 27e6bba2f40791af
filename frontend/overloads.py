"""One view of a node's operator, whether the program is in the ATen or the Edge dialect."""

from __future__ import annotations

import torch
from torch.fx import Node


def overload(node: Node) -> torch._ops.OpOverload | None:
    """The ATen-level operator a node calls; None for anything else (`getitem`, higher order)."""
    if isinstance(node.target, torch._ops.OpOverload):
        return node.target
    wrapped = getattr(node.target, "_op", None) if is_edge_operator(node) else None
    return wrapped if isinstance(wrapped, torch._ops.OpOverload) else None


def is_edge_operator(node: Node) -> bool:
    """Whether a node calls an operator of the Edge dialect, which wraps the one it stands for."""
    return type(node.target).__name__ == "EdgeOpOverload"


def overload_name(target: torch._ops.OpOverload) -> str:
    """`namespace.operator.overload`, such as "aten.conv2d.default"."""
    namespace, _, name = target._schema.name.partition("::")
    return f"{namespace}.{name}.{target._overloadname}"


def operator_of(target: torch._ops.OpOverload) -> str:
    """The name of an ATen operator without its overload and in-place mark; "" for any other."""
    namespace, name, _ = overload_name(target).split(".")
    if namespace != "aten":
        return ""
    return name if name.startswith("__") else name.rstrip("_")


def operator_name(node: Node) -> str:
    """`operator_of` what a node calls; "" for what is no operator."""
    target = overload(node)
    return "" if target is None else operator_of(target)


def is_getitem(node: Node) -> bool:
    """Whether a node takes one result of an operator that has several."""
    return node.op == "call_function" and getattr(node.target, "__name__", "") == "getitem"
