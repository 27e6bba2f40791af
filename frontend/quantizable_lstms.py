"""The LSTMs of `torch.ao.nn.quantizable`, also with observers in them, as `nn.LSTM`.

`nn.LSTM` becomes a loop over a cell that is observed in quantization. An LSTM of
`_get_lstm_with_individually_observed_parts` holds observers of its own, which `torch.export` cannot
trace, and one without observers would be unrolled. Only the types of these observers count: which
parts have more than 8 bits. The ranges are those of the calibration samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.ao.nn.quantizable import LSTM as QuantizableLSTM
from torch.ao.quantization import FakeQuantizeBase, ObserverBase
from torch.fx import GraphModule, Node
from torch.utils._pytree import tree_leaves

from cmopt.frontend.recurrent_roles import LstmConfig, Role

_GATES = ("input", "forget", "cell", "output")
"""The order of the gates in the weights of `nn.LSTM`."""

_ROLES = {
    "input_gate": "sigmoid",
    "forget_gate": "sigmoid",
    "output_gate": "sigmoid",
    "cell_gate": "tanh",
}
"""The roles of what the modules of a cell give."""


def quantizable_lstms(module: torch.nn.Module) -> dict[str, QuantizableLSTM]:
    """The quantizable LSTMs of a model by name; that of the model itself is empty."""
    return {
        name: part for name, part in module.named_modules() if isinstance(part, QuantizableLSTM)
    }


def with_plain_lstms(module: torch.nn.Module) -> torch.nn.Module:
    """A model with an `nn.LSTM` of equal weights instead of each quantizable one. The model itself
    is changed and returned, unless it is such an LSTM."""
    for name, part in quantizable_lstms(module).items():
        plain = _plain(part)
        if not name:
            return plain
        module.set_submodule(name, plain)
    return module


def config_of(module: torch.nn.Module) -> LstmConfig | None:
    """How the quantizable LSTMs of a model are to be quantized; None if there are none.

    Raises ValueError if they differ: all LSTMs of a model have one configuration.
    """
    cells = [cell for part in quantizable_lstms(module).values() for cell in _cells(part)]
    configs = {_config(cell) for cell in cells}
    if len(configs) > 1:
        raise ValueError(
            "the quantizable LSTMs of the model observe their parts in different types, and all "
            "LSTMs of a model are quantized alike"
        )
    return configs.pop() if configs else None


def _cells(part: QuantizableLSTM) -> Iterator[Any]:
    """The cells of all layers and directions, in the order of `nn.LSTM`'s parameters."""
    layers: Any = part.layers
    for layer in layers:
        yield layer.layer_fw.cell
        if part.bidirectional:
            yield layer.layer_bw.cell


def _plain(part: QuantizableLSTM) -> torch.nn.LSTM:
    plain = torch.nn.LSTM(
        part.input_size, part.hidden_size, part.num_layers, part.bias, part.batch_first,
        bidirectional=part.bidirectional,
    )  # fmt: skip
    cells = list(_cells(part))
    with torch.no_grad():
        for index, cell in enumerate(cells):
            layer, backwards = divmod(index, 1 + bool(part.bidirectional))
            end = f"_l{layer}" + ("_reverse" if backwards else "")
            for gates, name in (("igates", "ih"), ("hgates", "hh")):
                layers = _layers(getattr(cell, gates))
                getattr(plain, f"weight_{name}{end}").copy_(torch.cat([x.weight for x in layers]))
                if part.bias:
                    getattr(plain, f"bias_{name}{end}").copy_(torch.cat([x.bias for x in layers]))
    return plain.train(part.training)


def _is_split(gates: torch.nn.Module) -> bool:
    return not isinstance(gates, torch.nn.Linear)


def _layers(gates: Any) -> list[Any]:
    """The linear layers of the gates: one for all, or one for each."""
    return [getattr(gates, name) for name in _GATES] if _is_split(gates) else [gates]


def _config(cell: Any) -> LstmConfig:
    """The configuration of one cell: its gates, and the types of its observers by role."""
    is_split = _is_split(cell.igates)
    if not isinstance(cell, GraphModule):
        return LstmConfig(split_gates=is_split)
    types: dict[str, Role] = {}
    for node in cell.graph.nodes:
        observer = _observer(cell, node)
        role = None if observer is None else _role(cell, node.all_input_nodes[0])
        if role is not None and _is_wide(observer):
            types[role] = "int16"
    return LstmConfig(split_gates=is_split, **types)


def _observer(cell: GraphModule, node: Node) -> Any | None:
    if node.op != "call_module":
        return None
    found = cell.get_submodule(str(node.target))
    return found if isinstance(found, ObserverBase | FakeQuantizeBase) else None


def _is_wide(observer: Any) -> bool:
    """Whether an observer is for more than 8 bits, such as one of qint32 with 16."""
    low, high = (getattr(observer, name, None) for name in ("quant_min", "quant_max"))
    if low is None or high is None:
        return bool(observer.dtype == torch.qint32)
    return int(high) - int(low) > 255


def _role(cell: GraphModule, node: Node) -> str | None:
    """The role of what a node gives, as `LstmConfig` names it; None for what is no part."""
    if node.op == "call_module":
        return _ROLES.get(str(node.target))
    if node.target is torch.tanh:
        return "tanh"
    if node.target not in (torch.add, torch.mul):
        return None
    made_by = [_source(cell, operand) for operand in node.all_input_nodes]
    if all(maker.op == "call_module" and "gates" in str(maker.target) for maker in made_by):
        return "linear"
    hidden = tree_leaves(cell.graph.output_node().args[0])[0]
    return "hidden_state" if _source(cell, hidden) is node else "cell_state"


def _source(cell: GraphModule, node: Node) -> Node:
    """A value without its observer."""
    return node.all_input_nodes[0] if _observer(cell, node) is not None else node
