"""One step of the recurrent layers of PyTorch, as modules whose parts can be quantized.

A cell takes its carried values, then one slice of the sequence. It returns the new carried values,
then the step's output. Shapes: carried values and outputs are (batch, size), slices (batch, input).
The formulas are those of `torch.nn.LSTM`, `GRU` and `RNN`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
import torch.nn.functional as F

Tensors: TypeAlias = tuple[torch.Tensor, ...]


class _Cell(torch.nn.Module):
    """A cell with PyTorch's weights: of the input, of the state, and their biases if any."""

    weight_ih: torch.Tensor
    weight_hh: torch.Tensor
    bias_ih: torch.Tensor | None
    bias_hh: torch.Tensor | None
    weight_hr: torch.Tensor | None

    def __init__(self, weights: Sequence[torch.Tensor], has_biases: bool):
        super().__init__()
        names = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if has_biases else [])]
        names += ["weight_hr"] if len(weights) > len(names) else []
        for name, value in zip(names, weights, strict=True):
            self.register_buffer(name, value.detach().clone())
        for name in {"bias_ih", "bias_hh", "weight_hr"} - set(names):
            self.register_buffer(name, None)

    def of_input(self, x: torch.Tensor) -> torch.Tensor:
        """The part of the gates that the input gives."""
        return F.linear(x, self.weight_ih, self.bias_ih)

    def of_state(self, h: torch.Tensor) -> torch.Tensor:
        """The part of the gates that the hidden state gives."""
        return F.linear(h, self.weight_hh, self.bias_hh)


class LstmCell(_Cell):
    """Carries the hidden state and the cell state. With `weight_hr`, the hidden state is the
    projection of what the gates give."""

    def forward(self, h: torch.Tensor, c: torch.Tensor, x: torch.Tensor) -> Tensors:
        gates = self.of_input(x) + self.of_state(h)
        i, f, g, o = gates.chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        if self.weight_hr is not None:
            h = F.linear(h, self.weight_hr)
        return h, c, h


class GruCell(_Cell):
    """Carries the hidden state."""

    def forward(self, h: torch.Tensor, x: torch.Tensor) -> Tensors:
        size = h.shape[1]
        of_input, of_state = self.of_input(x), self.of_state(h)
        rates = torch.sigmoid(of_input[:, : 2 * size] + of_state[:, : 2 * size])
        r, z = rates.chunk(2, 1)
        n = torch.tanh(of_input[:, 2 * size :] + r * of_state[:, 2 * size :])
        h = n + z * (h - n)
        return h, h


class TanhCell(_Cell):
    """Carries the hidden state, a hyperbolic tangent."""

    def forward(self, h: torch.Tensor, x: torch.Tensor) -> Tensors:
        h = torch.tanh(self.of_input(x) + self.of_state(h))
        return h, h


class ReluCell(_Cell):
    """Carries the hidden state, a rectified sum."""

    def forward(self, h: torch.Tensor, x: torch.Tensor) -> Tensors:
        h = torch.relu(self.of_input(x) + self.of_state(h))
        return h, h
