"""From a `torch.export` program to the `edge` dialect."""

from __future__ import annotations

from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import (
    ConstantArgument,
    InputKind,
    OutputKind,
    TensorArgument,
)
from torch.fx import Node
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    ModuleOp,
    StringAttr,
    TensorType,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Region, SSAValue

from cmopt.dialects.edge import ToDimOrderOp, with_dim_order
from cmopt.dialects.program import (
    INITIAL_VALUE,
    NAME,
    NEXT_VALUE_OF,
    PRECISION,
    border_attributes,
    terminator,
    to_array,
)
from cmopt.dialects.quant import SCastOp, quantized_element, storage_type
from cmopt.frontend.block_importer import BlockImporter, elements_of, legal_name
from cmopt.frontend.explicit_state import changed_buffers
from cmopt.frontend.import_form import normalize
from cmopt.frontend.locations import location
from cmopt.frontend.precision import precision_report
from cmopt.frontend.regions import merge_regions
from cmopt.frontend.state import (
    copy_written_inputs,
    drop_batch_counters,
    refuse_state,
    with_functional_state,
)
from cmopt.frontend.structure import output_names
from cmopt.frontend.tensor_types import (
    UnsupportedTensor,
    input_order,
    memory_order,
    tensor_type,
)
from cmopt.frontend.trained_batch_norms import fold_trained_batch_norms
from cmopt.support.diagnostics import CompileError, verify

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
        raise TypeError(
            f"expected an ExportedProgram, not {type(exported).__name__}: pass what cmopt.quantize "
            "or torch.export.export returns"
        )
    exported = copy_written_inputs(drop_batch_counters(merge_regions(exported)))
    exported = with_functional_state(exported)
    refuse_state(exported)  # before decompositions, which may fail on it or remove it
    exported = normalize(fold_trained_batch_norms(exported))
    module = Importer(exported).module(method)
    verify(module)
    return module


class Importer(BlockImporter):
    """Builds the function of one program."""

    def __init__(self, program: ExportedProgram):
        super().__init__(program.graph_module)
        self._program = program
        # The placeholders of state, in order, with its name and its initial value.
        self._kept: dict[Node, tuple[str, torch.Tensor]] = {}

    def module(self, method: str) -> ModuleOp:
        """Import the program as a function named `method`."""
        self._check_outputs()
        inputs = self._inputs()
        kept = self._kept
        types = [
            *(self._border_type(node, "input") for node in inputs),
            *(tensor_type(value) for _, value in kept.values()),
        ]
        block = Block(arg_types=types)
        for node, argument in zip([*inputs, *kept], block.args, strict=True):
            argument.name_hint = legal_name(node.name)
            argument.location = location(node)
            self.take(node, self._to_order(argument, tensor_type(node.meta["val"]), node))
        self.import_calls()
        names, results = self._results()
        self.fill(block, ReturnOp(*results))
        states = [name for name, _ in kept.values()]
        function = FuncOp(
            method,
            FunctionType.from_lists(types, [value.type for value in results]),
            Region(block),
            arg_attrs=_names([*(node.name for node in inputs), *states]),
            res_attrs=_names([*names, *states]),
        )
        self._mark_states(function)
        if (report := precision_report(self._program)) is not None:
            function.attributes[PRECISION] = StringAttr(report.to_json())
        return ModuleOp([function])

    def _check_outputs(self) -> None:
        """Refuse programs that change state or return anything other than the user's outputs."""
        refuse_state(self._program)
        for spec in self._program.graph_signature.output_specs:
            if spec.kind not in (OutputKind.USER_OUTPUT, OutputKind.BUFFER_MUTATION):
                raise CompileError(
                    f"output {spec.arg.name} of kind {spec.kind.name} is not supported"
                )

    def _inputs(self) -> list[Node]:
        """The placeholders of the user's tensors; those of constants become known."""
        placeholders = {n.name: n for n in self._program.graph.nodes if n.op == "placeholder"}
        state = {**self._program.state_dict, **self._program.constants}
        changed = changed_buffers(self._program)
        inputs: list[Node] = []
        for spec in self._program.graph_signature.input_specs:
            if spec.kind in _CONSTANT_KINDS:
                node, target = placeholders[spec.arg.name], spec.target
                assert target is not None
                if target in changed:
                    self._kept[node] = target, state[target]
                else:
                    self.know(node, state[target], target)
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
        """Names and values of the user's outputs, as plain numbers in the exported memory order,
        then values of all state.

        Constants among the outputs, such as numbers and None, are left out.
        """
        made: Any = self._program.graph.output_node().args[0]
        specs = self._program.graph_signature.output_specs
        output = [n for n, s in zip(made, specs, strict=True) if s.kind is OutputKind.USER_OUTPUT]
        new = {s.target: n for n, s in zip(made, specs, strict=True) if s.target is not None}
        names, values = [], []
        for name, node in zip(output_names(self._program), output, strict=True):
            if not isinstance(node, Node):
                continue
            value = self._plain(node)
            values.append(self._to_order(value, self._border_type(node, "output"), node))
            names.append(name)
        values += [self._plain(new[name]) for name, _ in self._kept.values()]
        if not values:
            raise CompileError("the program has no output that is a tensor")
        return names, values

    def _plain(self, node: Node) -> SSAValue:
        value = self.value(node)
        if quantized_element(value.type) is None:
            return value
        if node in self.shifted:
            raise CompileError(
                "an output is quantized to uint8", location=self.location(node), hint="use int8"
            )
        return self.append(SCastOp(value, storage_type(value.type)), node)

    def _mark_states(self, function: FuncOp) -> None:
        """Set the attributes of state on the last arguments and results."""
        given = border_attributes(function.arg_attrs, len(function.body.block.args))
        made = border_attributes(function.res_attrs, len(terminator(function).operands))
        for i, (_, value) in enumerate(reversed(self._kept.values()), start=1):
            given[-i][INITIAL_VALUE] = elements_of(value)
            made[-i] = {NEXT_VALUE_OF: given[-i][NAME]}
        function.arg_attrs, function.res_attrs = to_array(given), to_array(made)


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
