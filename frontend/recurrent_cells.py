"""One step of the recurrent layers of PyTorch, as modules whose parts can be quantized.

A cell takes its carried values, then one slice of the sequence. It returns the new carried values,
then the step's output. Shapes: carried values and outputs are (batch, size), slices (batch, input).
The formulas are those of `torch.nn.LSTM`, `GRU` and `RNN`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
import torch.nn.functional as F

Tensors: TypeAlias = tuple[torch.Tensor, ...]
Gates: TypeAlias = Callable[[int], torch.Tensor]
"""Gives each gate by its number. Split gates are computed when they are asked for, so that only one
of them needs memory at a time."""


class _Cell(torch.nn.Module):
    """A cell with PyTorch's weights: of the input, of the state, and their biases if any."""

    weight_ih: torch.Tensor
    weight_hh: torch.Tensor
    bias_ih: torch.Tensor | None
    bias_hh: torch.Tensor | None
    weight_hr: torch.Tensor | None

    def __init__(
        self, weights: Sequence[torch.Tensor], has_biases: bool, *, split_gates: bool = False
    ):
        """split_gates: whether each gate has linear layers of its own."""
        super().__init__()
        self.split_gates = split_gates
        names = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if has_biases else [])]
        names += ["weight_hr"] if len(weights) > len(names) else []
        for name, value in zip(names, weights, strict=True):
            self.register_buffer(name, value.detach().clone())
        for name in {"bias_ih", "bias_hh", "weight_hr"} - set(names):
            self.register_buffer(name, None)

    def of_input(self, x: torch.Tensor) -> torch.Tensor:
        """The part of all gates that the input gives."""
        return F.linear(x, self.weight_ih, self.bias_ih)

    def of_state(self, h: torch.Tensor) -> torch.Tensor:
        """The part of all gates that the hidden state gives."""
        return F.linear(h, self.weight_hh, self.bias_hh)

    def parts(self, x: torch.Tensor, h: torch.Tensor, count: int) -> tuple[Gates, Gates]:
        """The parts of so many split gates that the input and the hidden state give."""
        return (
            _split(x, self.weight_ih, self.bias_ih, count),
            _split(h, self.weight_hh, self.bias_hh, count),
        )

    def sums(self, x: torch.Tensor, h: torch.Tensor, count: int) -> Gates:
        """What the input and the hidden state give for so many gates, added."""
        if not self.split_gates:
            return (self.of_input(x) + self.of_state(h)).chunk(count, 1).__getitem__
        of_input, of_state = self.parts(x, h, count)
        return lambda index: of_input(index) + of_state(index)


def _split(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, count: int) -> Gates:
    """A linear layer for each gate."""
    weights = weight.chunk(count)
    biases = [None] * count if bias is None else bias.chunk(count)
    return lambda index: F.linear(x, weights[index], biases[index])


class LstmCell(_Cell):
    """Carries the hidden state and the cell state. With `weight_hr`, the hidden state is the
    projection of what the gates give."""

    def forward(self, h: torch.Tensor, c: torch.Tensor, x: torch.Tensor) -> Tensors:
        gate = self.sums(x, h, 4)  # input, forget, cell, output
        c = torch.sigmoid(gate(1)) * c + torch.sigmoid(gate(0)) * torch.tanh(gate(2))
        h = torch.sigmoid(gate(3)) * torch.tanh(c)
        if self.weight_hr is not None:
            h = F.linear(h, self.weight_hr)
        return h, c, h


class GruCell(_Cell):
    """Carries the hidden state."""

    def forward(self, h: torch.Tensor, x: torch.Tensor) -> Tensors:
        if self.split_gates:
            a, b = self.parts(x, h, 3)  # reset, update, new
            n = torch.tanh(a(2) + torch.sigmoid(a(0) + b(0)) * b(2))
            z = torch.sigmoid(a(1) + b(1))
        else:
            size = 2 * h.shape[1]
            all_a, all_b = self.of_input(x), self.of_state(h)
            r, z = torch.sigmoid(all_a[:, :size] + all_b[:, :size]).chunk(2, 1)
            n = torch.tanh(all_a[:, size:] + r * all_b[:, size:])
        h = n + z * (h - n)
        return h, h


class TanhCell(_Cell):
    """Carries the hidden state, a hyperbolic tangent."""

    def forward(self, h: torch.Tensor, x: torch.Tensor) -> Tensors:
        h = torch.tanh(self.sums(x, h, 1)(0))
        return h, h


class ReluCell(_Cell):
    """Carries the hidden state, a rectified sum."""

    def forward(self, h: torch.Tensor, x: torch.Tensor) -> Tensors:
        h = torch.relu(self.sums(x, h, 1)(0))
        return h, h
