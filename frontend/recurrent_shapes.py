"""Shapes of recurrent layers without their steps, so that an export does not trace each step.

PyTorch finds the shapes of a recurrent layer's results by running all its steps on tensors without
data, which takes longer than a hundred runs of the layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from cmopt.frontend.upstream import Overload, python_kernels

OPERATORS: tuple[Overload, ...] = tuple(
    getattr(torch.ops.aten, name).input for name in ("lstm", "gru", "rnn_tanh", "rnn_relu")
)
"""The operators of recurrent layers. Their arguments are those of `_results`."""


def _results(
    sequence: torch.Tensor,
    state: Any,
    weights: list[torch.Tensor],
    has_biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[torch.Tensor, ...]:
    """Empty results: the outputs, as wide as the hidden state of all directions, and the state."""
    states = list(state) if isinstance(state, list | tuple) else [state]
    width = states[0].shape[-1] * (2 if bidirectional else 1)
    outputs = sequence.new_empty((*sequence.shape[:2], width))
    return (outputs, *(torch.empty_like(value) for value in states))


@contextmanager
def known_shapes() -> Iterator[None]:
    """Within it, recurrent layers on tensors without data give results of the right shapes."""
    with python_kernels(OPERATORS, _results):
        yield
