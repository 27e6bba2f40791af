"""From a `torch.export` program to the `edge` dialect."""

from __future__ import annotations

import re
from typing import Any, cast

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import (
    ConstantArgument,
    InputKind,
    OutputKind,
    TensorArgument,
)
from torch.fx import Node
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import (
    ArrayAttr,
    BytesAttr,
    DenseIntOrFPElementsAttr,
    DictionaryAttr,
    FunctionType,
    ModuleOp,
    NameLoc,
    StringAttr,
    TensorType,
    UnknownLoc,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge import ReshapeOp, ToDimOrderOp, with_dim_order
from cmopt.dialects.program import PRECISION
from cmopt.dialects.quant import DCastOp, SCastOp, quantized_element, storage_type
from cmopt.frontend.aliasing import written_nodes
from cmopt.frontend.call import Call, Converted
from cmopt.frontend.generic_call import generic_call
from cmopt.frontend.import_form import normalize
from cmopt.frontend.locations import location, module_path, source_nodes
from cmopt.frontend.operators import CONVERSIONS
from cmopt.frontend.overloads import is_getitem, overload
from cmopt.frontend.precision import precision_report
from cmopt.frontend.regions import merge_regions
from cmopt.frontend.state import copy_written_inputs, drop_batch_counters, refuse_state
from cmopt.frontend.structure import output_names
from cmopt.frontend.tensor_types import (
    UnsupportedTensor,
    input_order,
    memory_order,
    tensor_type,
)
from cmopt.frontend.trained_batch_norms import fold_trained_batch_norms
from cmopt.support.diagnostics import CompileError, verify

_FOLDED = {"aten", "dim_order_ops"}
_CONSTANT_KINDS = {InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR}


def import_program(exported: ExportedProgram, *, method: str = "forward") -> ModuleOp:
    """Import a program, in the ATen or the Edge dialect, quantized or not.

    The module holds one `func.func @<method>`: an argument for each input tensor and a result for
    each output tensor, both with a name as `edge.name` (see `structure`).
    Inside, every tensor is in default memory order; inputs and outputs in another order carry it
    on their type and are converted at the border. Parameters, buffers and tensors made in the
    graph are `arith.constant`, one for each distinct content. The module is verified.

    Raises `CompileError`, at the user's line if there is one.
    """
    manager: Any = exported
    if hasattr(manager, "exported_program"):  # ExecuTorch's, of all methods of a model
        if len(manager.methods) != 1:
            names = ", ".join(sorted(manager.methods))
            raise CompileError(f"the program has several methods: {names}", hint="pass one of them")
        exported = manager.exported_program(*manager.methods)
    if not isinstance(exported, ExportedProgram):
        raise TypeError(f"expected an ExportedProgram, not {type(exported).__name__}")
    exported = copy_written_inputs(drop_batch_counters(merge_regions(exported)))
    refuse_state(exported)  # before decompositions, which may fail on it or remove it
    exported = normalize(fold_trained_batch_norms(exported))
    module = Importer(exported).module(method)
    verify(module)
    return module


def _hint(name: str) -> str:
    """A legal SSA name for a node or the path of a parameter."""
    clean = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return clean if re.match(r"[A-Za-z_]", clean) else f"_{clean}"


class Importer:
    """Builds the function of one program; conversions append to it through `Call`."""

    def __init__(self, program: ExportedProgram):
        self._program = program
        self._sources = source_nodes(program.graph)
        self._values: dict[Node, list[SSAValue]] = {}
        # Tensors with a known value, for quantization parameters and for folding.
        self.known: dict[Node, torch.Tensor] = {}
        self._parameter_names: dict[Node, str] = {}
        self._constants: dict[tuple[Attribute, bytes], SSAValue] = {}
        self._reinterpreted: dict[tuple[SSAValue, Attribute], SSAValue] = {}
        # Constants come first in the function, in the order of their first use.
        self._head: list[Operation] = []
        self._body: list[Operation] = []

    # ------------------------------------------------------------------------ for conversions

    def location(self, node: Node) -> NameLoc:
        """Where in the user's model `node` comes from."""
        return location(node, self._sources.get(node))

    def append(self, op: Operation, node: Node) -> SSAValue:
        """Append an op that stands for `node`; returns its first result."""
        op.location = self.location(node)
        self._body.append(op)
        for result in op.results:
            result.name_hint = _hint(node.name)
        return op.results[0]

    def constant(self, value: torch.Tensor, name: str, node: Node | None = None) -> SSAValue:
        """The constant of this content and type, made and named on first use."""
        # Not `contiguous`, which keeps a stride of 0 of a dimension of size 1.
        value = torch.empty(value.shape, dtype=value.dtype).copy_(value.detach())
        type = tensor_type(value)
        data = value.reshape(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b""
        if (found := self._constants.get((type, data))) is not None:
            return found
        elements: DenseIntOrFPElementsAttr[Any] = DenseIntOrFPElementsAttr(
            cast(TensorType[Any], type), BytesAttr(data)
        )
        op = ConstantOp(elements, type)
        op.location = NameLoc(StringAttr(name), UnknownLoc())
        if node is not None and node in self._sources:
            op.location = self.location(node)
        op.result.name_hint = _hint(name)
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

    # ------------------------------------------------------------------------------- the program

    def module(self, method: str) -> ModuleOp:
        """Import the program as a function named `method`."""
        self._check_outputs()
        inputs = self._inputs()
        types = [self._border_type(node, "input") for node in inputs]
        block = Block(arg_types=types)
        for node, argument in zip(inputs, block.args, strict=True):
            argument.name_hint = _hint(node.name)
            argument.location = location(node)
            self._values[node] = [self._to_order(argument, tensor_type(node.meta["val"]), node)]
        for node in self._program.graph.nodes:
            if node.op == "call_function":
                self._import_call(node)
            elif node.op not in ("placeholder", "output", "get_attr"):
                raise CompileError(f"the graph holds a {node.op} node, {node.name}")
            # A get_attr is a branch of a control flow operator; the operator itself is refused.
        names, results = self._results()
        self._body.append(ReturnOp(*results))
        block.add_ops(_without_dead([*self._head, *self._body]))
        function = FuncOp(
            method,
            FunctionType.from_lists(types, [value.type for value in results]),
            Region(block),
            arg_attrs=_names([node.name for node in inputs]),
            res_attrs=_names(names),
        )
        if (report := precision_report(self._program)) is not None:
            function.attributes[PRECISION] = StringAttr(report.to_json())
        return ModuleOp([function])

    def _check_outputs(self) -> None:
        """Refuse programs that change state or return anything other than the user's outputs."""
        refuse_state(self._program)
        for spec in self._program.graph_signature.output_specs:
            if spec.kind is not OutputKind.USER_OUTPUT:
                raise CompileError(
                    f"output {spec.arg.name} of kind {spec.kind.name} is not supported"
                )

    def _inputs(self) -> list[Node]:
        """The placeholders of the user's tensors; those of constants become known."""
        placeholders = {n.name: n for n in self._program.graph.nodes if n.op == "placeholder"}
        state = {**self._program.state_dict, **self._program.constants}
        inputs: list[Node] = []
        for spec in self._program.graph_signature.input_specs:
            if spec.kind in _CONSTANT_KINDS:
                node, target = placeholders[spec.arg.name], spec.target
                assert target is not None
                self.known[node] = state[target]
                self._parameter_names[node] = target
            elif spec.kind is InputKind.USER_INPUT and isinstance(spec.arg, TensorArgument):
                inputs.append(placeholders[spec.arg.name])
            elif spec.kind is InputKind.USER_INPUT and isinstance(spec.arg, ConstantArgument):
                continue  # a number or None, already in the graph
            else:
                raise CompileError(
                    f"input {spec.arg.name} of kind {spec.kind.name} is not a tensor",
                    hint="only tensors can be inputs",
                )
        return inputs

    def _border_type(self, node: Node, what: str) -> TensorType[Attribute]:
        """The type of an input or output, with its memory order."""
        value = node.meta["val"]
        order = input_order if what == "input" else memory_order
        try:
            return with_dim_order(tensor_type(value), order(value))
        except UnsupportedTensor as error:
            raise CompileError(
                f"{what} {node.name}: {error}", location=self.location(node), hint=error.hint
            ) from None

    def _to_order(self, value: SSAValue, type: Attribute, node: Node) -> SSAValue:
        return value if value.type == type else self.append(ToDimOrderOp([value], type), node)

    def _results(self) -> tuple[list[str], list[SSAValue]]:
        """Names and values of the user's outputs, as plain numbers in the exported memory order.

        Constants among them, such as numbers and None, are left out.
        """
        output = self._program.graph.output_node().args[0]
        assert isinstance(output, tuple | list)
        names, values = [], []
        for name, node in zip(output_names(self._program), output, strict=True):
            if not isinstance(node, Node):
                continue
            value = self.value(node)
            if quantized_element(value.type) is not None:
                value = self.append(SCastOp(value, storage_type(value.type)), node)
            values.append(self._to_order(value, self._border_type(node, "output"), node))
            names.append(name)
        if not values:
            raise CompileError("the program has no output that is a tensor")
        return names, values

    def _import_call(self, node: Node) -> None:
        if is_getitem(node):
            source, index = node.args
            assert isinstance(source, Node) and isinstance(index, int)
            # The conversion may have made only the results that are used.
            if index < len(self._values[source]):
                self._values[node] = [self._values[source][index]]
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
        """The constant result of an operator whose tensors are all known; PyTorch computes it."""
        sources, value = call.node.all_input_nodes, call.node.meta.get("val")
        if (
            call.target.namespace not in _FOLDED
            or not sources
            or not isinstance(value, torch.Tensor)
        ):
            return None
        if any(source not in self.known for source in sources) or written_nodes(call.node):
            return None
        arguments = torch.fx.map_arg((call.node.args, call.node.kwargs), self.known.__getitem__)
        with torch.no_grad():
            result = call.target(*arguments[0], **arguments[1])
        self.known[call.node] = result
        return self.constant(result, call.node.name, call.node)

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
    hint = "control flow and other higher-order operators cannot be imported"
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


def _names(names: list[str]) -> ArrayAttr[DictionaryAttr]:
    """`{edge.name = "x"}` for each name, equal names numbered."""
    seen: set[str] = set()
    unique = []
    for name in names:
        candidate, number = name, 1
        while candidate in seen:
            candidate, number = f"{name}_{number}", number + 1
        seen.add(candidate)
        unique.append(candidate)
    return ArrayAttr([DictionaryAttr({"edge.name": StringAttr(name)}) for name in unique])
