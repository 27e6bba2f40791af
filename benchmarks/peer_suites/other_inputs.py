"""The noise of a case on other inputs than those that calibrated it.

A suite's case has one input, often of a few numbers, and it calibrates the model too. So the noise
of one case is partly luck. A case that looks worse is measured again on inputs of the same ranges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils import _pytree

from peer_suites import figures

COUNT = 30

Run = Callable[[tuple[Any, ...]], Sequence[torch.Tensor] | None]
"""Maps the inputs of a model to its outputs; None if it has none."""


def other_inputs(inputs: Sequence[Any], count: int) -> list[tuple[Any, ...]]:
    """Inputs with other numbers, the same in each call.

    A float tensor is uniform between its least and its greatest finite element; between 0 and its
    element, if all are equal, because a quantized range contains 0. The rest stays.
    """
    generator = torch.Generator().manual_seed(0)

    def other(tensor: torch.Tensor) -> torch.Tensor:
        finite = tensor[tensor.isfinite()] if tensor.is_floating_point() else tensor[:0]
        if not finite.numel():
            return tensor.clone()
        low, high = finite.aminmax()
        low = torch.zeros_like(low) if low == high else low
        share = torch.rand(tensor.shape, generator=generator)
        return torch.empty_like(tensor).copy_(low + share * (high - low))

    return [_pytree.tree_map_only(torch.Tensor, other, tuple(inputs)) for _ in range(count)]


def noise_on(samples: Sequence[tuple[Any, ...]], model: Run, run: Run) -> float | None:
    """The lowest signal-to-noise ratio of the outputs over all samples together, in dB.

    None if a sample has no outputs, or if no output is a float tensor.
    """
    found: list[list[torch.Tensor]] = []
    meant: list[list[torch.Tensor]] = []
    for sample in samples:
        outputs = run(figures.copies(sample))
        expected = model(figures.copies(sample))
        if outputs is None or expected is None:
            return None
        found.append(list(outputs))
        meant.append(list(expected))
    return figures.noise(_joined(found), _joined(meant))


def _joined(outputs: Sequence[Sequence[torch.Tensor]]) -> list[torch.Tensor]:
    """Each output of all samples as one tensor."""
    return [torch.cat([tensor.flatten() for tensor in each]) for each in zip(*outputs, strict=True)]
