"""Finer steps for the results of a softmax on an NPU."""

from __future__ import annotations

import torch
from torch.fx import GraphModule
from torchao.quantization.pt2e.observer import FixedQParamsObserver

from cmopt.frontend.annotation import RangeObserver
from cmopt.frontend.observers import observer_of, replace_observer, uses_of_observers

SHARE_STEP = 2.0**-8
"""The step that the core's softmax kernel has, with zero point -128."""

_MOST = 0.5
"""Outputs of the program that reach more than this have steps of `SHARE_STEP`. Finer ones would
gain less than 6 dB, and the core could not compute a small softmax at the end of a delegate."""


class ShareObserver(RangeObserver):
    """In int8 steps of `SHARE_STEP`, or finer ones if the calibration's results are small.

    is_output: whether the results are an output of the program.
    """

    is_output = False

    def calculate_qparams(self) -> tuple[torch.Tensor, torch.Tensor]:
        most = _MOST if self.is_output else 255 * SHARE_STEP
        if self.dtype == torch.int8 and not 0 < float(self.max_val) <= most:
            return torch.tensor([SHARE_STEP]), torch.tensor([-128])
        scale, zero_point = super().calculate_qparams()
        return scale, zero_point


def observe_shares(observed: GraphModule) -> None:
    """Observe the results of a softmax, in place, where their quantization is the core's.

    Only a kernel of the core needs it. A row of attention over 197 tokens has shares of 0.005: one
    step of the core's.
    """
    outputs = observed.graph.output_node().all_input_nodes
    of_outputs = {observer_of(observed, node) for node in outputs}
    for old in uses_of_observers(observed):
        if not isinstance(old, FixedQParamsObserver) or float(old.scale) != SHARE_STEP:
            continue
        new = ShareObserver(dtype=torch.int8, qscheme=torch.per_tensor_affine)
        new.is_output = old in of_outputs
        replace_observer(observed, old, new)
