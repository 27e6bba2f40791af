"""Replace the recurrent layers of a graph by loops over their cells."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node

from cmopt.frontend.graph_building import attribute_of, finish_rewrite, insert
from cmopt.frontend.precision import choice_of
from cmopt.frontend.recurrences import Recurrence
from cmopt.frontend.recurrent_cells import GruCell, LstmCell, ReluCell, TanhCell
from cmopt.frontend.recurrent_roles import GruConfig, LstmConfig
from cmopt.frontend.structure import computed_nodes

aten = torch.ops.aten

Configs: TypeAlias = Mapping[Any, LstmConfig | GruConfig | None]
"""By operator, how its cells are quantized."""

CELLS: dict[Any, type[torch.nn.Module]] = {
    aten.lstm.input: LstmCell,
    aten.gru.input: GruCell,
    aten.rnn_tanh.input: TanhCell,
    aten.rnn_relu.input: ReluCell,
}
"""The cell of each operator of a recurrent layer."""

_WEIGHTS = 2
"""The place of the weights among the arguments of these operators."""


def recurrent_operators(program: ExportedProgram) -> set[Any]:
    """The operators of recurrent layers in a program, if all of them have constant weights."""
    nodes = [node for node in program.graph.nodes if node.target in CELLS]
    computed = set(computed_nodes(program))
    weights = [weight for node in nodes for weight in node.args[_WEIGHTS]]
    return set() if any(w in computed for w in weights) else {node.target for node in nodes}


def replace_recurrent_layers(module: GraphModule, configs: Configs) -> list[Recurrence]:
    """Replace each recurrent layer by a loop for each of its layers and directions, in place.

    Weights must be attributes of the module. configs: by operator. Returns the loops in the order
    of the graph.
    """
    found: list[Recurrence] = []
    for node in list(module.graph.nodes):
        if node.target in CELLS:
            with module.graph.inserting_before(node):
                results = _Layers(module, node, found, configs.get(node.target)).build()
            for user in list(node.users):
                user.replace_all_uses_with(results[user.args[1]])
                module.graph.erase_node(user)
            module.graph.erase_node(node)
    if found:
        finish_rewrite(module)
    return found


class _Layers:
    """Builds the loops of one call of `nn.LSTM`, `nn.GRU` or `nn.RNN`. Appends them to `found`."""

    def __init__(
        self,
        module: GraphModule,
        node: Node,
        found: list[Recurrence],
        config: LstmConfig | GruConfig | None,
    ):
        self.module, self.node, self.found, self.config = module, node, found, config
        # Of the operator: dropout and train, at 5 and 6, are for training only.
        given: Any = node.args
        self.sequence, initial, self.weights, self.has_biases, self.layers = given[:5]
        self.directions, self.batch_first = 1 + bool(given[7]), given[8]
        self.states = list(initial) if isinstance(initial, list | tuple) else [initial]

    def call(self, target: Callable[..., Any], *args: Any) -> Node:
        return insert(self.module.graph, self.node, target, *args)

    def build(self) -> list[Node]:
        """The results of the call: the outputs, then the final value of each part of the state."""
        sequence = self.sequence
        if self.batch_first:
            sequence = self.call(aten.transpose.int, sequence, 0, 1)
        finals: list[list[Node]] = [[] for _ in self.states]
        for layer in range(self.layers):
            outputs = []
            for direction in range(self.directions):
                index = layer * self.directions + direction
                *final, output = self._loop(index, sequence, backwards=direction == 1)
                outputs.append(output)
                for values, value in zip(finals, final, strict=True):
                    values.append(value)
            sequence = outputs[0]
            if self.directions == 2:
                sequence = self.call(aten.cat.default, outputs, -1)
        if self.batch_first:
            sequence = self.call(aten.transpose.int, sequence, 0, 1)
        return [sequence, *(self.call(aten.stack.default, values) for values in finals)]

    def _loop(self, index: int, sequence: Node, *, backwards: bool) -> list[Node]:
        """The loop of a layer and direction: its final carried values, and its outputs."""
        count = len(self.weights) // (self.layers * self.directions)
        nodes = self.weights[index * count : (index + 1) * count]
        weights = [attribute_of(self.module, node) for node in nodes]
        splits = self.config is not None and self.config.split_gates
        cell = CELLS[self.node.target](weights, self.has_biases, split_gates=splits).eval()
        loop = Recurrence(cell, self.node, choice_of(self.node), self.config, backwards=backwards)
        self.found.append(loop)
        carried = [self.call(aten.select.int, state, 0, index) for state in self.states]
        call = self.call(torch.ops.cmopt.recurrence.default, carried, sequence, loop.number)
        return [self.call(operator.getitem, call, i) for i in range(len(carried) + 1)]
