"""Check that the values of a program are those that its operators compute.

PyTorch believes what a file says about dtypes and sizes. A program of another origin may say
anything; the rest of the compiler takes these facts as true.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind
from torch.fx import GraphModule, Node
from torch.utils._pytree import tree_leaves, tree_map

from cmopt.frontend.archive import MAX_ENTRY_BYTES
from cmopt.frontend.locations import location
from cmopt.frontend.overloads import is_getitem
from cmopt.frontend.tensor_types import dtype_name
from cmopt.support.diagnostics import CompileError, one_line


def check_consistency(program: ExportedProgram) -> None:
    """Compute the dtype and the sizes of every value of every graph, and compare.

    Nothing is computed on data. Raises `CompileError` at the first node whose operator refuses its
    arguments or gives another type than the program says, and for a signature that does not fit.
    """
    placeholders = [node for node in program.graph.nodes if node.op == "placeholder"]
    specs = program.graph_signature.input_specs
    names = [spec.arg.name for spec in specs if not isinstance(spec.arg, ConstantArgument)]
    if len(placeholders) != len(specs) or not set(names) <= {node.name for node in placeholders}:
        raise CompileError("the inputs of the program are not those of its signature")
    users = sum(spec.kind is InputKind.USER_INPUT for spec in specs)
    _check_structure(program, users)
    for module in program.graph_module.modules():
        if isinstance(module, GraphModule):
            for node in module.graph.nodes:
                _check(node)


def _check_structure(program: ExportedProgram, users: int) -> None:
    """The structure of the arguments is a tuple and a dict that hold the inputs, by their names."""
    structure = program.call_spec.in_spec
    if structure is None or structure.num_leaves != users:
        given = 0 if structure is None else structure.num_leaves
        raise CompileError(f"the program takes {users} inputs, but its structure has {given}")
    children = structure.children()
    if structure.type is not tuple or [child.type for child in children] != [tuple, dict]:
        raise CompileError("the structure of the program's arguments is not a tuple and a dict")
    signature = program.module_call_graph[0].signature
    names = None if signature is None else signature.forward_arg_names
    if names is not None and len(names) != sum(child.num_children for child in children):
        raise CompileError(f"the program has {len(names)} names for its arguments")


def _check(node: Node) -> None:
    is_operator = isinstance(node.target, torch._ops.OpOverload)
    if node.op != "call_function" or not (is_operator or is_getitem(node)):
        return
    if isinstance(node.target, torch._ops.OpOverload):
        _check_kinds(node, node.target)
    args, kwargs = torch.fx.node.map_arg((node.args, node.kwargs), _value)
    try:
        with torch.no_grad():
            found = node.target(*args, **kwargs)  # type: ignore[operator]
    except Exception as error:  # operators raise many kinds of exception
        text = str(error).strip().split("\n")[0][:300] or type(error).__name__
        raise CompileError(
            f"{node.target}: {one_line(text)}", location=location(node, node)
        ) from None
    stated, computed = _types(node.meta.get("val")), _types(found)
    if stated != computed:
        raise CompileError(
            f"{node.target}: gives {_text(computed)}, but the program says {_text(stated)}",
            location=location(node, node),
        )


_KINDS: dict[str, type] = {
    "ScalarType": torch.dtype, "MemoryFormat": torch.memory_format, "Layout": torch.layout,
}  # fmt: skip


def _check_kinds(node: Node, operator: torch._ops.OpOverload) -> None:
    """PyTorch takes a dtype for a number, and a number for a dtype."""
    for index, argument in enumerate(operator._schema.arguments):
        value = node.args[index] if index < len(node.args) else node.kwargs.get(argument.name)
        kind = str(argument.real_type).removeprefix("Optional[").removesuffix("]")
        wanted = _KINDS.get(kind)
        known = isinstance(value, tuple(_KINDS.values()))
        if value is not None and (known if wanted is None else not isinstance(value, wanted)):
            raise CompileError(
                f"{operator}: {argument.name} is {value}, not of type {kind}",
                location=location(node, node),
            )


def _value(node: Node) -> Any:
    """What the program says about a node; tensors as aliases, as an operator may change sizes."""
    return tree_map(
        lambda leaf: leaf.detach() if isinstance(leaf, torch.Tensor) else leaf,
        node.meta.get("val"),
    )


def _types(value: Any) -> list[tuple[str, tuple[Any, ...]]]:
    """The dtype and the sizes of each tensor in a value."""
    tensors = [leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)]
    for tensor in tensors:
        size = tensor.numel() * tensor.dtype.itemsize
        if size > MAX_ENTRY_BYTES:
            raise CompileError(
                f"a tensor of sizes {list(tensor.shape)} takes {size:,} bytes; at most "
                f"{MAX_ENTRY_BYTES:,} are supported"
            )
    return [(dtype_name(tensor.dtype), tuple(tensor.shape)) for tensor in tensors]


def _text(types: list[tuple[str, tuple[Any, ...]]]) -> str:
    return ", ".join(f"{dtype} {list(sizes)}" for dtype, sizes in types) or "no tensor"
