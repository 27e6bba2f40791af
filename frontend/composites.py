"""Take apart, before quantization, operators whose parts have integer kernels.

An `nn.LSTM` is exported as one operator; only its linear layers, products, sums, sigmoids and
hyperbolic tangents can be quantized. The same holds for each operator that is not in Core ATen and
is unknown to importer and quantizer: the importer would take it apart after quantization.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.fx import Node

from cmopt.frontend.aliasing import writes_escape, written_nodes
from cmopt.frontend.decomposing import decomposed
from cmopt.frontend.operators import BY_PARTS, CONVERSIONS, FREE, OBSERVED, PREPARED, REWRITTEN
from cmopt.frontend.overloads import operator_name, operator_of, overload, overload_name
from cmopt.frontend.structure import computed_nodes, tensor_inputs
from cmopt.frontend.upstream import Overload

aten = torch.ops.aten

# Operators that `rewriting` takes apart later.
_REWRITTEN = {name.split(".")[1] for name in (*PREPARED, *REWRITTEN)}


def _is_composite(target: Overload) -> bool:
    """Whether the parts of an operator should be quantized, not the operator as a whole."""
    name = operator_of(target)
    if OBSERVED.get(name) is BY_PARTS:
        return True
    return not (
        not name
        or torch.Tag.core in target.tags
        or overload_name(target) in CONVERSIONS
        or name in OBSERVED
        or name in _REWRITTEN
    )


# Some decompositions have parts that must be decomposed again, hence several rounds.
_ROUNDS = 4


def _attention(default: Callable[..., Any], is_mask_known: bool) -> Callable[..., Any]:
    """Attention is softmax(q k^T / sqrt(d) + mask) v, and 0 for rows in which all is masked.

    is_mask_known: masks are constants, so the factor 0 or 1 of each row is one too. For other masks
    the factor would cost several operators, so such rows are not 0. `default` has it always; it is
    used for dropout and grouped queries.
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
        if dropout_p or enable_gqa:
            return default(
                query, key, value, attn_mask, dropout_p, is_causal,
                scale=scale, enable_gqa=enable_gqa,
            )  # fmt: skip
        factor = query.shape[-1] ** -0.5 if scale is None else scale
        scores = torch.matmul(query, key.transpose(-2, -1)) * factor
        if is_causal:
            attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            attn_mask = torch.where(attn_mask, 0.0, -torch.inf)
        if attn_mask is not None:
            scores = scores + attn_mask
        result = torch.matmul(torch.softmax(scores, -1), value)
        if attn_mask is None or is_causal or not is_mask_known:
            return result
        return result * (attn_mask > -torch.inf).any(-1, keepdim=True).to(result.dtype)

    return decomposition


@cache
def _decompositions(is_mask_known: bool) -> dict[Any, Callable[..., Any]]:
    """PyTorch's decomposition, if any, of each operator of which only the parts are quantized."""
    available = torch.export.default_decompositions()
    table = {target: available[target] for target in available if _is_composite(target)}
    attention = aten.scaled_dot_product_attention.default
    return {**table, attention: _attention(table[attention], is_mask_known)}


def _needs_functions(program: ExportedProgram, computed: set[Node]) -> bool:
    """Whether the program has in-place operators that the quantizer cannot take as they are.

    computed: the nodes that depend on an input; what writes to a constant stops its evaluation.
    """
    writers = [node for node in program.graph.nodes if written_nodes(node)]
    are_known = all(
        node in computed
        and OBSERVED.get(operator_name(node)) is FREE
        and not node.kwargs.get("out")
        for node in writers
    )
    return not are_known or writes_escape(program.graph)


def _are_masks_known(computed: set[Node], inputs: Sequence[str]) -> bool:
    """Whether no mask of an attention depends on an input."""
    attention = aten.scaled_dot_product_attention.default
    masks = [
        node.args[3] if len(node.args) > 3 else node.kwargs.get("attn_mask")
        for node in computed
        if node.target is attention
    ]
    return not any(
        isinstance(mask, Node) and (mask in computed or mask.name in inputs) for mask in masks
    )


def decompose_composites(
    program: ExportedProgram, whole: Collection[Overload] = ()
) -> ExportedProgram:
    """`program` without operators of which only the parts can be quantized, and without in-place
    operators whose effect observers would hide; the same object if it has no such operator.

    Operators that depend on no input stay whole, because they are evaluated, not quantized.
    whole: others that stay.
    """
    for _ in range(_ROUNDS):
        computed = set(computed_nodes(program))
        present = {overload(node) for node in computed} - set(whole)
        decompositions = _decompositions(_are_masks_known(computed, tensor_inputs(program)))
        needs_functions = _needs_functions(program, computed)
        if present.isdisjoint(decompositions) and not needs_functions:
            break
        constant = {overload(node) for node in program.graph.nodes} - present
        table = {op: rule for op, rule in decompositions.items() if op not in constant}
        program = decomposed(program, table)
    return program
