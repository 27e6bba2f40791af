"""From the graph of an exported program to the ops of one block."""

from __future__ import annotations

import re
from collections import ChainMap
from typing import Any, cast

import torch
from torch.fx import GraphModule, Node
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import (
    BytesAttr,
    DenseIntOrFPElementsAttr,
    NameLoc,
    StringAttr,
    TensorType,
    UnknownLoc,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge import ReshapeOp
from cmopt.dialects.quant import DCastOp, SCastOp
from cmopt.frontend.aliasing import written_nodes
from cmopt.frontend.call import Call, Converted
from cmopt.frontend.generic_call import generic_call
from cmopt.frontend.locations import location, module_path, source_nodes
from cmopt.frontend.operators import CONVERSIONS
from cmopt.frontend.overloads import is_dequantize, is_getitem, is_quantize, overload
from cmopt.frontend.scans import import_scan, is_scan
from cmopt.frontend.tensor_types import UnsupportedTensor, tensor_type
from cmopt.support.diagnostics import CompileError

_FOLDED = {"aten", "dim_order_ops"}


def legal_name(name: str) -> str:
    """A legal SSA name for a node or the path of a parameter."""
    clean = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return clean if re.match(r"[A-Za-z_]", clean) else f"_{clean}"


def elements_of(value: torch.Tensor) -> DenseIntOrFPElementsAttr[Any]:
    """The elements of a tensor, row-major."""
    # Not `contiguous`, which keeps a stride of 0 of a dimension of size 1.
    value = torch.empty(value.shape, dtype=value.dtype).copy_(value.detach())
    data = value.reshape(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b""
    return DenseIntOrFPElementsAttr(cast(TensorType[Any], tensor_type(value)), BytesAttr(data))


class BlockImporter:
    """Builds the ops of one graph; conversions append to them through `Call`.

    outer: where a graph without source lines is called; by default nothing is known.
    """

    def __init__(self, module: GraphModule, outer: NameLoc | None = None):
        self._module = module
        self._outer = outer
        self._sources = source_nodes(module.graph)
        self._values: dict[Node, list[SSAValue]] = {}
        # Tensors with a known value, for quantization parameters and for folding.
        self.known: dict[Node, torch.Tensor] = {}
        # Nodes that can be computed of known ones, and those that an in-place operator has changed.
        self._computable: set[Node] = set()
        self._changed: set[Node] = set()
        # Quantized to unsigned bytes, which are stored as signed ones: less by 128.
        self.shifted: set[Node] = set()
        self._parameter_names: dict[Node, str] = {}
        self._constants: dict[tuple[Attribute, bytes], SSAValue] = {}
        self._reinterpreted: dict[tuple[SSAValue, Attribute], SSAValue] = {}
        # Constants come first in the function, in the order of their first use.
        self._head: list[Operation] = []
        self._body: list[Operation] = []

    # ------------------------------------------------------------------------ for conversions

    def location(self, node: Node) -> NameLoc:
        """Where in the user's model `node` comes from."""
        if self._outer is not None and node not in self._sources:
            return self._outer
        return location(node, self._sources.get(node))

    def append(self, op: Operation, node: Node) -> SSAValue:
        """Append an op that stands for `node`; returns its first result."""
        op.location = self.location(node)
        self._body.append(op)
        for result in op.results:
            result.name_hint = legal_name(node.name)
        return op.results[0]

    def constant(self, value: torch.Tensor, name: str, node: Node | None = None) -> SSAValue:
        """The constant of this content and type, made and named on first use."""
        elements = elements_of(value)
        type, data = elements.type, elements.data.data
        if (found := self._constants.get((type, data))) is not None:
            return found
        op = ConstantOp(elements, type)
        op.location = NameLoc(StringAttr(name), UnknownLoc())
        if node is not None and node in self._sources:
            op.location = self.location(node)
        op.result.name_hint = legal_name(name)
        self._head.append(op)
        self._constants[type, data] = op.result
        return op.result

    def reinterpret(self, value: SSAValue, type: Attribute, node: Node) -> SSAValue:
        """`value` cast to a quantized type; for a constant the cast is made once."""
        if not isinstance(value.owner, ConstantOp):
            return self.append(SCastOp(value, type), node)
        if (found := self._reinterpreted.get((value, type))) is not None:
            return found
        op = SCastOp(value, type)
        op.location = value.owner.location
        op.output.name_hint = value.name_hint
        self._head.append(op)
        self._reinterpreted[value, type] = op.output
        return op.output

    def value(self, node: Node) -> SSAValue:
        """The (first) value of a node; a constant is made now if this is its first use."""
        if node not in self._values:
            name = self._name_of_parameter(node)
            self._values[node] = [self.constant(self.known[node], name)]
        return self._values[node][0]

    def nested(self, module: GraphModule, node: Node) -> BlockImporter:
        """An importer of a graph that `node` calls."""
        return BlockImporter(module, self.location(node))

    def take(self, node: Node, value: SSAValue) -> None:
        """Let a placeholder mean a value."""
        self._values[node] = [value]

    def know(self, node: Node, value: torch.Tensor, name: str) -> None:
        """Let a placeholder mean a constant. name: of the parameter or buffer."""
        self.known[node] = value
        self._parameter_names[node] = name

    def name_of(self, node: Node) -> str:
        """The name that a placeholder has as a constant, else its own."""
        return self._parameter_names.get(node, node.name)

    def import_calls(self) -> None:
        """Append the ops of all calls of the graph."""
        for node in self._module.graph.nodes:
            if node.op == "call_function":
                self._import_call(node)
            elif node.op not in ("placeholder", "output", "get_attr"):
                raise CompileError(f"the graph holds a {node.op} node, {node.name}")
            # A get_attr is the graph of a control flow operator.

    def fill(self, block: Block, end: Operation) -> None:
        """Give a block the ops so far, without those that nothing uses, and its terminator."""
        block.add_ops(_without_dead([*self._head, *self._body, end]))

    def _import_call(self, node: Node) -> None:
        if is_getitem(node):
            source, index = node.args
            assert isinstance(source, Node) and isinstance(index, int)
            # The conversion may have made only the results that are used.
            if index < len(self._values[source]):
                self._values[node] = [self._values[source][index]]
            return
        if is_scan(node):
            self._values[node] = import_scan(self, self._module, node)
            return
        target = overload(node)
        if target is None:
            raise unsupported_operator(node, self._sources.get(node))
        call = Call(self, node, target)
        try:
            converted = self._convert(call)
        except UnsupportedTensor as error:
            raise call.error(str(error), error.hint) from None
        except VerifyException as error:  # invalid quantization parameters
            raise call.error(str(error)) from None
        results = [converted] if isinstance(converted, SSAValue) else list(converted or [])
        self._values[node] = results
        self._rebind(node)

    def _convert(self, call: Call) -> Converted:
        if (folded := self._fold(call)) is not None:
            return folded
        conversion = CONVERSIONS.get(call.name)
        if conversion is not None:
            appended = len(self._body)
            converted = conversion(call)
            if converted is not None:
                return converted
            self._abandon(appended)
        return generic_call(call)

    def _fold(self, call: Call) -> SSAValue | None:
        """The constant result of an operator whose tensors are all known; PyTorch computes it.

        Dequantized constants count if the result is quantized. Other operators read the integers.
        """
        is_tensor = isinstance(call.node.meta.get("val"), torch.Tensor)
        if call.target.namespace not in _FOLDED or not is_tensor:
            return None
        if not self._is_constant(call.node):
            return None
        are_known = all(source in self.known for source in call.node.all_input_nodes)
        if not are_known and not all(map(is_quantize, call.node.users)):
            return None
        result = self._computed(call.node)
        self.known[call.node] = result
        return self.constant(result, call.node.name, call.node)

    def _is_constant(self, node: Node) -> bool:
        """Whether a node is known, or computed of constants, casts included."""
        if node in self.known or node in self._computable:
            return True
        target, sources = overload(node), node.all_input_nodes
        if target is None or not sources or written_nodes(node) or node in self._changed:
            return False
        if target.namespace not in _FOLDED and not is_quantize(node) and not is_dequantize(node):
            return False
        if all(map(self._is_constant, sources)):
            self._computable.add(node)
            return True
        return False

    def _computed(self, node: Node) -> torch.Tensor:
        """The result of an operator on constants, each of which is computed once."""
        values = ChainMap[Node, torch.Tensor]({}, self.known)
        missing = [node]
        while missing:
            current = missing[-1]
            needed = [source for source in current.all_input_nodes if source not in values]
            if needed:
                missing += needed
                continue
            target = overload(missing.pop())
            assert target is not None
            arguments = torch.fx.map_arg((current.args, current.kwargs), values.__getitem__)
            with torch.no_grad():
                values[current] = target(*arguments[0], **arguments[1])
        return values[node]

    def _abandon(self, appended: int) -> None:
        """Erase what a conversion built before it gave up."""
        for op in reversed(self._body[appended:]):
            op.erase()
        del self._body[appended:]

    def _rebind(self, node: Node) -> None:
        """After an in-place operator, the nodes it wrote to mean its result."""
        for written in written_nodes(node):
            before = self.value(written)
            for other, values in self._values.items():
                if values and values[0] is before:
                    self._values[other] = [self._values[node][0]]
                    self._changed.add(other)
                    self._computable.discard(other)
            self.known.pop(written, None)

    def _name_of_parameter(self, node: Node) -> str:
        """The qualified name of a parameter; derived from its user if PT2E has dropped it."""
        name = self._parameter_names.get(node, node.name)
        if not name.startswith("_frozen_param"):
            return name
        user: Node = node
        for _ in range(4):  # dequantize, and casts
            if len(user.users) != 1:
                return name
            previous, user = user, next(iter(user.users))
            if path := module_path(user):
                role = {1: "weight", 2: "bias"}.get(_position(user, previous))
                if role is not None and overload(user) is not None:
                    return f"{path}.{role}"
        return name


def unsupported_operator(node: Node, source: Node | None = None) -> CompileError:
    """The error for a call of something that is not an operator on tensors, at its line."""
    hint = (
        "loops with a computed number of steps and other higher-order operators cannot be imported"
    )
    return CompileError(
        f"operator {node.target} is not supported", location=location(node, source), hint=hint
    )


def _without_dead(ops: list[Operation]) -> list[Operation]:
    """`ops` without constants, casts and reshapes that nothing uses."""
    kept = []
    for op in reversed(ops):
        is_pure = isinstance(op, ConstantOp | SCastOp | DCastOp | ReshapeOp)
        if is_pure and op.results[0].first_use is None:
            op.erase()
        else:
            kept.append(op)
    return kept[::-1]


def _position(user: Node, argument: Node) -> int:
    return user.args.index(argument) if argument in user.args else -1
