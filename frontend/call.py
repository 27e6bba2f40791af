"""One operator call as a conversion sees it, and the helpers to build ops for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch.fx import Node
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Operation, SSAValue

from cmopt.dialects.edge import ReshapeOp
from cmopt.dialects.quant import SCastOp, quantized_element, storage_type
from cmopt.dialects.shapes import shape_of
from cmopt.frontend.overloads import overload_name
from cmopt.frontend.tensor_types import tensor_type
from cmopt.frontend.upstream import Overload, arguments_of
from cmopt.support.diagnostics import CompileError

if TYPE_CHECKING:
    from cmopt.frontend.block_importer import BlockImporter

# What a conversion returns: the value, or one for each result of an operator that has several;
# None when the ops of the dialect cannot express this call.
Converted: TypeAlias = SSAValue | Sequence[SSAValue] | None
Conversion: TypeAlias = "Callable[[Call], Converted]"


class Call:
    """One call of an ATen operator, its arguments by the names of the schema."""

    def __init__(self, importer: BlockImporter, node: Node, target: Overload):
        self.importer = importer
        self.node = node
        self.target = target
        self.name = overload_name(target)
        self.arguments: dict[str, Any] = {}
        for index, argument in enumerate(arguments_of(target)):
            if index < len(node.args):
                self.arguments[argument.name] = node.args[index]
            else:
                self.arguments[argument.name] = node.kwargs.get(
                    argument.name, argument.default_value
                )

    def __getitem__(self, name: str) -> Any:
        """An argument as PyTorch gives it, the default if it is not given."""
        return self.arguments[name]

    def fake(self, name: str) -> torch.Tensor:
        """The shape and dtype of a tensor argument, as a fake tensor."""
        value = self.arguments[name].meta["val"]
        assert isinstance(value, torch.Tensor)
        return value

    @property
    def fake_result(self) -> torch.Tensor:
        """The shape and dtype of the result (the first, if there are several)."""
        value = self.node.meta["val"]
        first = value[0] if isinstance(value, tuple | list) else value
        assert isinstance(first, torch.Tensor)
        return first

    @property
    def result_type(self) -> TensorType[Attribute]:
        """Type of the result (the first, if there are several)."""
        return tensor_type(self.fake_result)

    def value(self, node: Node) -> SSAValue:
        """The value of a node; integers that stand for reals keep their quantized type."""
        return self.importer.value(node)

    def stored(self, node: Node) -> SSAValue:
        """The value of a node as plain numbers, as the ATen operator sees it."""
        value = self.importer.value(node)
        if quantized_element(value.type) is None:
            return value
        if node in self.importer.shifted:
            raise self.error("reads unsigned bytes as numbers", "dequantize them, or use int8")
        return self.emit(SCastOp(value, storage_type(value.type)))

    def tensor(self, name: str) -> SSAValue:
        """A tensor argument."""
        return self.stored(self.arguments[name])

    def optional_tensor(self, name: str) -> SSAValue | None:
        """A tensor argument that may be None."""
        return None if self.arguments[name] is None else self.tensor(name)

    def constant_tensor(self, name: str) -> torch.Tensor | None:
        """The value of a tensor argument that is known now, else None."""
        node = self.arguments[name]
        return self.importer.known.get(node) if isinstance(node, Node) else None

    def ints(self, name: str, length: int) -> list[int]:
        """An int[] argument; a single number, or a list of one, is repeated `length` times."""
        given = self.arguments[name]
        values = [given] if isinstance(given, int) else list(given)
        return values * length if len(values) == 1 else values

    def emit(self, op: Operation) -> SSAValue:
        """Append an op with this call's location; returns its first result."""
        return self.importer.append(op, self.node)

    def reshaped(self, value: SSAValue, shape: Sequence[int]) -> SSAValue:
        """`value` reshaped to `shape`; `value` itself if it has that shape."""
        if shape_of(value) == tuple(shape):
            return value
        return self.emit(ReshapeOp.of(value, shape))

    def constant(self, value: torch.Tensor, name: str | None = None) -> SSAValue:
        """A constant of the function; equal constants are one."""
        return self.importer.constant(value, name or self.node.name, self.node)

    def error(self, message: str, hint: str | None = None) -> CompileError:
        """An error about this call, at the user's line."""
        return CompileError(
            f"{self.name}: {message}", location=self.importer.location(self.node), hint=hint
        )
