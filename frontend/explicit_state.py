"""State of a program as inputs and outputs, for quantization, and back.

A buffer that a model changes is state: PyTorch keeps it from call to call. Observers must see it
like any other value, so that during quantization it is an input, and its new value an output.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.exported_program import ModuleCallEntry, ModuleCallSignature
from torch.export.graph_signature import (
    ExportGraphSignature,
    InputKind,
    InputSpec,
    OutputKind,
    OutputSpec,
)
from torch.fx import GraphModule
from torch.utils._pytree import TreeSpec, tree_structure

from cmopt.frontend.structure import Arguments

_ARGUMENT = "cmopt_state_"
"""What the names of the arguments begin with that are state."""


@dataclass(frozen=True)
class States:
    """The state of a program, in order. initial: by the name of the buffer, its value."""

    initial: Mapping[str, torch.Tensor]

    def arguments(self, values: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
        """Values of all state as keyword arguments."""
        return {f"{_ARGUMENT}{i}": value for i, value in enumerate(values)}

    def added_to(self, sample: Arguments, values: Sequence[torch.Tensor]) -> Arguments:
        """The arguments of a call, and values of all state."""
        return Arguments(sample.args, {**sample.kwargs, **self.arguments(values)})


def changed_buffers(program: ExportedProgram) -> list[str]:
    """The buffers that a functional program changes, in the order of its outputs."""
    return [
        str(spec.target)
        for spec in program.graph_signature.output_specs
        if spec.kind is OutputKind.BUFFER_MUTATION
    ]


def take_state_out(program: ExportedProgram) -> tuple[ExportedProgram, States]:
    """A functional program whose buffers that it changes are inputs, and their new values outputs.

    They come after the user's. The call takes them as keyword arguments, and returns a pair of what
    the program returned and of a list of the new values. The given program is not changed; it is
    returned if it has no state.
    """
    names = changed_buffers(program)
    if not names:
        return program, States({})
    signature = program.graph_signature
    kept = [spec for spec in signature.input_specs if spec.target not in names]
    by_name = {spec.target: spec for spec in signature.input_specs if spec.target in names}
    taken = [InputSpec(InputKind.USER_INPUT, by_name[name].arg, None) for name in names]
    made = [s for s in signature.output_specs if s.kind is OutputKind.BUFFER_MUTATION]
    results = [s for s in signature.output_specs if s.kind is not OutputKind.BUFFER_MUTATION]
    new = [OutputSpec(OutputKind.USER_OUTPUT, spec.arg, None) for spec in made]
    values = {**program.state_dict, **program.constants}
    states = States({name: values[name].detach().clone() for name in names})
    args, kwargs = program.example_inputs or ((), {})
    example = (args, {**kwargs, **states.arguments(list(states.initial.values()))})
    out_spec = program.call_spec.out_spec
    assert out_spec is not None
    outputs = out_spec.unflatten(range(out_spec.num_leaves))
    return (
        _rebuilt(
            program,
            ExportGraphSignature([*kept, *taken], [*results, *new]),
            example,
            tree_structure(example),
            tree_structure((outputs, list(names))),
            {key: value for key, value in program.state_dict.items() if key not in names},
        ),
        states,
    )


def put_state_back(program: ExportedProgram, states: States, example: Arguments) -> ExportedProgram:
    """The inverse of `take_state_out`. example: the arguments of a call, without the state."""
    names, signature = list(states.initial), program.graph_signature
    users = [spec for spec in signature.input_specs if spec.kind is InputKind.USER_INPUT]
    inputs = users[: len(users) - len(names)]
    parameters = [spec for spec in signature.input_specs if spec.kind is not InputKind.USER_INPUT]
    kept = [
        InputSpec(InputKind.BUFFER, spec.arg, name, persistent=True)
        for spec, name in zip(users[len(inputs) :], names, strict=True)
    ]
    made = signature.output_specs
    outputs = made[: len(made) - len(names)]
    new = [
        OutputSpec(OutputKind.BUFFER_MUTATION, spec.arg, name)
        for spec, name in zip(made[len(outputs) :], names, strict=True)
    ]
    given = (example.args, dict(example.kwargs))
    out_spec = program.call_spec.out_spec
    assert out_spec is not None
    returned, _ = out_spec.unflatten(range(out_spec.num_leaves))
    return _rebuilt(
        program,
        ExportGraphSignature([*parameters, *kept, *inputs], [*new, *outputs]),
        given,
        tree_structure(given),
        tree_structure(returned),
        {**program.state_dict, **states.initial},
    )


def _rebuilt(
    program: ExportedProgram,
    signature: ExportGraphSignature,
    example: tuple[Any, dict[str, Any]],
    in_spec: TreeSpec,
    out_spec: TreeSpec,
    state_dict: dict[str, Any],
) -> ExportedProgram:
    """A copy of a program with its inputs and outputs in the order of another signature."""
    module = copy.deepcopy(program.graph_module)
    for node, before in zip(module.graph.nodes, program.graph.nodes, strict=True):
        node.name = before.name
    _order_inputs(module, [spec.arg.name for spec in signature.input_specs])
    output = module.graph.output_node()
    places = {s.arg.name: i for i, s in enumerate(program.graph_signature.output_specs)}
    given: Any = output.args[0]
    output.args = (tuple(given[places[spec.arg.name]] for spec in signature.output_specs),)
    module.recompile()
    calls = []
    for entry in program.module_call_graph:
        if entry.fqn == "" and entry.signature is not None:
            names = entry.signature.forward_arg_names or []
            names = [name for name in names if not name.startswith(_ARGUMENT)]
            names += [name for name in example[1] if name.startswith(_ARGUMENT)]
            call = ModuleCallSignature([], [], in_spec, out_spec, names)
            entry = replace(entry, signature=call)
        calls.append(entry)
    assert all(isinstance(entry, ModuleCallEntry) for entry in calls)
    return ExportedProgram(
        root=module,
        graph=module.graph,
        graph_signature=signature,
        state_dict=state_dict,
        range_constraints=program.range_constraints,
        module_call_graph=calls,
        example_inputs=example,
        constants=program.constants,
        verifiers=program.verifiers,
    )


def _order_inputs(module: GraphModule, names: Sequence[str]) -> None:
    """Put the placeholders of a graph in another order, in place."""
    found = {node.name: node for node in module.graph.find_nodes(op="placeholder")}
    (first, *_) = module.graph.nodes
    for name in names:
        if found[name] is not first:
            first.prepend(found[name])
        else:
            first = first.next
