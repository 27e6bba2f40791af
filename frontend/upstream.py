"""The names of PyTorch and ExecuTorch that are not public, and why they are needed.

If a new release changes them, change them here. (`registration` has two more names of modules.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from torch.fx import Node
from torch.utils._pytree import tree_leaves

# No public module has the types of the operators that a graph's nodes call.
Overload: TypeAlias = torch._ops.OpOverload
HigherOrder: TypeAlias = torch._ops.HigherOrderOperator


def arguments_of(target: Overload) -> Sequence[torch.Argument]:
    """The arguments in an operator's schema; no public function gives them."""
    return target._schema.arguments


def wrapped_overload(node: Node) -> object:
    """The ATen operator that an operator of the Edge dialect stands for; None for any other.

    The Edge class is not imported, because that takes seconds. Its attribute `_op` is not public.
    """
    is_edge = type(node.target).__name__ == "EdgeOpOverload"
    return getattr(node.target, "_op", None) if is_edge else None


def edge_operator(target: Overload) -> Callable[..., object]:
    """The operator of the Edge dialect that stands for an ATen operator.

    No public module has these operators. A program in the Edge dialect may call no other.
    """
    from executorch.exir.dialects._ops import ops

    namespace, name, kind = str(target).split(".")
    operator: Callable[..., object] = getattr(getattr(getattr(ops.edge, namespace), name), kind)
    return operator


class GroupRanges:
    """Stands before ExecuTorch's `SharedQspecQuantizer` among the bases of a class.

    That quantizer has one method, not public, that finds the operators that share a range and the
    ranges to choose from. It is replaced here. A subclass overrides `ranges_of` to choose.
    """

    def _get_shared_clique(self: Any, root_node: Node) -> tuple[set[Node], list[Any], bool, bool]:
        """The operators that float tensors connect to one, the ranges to choose from, and whether
        an input or output of the model, or one of uint8, is next to them.

        ExecuTorch's method also follows other tensors: what is compared would share a range with
        what the comparison chooses.
        """
        nodes: set[Node] = set()
        specs: list[Any] = []
        around: list[Node] = []
        queue = [root_node]
        while queue:
            nodes.add(node := queue.pop(0))
            for source in filter(_holds_floats, node.all_input_nodes):
                self._maybe_enqueue_shared_node(source, nodes, queue)
                self._append_output_qspec(source, specs)
                around.append(source)
            for user in node.users if _holds_floats(node) else ():
                self._maybe_enqueue_shared_node(user, nodes, queue)
                self._append_input_qspec(user, node, specs)
                around.append(user)
        is_border = any(self._is_quantized_io_boundary(node) for node in around)
        is_bytes = any(self._is_uint8_quantized_io_boundary(node) for node in around)
        return nodes, self.ranges_of(nodes, specs), is_border, is_bytes

    def ranges_of(self, nodes: set[Node], specs: list[Any]) -> list[Any]:
        """Which of the ranges around these operators they may share; the first is taken."""
        return specs


def _holds_floats(node: Node) -> bool:
    """Whether a node is a float tensor, or several results with one among them."""
    values = tree_leaves(node.meta.get("val"))
    return any(isinstance(v, torch.Tensor) and v.dtype.is_floating_point for v in values)


@contextmanager
def python_kernels(targets: Iterable[Overload], kernel: Callable[..., Any]) -> Iterator[None]:
    """Within it, these operators run `kernel` where PyTorch has a kernel of theirs in Python.

    PyTorch has no public way to replace a kernel for the tensors without data of an export.
    """
    before = {target: dict(target.py_kernels) for target in targets}
    for target in before:
        target.py_kernels.update(dict.fromkeys(target.py_kernels, kernel))
        target._dispatch_cache.clear()
    try:
        yield
    finally:
        for target, kernels in before.items():
            target.py_kernels.update(kernels)
            target._dispatch_cache.clear()
