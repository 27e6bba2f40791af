"""Take apart, before quantization, operators that hide what an integer kernel exists for.

An `nn.LSTM` is exported as one operator; only its linear layers, products, sums, sigmoids and
hyperbolic tangents can be quantized.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.export import ExportedProgram

from cmopt.frontend.aliasing import writes_escape

aten = torch.ops.aten

_COMPOSITES = {
    aten.glu.default,
    aten.gru.input,
    aten.gru_cell.default,
    aten.lstm.input,
    aten.lstm_cell.default,
    aten.rnn_relu.input,
    aten.rnn_relu_cell.default,
    aten.rnn_tanh.input,
    aten.rnn_tanh_cell.default,
    aten.scaled_dot_product_attention.default,
    # These would be taken apart on import; each part must have been observed then.
    aten.split.Tensor,
    aten.unbind.int,
}

# A recurrent operator is taken apart into others of the list, an attention into none.
_ROUNDS = 4


def _attention(default: Callable[..., Any]) -> Callable[..., Any]:
    """Attention without a mask is softmax(q k^T / sqrt(d)) v.

    `default` also guards against rows in which everything is masked, which costs several
    operators; with a mask it is used.
    """

    def decomposition(
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        *,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Any:
        if attn_mask is not None or dropout_p or is_causal or enable_gqa:
            return default(
                query, key, value, attn_mask, dropout_p, is_causal,
                scale=scale, enable_gqa=enable_gqa,
            )  # fmt: skip
        factor = query.shape[-1] ** -0.5 if scale is None else scale
        scores = torch.matmul(query, key.transpose(-2, -1)) * factor
        return torch.matmul(torch.softmax(scores, -1), value)

    return decomposition


def decompose_composites(program: ExportedProgram) -> ExportedProgram:
    """`program` without recurrent and attention operators, and without in-place operators whose
    effect observers would hide; the same object if it has none of these."""
    attention = aten.scaled_dot_product_attention.default
    available = torch.export.default_decompositions()
    for _ in range(_ROUNDS):
        present = {node.target for node in program.graph.nodes} & _COMPOSITES
        if not present and not writes_escape(program.graph):
            break
        table = {target: available[target] for target in present if target in available}
        if attention in table:
            table[attention] = _attention(table[attention])
        program = program.run_decompositions(table)
    return program
