"""Import `torch.ops.higher_order.scan` and `map_impl`, loops over a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.fx import GraphModule, Node
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Block, SSAValue

from cmopt.dialects.edge import ScanOp, YieldOp
from cmopt.dialects.quant import SCastOp, quantized_element, storage_type
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.support.diagnostics import CompileError

if TYPE_CHECKING:
    from cmopt.frontend.block_importer import BlockImporter


_MAP = torch.ops.higher_order.map_impl
"""It takes its body, the sequences, and what the body captures: it carries nothing."""


def is_scan(node: Node) -> bool:
    """Whether a node is a loop over a sequence."""
    is_loop = node.target is torch.ops.higher_order.scan or node.target is _MAP
    return node.op == "call_function" and is_loop


def import_scan(importer: BlockImporter, module: GraphModule, node: Node) -> list[SSAValue]:
    """Append the `edge.scan` of a node; returns its results, the final carried values first.

    module: that of the node's graph, which has the graph of the body. Constants that the body
    reads are made in it. Raises CompileError if there is no sequence, or a sequence is empty.
    """
    given = (node.args[0], [], *node.args[1:]) if node.target is _MAP else node.args
    graph, initial, sequences, captured = given
    assert isinstance(graph, Node)
    body = module.get_submodule(str(graph.target))
    assert isinstance(body, GraphModule)
    inner = importer.nested(body, node)
    placeholders = body.graph.find_nodes(op="placeholder")
    carried = [_plain(importer, value, node) for value in _nodes(initial)]
    walked = [_plain(importer, value, node) for value in _nodes(sequences)]
    steps = {shape_of(value)[:1] for value in walked}
    if len(steps) != 1 or steps == {(0,)}:
        raise CompileError(
            f"scan: its sequences have {sorted(sum(steps, ()))} steps",
            location=importer.location(node),
            hint="scan over sequences of one length, of 1 step at least",
        )
    ((count,),) = steps
    taken = placeholders[: len(carried) + len(walked)]
    invariants: list[SSAValue] = []
    for outside, inside in zip(_nodes(captured), placeholders[len(taken) :], strict=True):
        if outside in importer.known:
            inner.know(inside, importer.known[outside], importer.name_of(outside))
        else:
            invariants.append(_plain(importer, outside, node))
            taken.append(inside)
    slices = [TensorType(element_of(v), shape_of(v)[1:]) for v in walked]
    types = [*(v.type for v in carried), *slices, *(v.type for v in invariants)]
    block = Block(arg_types=types)
    for placeholder, argument in zip(taken, block.args, strict=True):
        argument.name_hint = placeholder.name
        argument.location = importer.location(node)
        inner.take(placeholder, argument)
    inner.import_calls()
    results = [_plain(inner, value, value) for value in _nodes(body.graph.output_node().args[0])]
    inner.fill(block, YieldOp(*results))
    stacked = [TensorType(element_of(v), (count, *shape_of(v))) for v in results[len(carried) :]]
    scan = ScanOp(carried, walked, invariants, block, stacked, steps=count)
    importer.append(scan, node)
    return list(scan.results)


def _nodes(given: object) -> list[Node]:
    assert isinstance(given, list | tuple)
    nodes = [node for node in given if isinstance(node, Node)]
    assert len(nodes) == len(given), "a loop takes and gives tensors"
    return nodes


def _plain(importer: BlockImporter, value: Node, node: Node) -> SSAValue:
    """A value as plain numbers, as the graph sees it."""
    found = importer.value(value)
    if quantized_element(found.type) is None:
        return found
    return importer.append(SCastOp(found, storage_type(found.type)), node)
