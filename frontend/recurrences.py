"""Loops over a sequence during quantization: one cell, observed over all steps at once.

Observers inside a loop see one step at a time, which takes long, and `prepare_pt2e` cannot trace
them there. So a loop is one operator of the graph with observers, `cmopt::recurrence`. Its cell is
a graph of its own, which is prepared, calibrated and converted like a model. A run computes the
steps in float, then shows the cell's observers the operands of all steps as one batch. After
conversion the operator becomes `torch.ops.higher_order.scan` over the converted cell.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch._higher_order_ops.scan import scan
from torch.export import ExportedProgram
from torch.fx import Graph, GraphModule, Node

from cmopt.frontend.precision import Choice
from cmopt.frontend.recurrent_roles import GruConfig, LstmConfig
from cmopt.frontend.scans import is_scan
from cmopt.frontend.simulation import KeptSamples
from cmopt.frontend.structure import Arguments

_known: WeakValueDictionary[int, Recurrence] = WeakValueDictionary()
_numbers = itertools.count()

_KEPT = 8
"""The calibration samples of whose steps the cell's biases are corrected."""


@torch.library.custom_op("cmopt::recurrence", mutates_args=())
def recurrence(
    initial: Sequence[torch.Tensor], sequence: torch.Tensor, number: int
) -> list[torch.Tensor]:
    """Run the recurrence of this number. Returns the final carried values, then the outputs of all
    steps, stacked along dimension 0."""
    return _known[number].run(list(initial), sequence)


@recurrence.register_fake
def _(initial: Sequence[torch.Tensor], sequence: torch.Tensor, number: int) -> list[torch.Tensor]:
    """The first carried value has the shape of a step's output."""
    outputs = initial[0].new_empty((sequence.shape[0], *initial[0].shape))
    return [*(torch.empty_like(value) for value in initial), outputs]


class Recurrence:
    """One loop of a graph. It lives as long as the quantization that made it.

    cell: the float module of one step, see `recurrent_cells`. node: the call in the exported
    program, for its place in the user's model. config: of its parts. backwards: whether the last
    slice comes first.
    """

    def __init__(
        self,
        cell: torch.nn.Module,
        node: Node,
        choice: Choice,
        config: LstmConfig | GruConfig | None,
        *,
        backwards: bool,
    ):
        self.cell = cell
        self.node = node
        self.choice = choice
        self.config = config
        self.backwards = backwards
        self.number = next(_numbers)
        self.observed: GraphModule | None = None
        self.converted: GraphModule | None = None
        self.kept = KeptSamples(_KEPT)
        self.observes = False
        _known[self.number] = self

    def run(self, carried: list[torch.Tensor], sequence: torch.Tensor) -> list[torch.Tensor]:
        """All steps in float. While `observes`, the cell's observers see their operands."""
        steps: list[list[torch.Tensor]] = []
        outputs: list[torch.Tensor] = []
        order = range(sequence.shape[0])
        for t in order[::-1] if self.backwards else order:
            steps.append([*carried, sequence[t]])
            *carried, output = self.cell(*steps[-1])
            outputs.append(output)
        if self.observes and self.observed is not None:
            rows = [torch.cat(parts) for parts in zip(*steps, strict=True)]
            self.observed(*rows)
            self.kept.offer(Arguments(tuple(rows), {}))
        if self.backwards:
            outputs.reverse()
        return [*(value.clone() for value in carried), torch.stack(outputs)]


class Loop(torch.nn.Module):
    """A loop over a converted cell, in the form that is exported. Takes and returns what
    `recurrence` does."""

    def __init__(self, cell: torch.nn.Module, *, backwards: bool):
        super().__init__()
        self.cell = cell
        self._backwards = backwards

    def forward(self, initial: Sequence[torch.Tensor], sequence: torch.Tensor) -> list[Any]:
        def step(
            carried: list[torch.Tensor], part: torch.Tensor
        ) -> tuple[list[torch.Tensor], torch.Tensor]:
            *new, output = self.cell(*carried, part)
            return new, output.clone()  # a carried value must not be an output too

        final, outputs = scan(step, list(initial), sequence, reverse=self._backwards)
        return [*final, outputs]


def calls_of(graph: Graph, loop: Recurrence) -> list[Node]:
    """The calls of a loop: one, or none if nothing reads its results."""
    return [
        node
        for node in graph.nodes
        if node.target is torch.ops.cmopt.recurrence.default and node.args[2] == loop.number
    ]


def example_of_cell(module: GraphModule, loop: Recurrence) -> tuple[torch.Tensor, ...]:
    """Operands of a loop's cell, of zeros: the carried values, then a slice of the sequence."""
    (call,) = calls_of(module.graph, loop)
    initial, sequence, _ = call.args
    assert isinstance(initial, list | tuple) and isinstance(sequence, Node)
    shapes = [value.meta["val"].shape for value in initial if isinstance(value, Node)]
    shapes.append(sequence.meta["val"].shape[1:])
    return tuple(torch.zeros(shape) for shape in shapes)


def put_loops(converted: GraphModule, loops: Sequence[Recurrence]) -> None:
    """Replace the calls of loops by modules that loop over the converted cells, in place."""
    for loop in loops:
        for call in calls_of(converted.graph, loop):
            assert loop.converted is not None
            name = f"loop_{loop.number}"
            converted.add_module(name, Loop(loop.converted, backwards=loop.backwards))
            with converted.graph.inserting_before(call):
                made = converted.graph.call_module(name, call.args[:2])
            made.meta = dict(call.meta)
            call.replace_all_uses_with(made)
            converted.graph.erase_node(call)
    converted.recompile()


def name_sources(program: ExportedProgram, loops: Sequence[Recurrence]) -> None:
    """Write where the user's model has each loop into the meta data of its scan and of all nodes of
    the body, in place."""
    scans = [node for node in program.graph.nodes if is_scan(node)]
    for node, loop in zip(scans, loops, strict=True):
        found = {key: loop.node.meta.get(key) for key in ("stack_trace", "nn_module_stack")}
        known = {key: value for key, value in found.items() if value is not None}
        body = program.graph_module.get_submodule(str(node.args[0].target))
        assert isinstance(body, GraphModule)
        for inner in (node, *body.graph.nodes):
            inner.meta.update(known)
