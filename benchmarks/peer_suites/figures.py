"""The figures of one compiled case: bytes that must agree, steps, noise, and sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.export import ExportedProgram
from torch.utils import _pytree

Tensors = Sequence[torch.Tensor]
Array = NDArray[Any]
FAR = 1e6
"""Stands for an infinite number of steps: one of the two values is not a number."""
BORDER = ("quantize_per_tensor", "dequantize_per_tensor")


def flat(outputs: Any) -> list[torch.Tensor]:
    """The tensors of nested outputs, in order."""
    return [torch.as_tensor(leaf).detach() for leaf in _pytree.tree_leaves(outputs)]


def copies(inputs: Sequence[Any]) -> tuple[Any, ...]:
    """Copies of the inputs, because a model may write to them."""
    copied: tuple[Any, ...] = _pytree.tree_map_only(
        torch.Tensor, lambda x: x.detach().clone(), tuple(inputs)
    )
    return copied


def tensors_of(inputs: Any) -> tuple[torch.Tensor, ...]:
    """The tensors among nested inputs, in order."""
    return tuple(x for x in _pytree.tree_leaves(inputs) if isinstance(x, torch.Tensor))


def first_difference(left: Tensors, right: Tensors) -> str | None:
    """Where the bytes of two lists of tensors differ, or None. NaNs of equal bytes are equal."""
    if len(left) != len(right):
        return f"{len(left)} outputs and {len(right)}"
    for index, (a, b) in enumerate(zip(left, right, strict=True)):
        x, y = (np.ascontiguousarray(tensor.numpy()) for tensor in (a, b))
        if x.dtype != y.dtype or x.shape != y.shape:
            return f"output {index}: {x.dtype} {list(x.shape)} and {y.dtype} {list(y.shape)}"
        differs = (x.reshape(-1, 1).view(np.uint8) != y.reshape(-1, 1).view(np.uint8)).any(axis=1)
        if differs.any():
            at = int(np.flatnonzero(differs)[0])
            values = f"{x.reshape(-1)[at]} and {y.reshape(-1)[at]} at {at}"
            return f"output {index}: {int(differs.sum())} of {differs.size} elements, {values}"
    return None


def is_rounding(left: Tensors, right: Tensors, scales: Sequence[float | None]) -> bool:
    """Whether two lists of tensors differ by at most the rounding of float operators.

    That is one step of an output's quantization; for float outputs it is 1e-4 of the largest value.
    """
    for a, b, scale in zip(left, right, scales, strict=True):
        if not a.is_floating_point():
            if not torch.equal(a, b):
                return False
            continue
        x, y = a.double(), b.double()
        finite = y.isfinite()
        if not torch.allclose(x[~finite], y[~finite], rtol=0, atol=0, equal_nan=True):
            return False
        largest = float(y[finite].abs().max()) if finite.any() else 0.0
        bound = 1.001 * scale if scale else 1e-4 * largest
        if not ((x - y)[finite].abs() <= bound).all():
            return False
    return True


QUANTIZE = "quantized_decomposed.quantize_per_tensor.default"


@dataclass(frozen=True)
class Border:
    """A quantize or dequantize operator at the border of a program."""

    scale: float
    zero_point: int
    low: int
    high: int
    dtype: torch.dtype

    def quantize(self, tensor: torch.Tensor) -> Array:
        """The stored integers of a float tensor."""
        operator = torch.ops.quantized_decomposed.quantize_per_tensor
        stored = operator(tensor, self.scale, self.zero_point, self.low, self.high, self.dtype)
        array: Array = stored.numpy()
        return array

    def dequantize(self, array: Array) -> torch.Tensor:
        """The float tensor of stored integers, given as bytes of any type."""
        stored = torch.from_numpy(array.reshape(-1).view(np.dtype(_DTYPES[self.dtype])).copy())
        return (stored.float() - self.zero_point) * self.scale


_DTYPES = {torch.int8: "i1", torch.int16: "<i2", torch.uint8: "u1"}


@dataclass(frozen=True)
class Borders:
    """Those of all inputs and outputs, in order."""

    inputs: list[Border]
    outputs: list[Border]


def borders(exported: ExportedProgram) -> Borders | None:
    """The operators at the border of a program; None if an input or output has none."""
    inputs, outputs = [], []
    user_inputs = set(exported.graph_signature.user_inputs)
    for node in exported.graph.nodes:
        if node.op == "placeholder" and node.name in user_inputs:
            users = {
                user for user in node.users if "quantize_per_tensor.default" in str(user.target)
            }
            if len(users) != 1 or len(node.users) != 1:
                return None
            inputs.append(_border(users.pop()))
        elif node.op == "output":
            for result in _pytree.tree_leaves(node.args[0]):
                if "dequantize_per_tensor.default" not in str(getattr(result, "target", "")):
                    return None
                outputs.append(_border(result))
    known = all(border is not None and border.dtype in _DTYPES for border in (*inputs, *outputs))
    return Borders(inputs, outputs) if known else None  # type: ignore[arg-type]


def _border(node: torch.fx.Node) -> Border | None:
    scale, zero_point, low, high, dtype = node.args[1:6]
    if not isinstance(scale, float) or not isinstance(dtype, torch.dtype):
        return None
    return Border(scale, int(zero_point), int(low), int(high), dtype)  # type: ignore[arg-type]


def output_scales(exported: ExportedProgram) -> list[float | None]:
    """For each output its scale if it is a dequantized tensor, else None."""
    scales: list[float | None] = []
    (result,) = [node for node in exported.graph.nodes if node.op == "output"]
    for node in _pytree.tree_leaves(result.args[0]):
        name = str(getattr(node, "target", ""))
        is_known = "dequantize_per_tensor.default" in name and isinstance(node.args[1], float)
        scales.append(node.args[1] if is_known else None)
    return scales


def steps(outputs: Tensors, meant: Tensors, scales: Sequence[float | None]) -> float | None:
    """The largest difference in steps of each output's quantization; None if none has a scale."""
    worst = None
    for a, b, scale in zip(outputs, meant, scales, strict=True):
        if scale and a.numel() and a.is_floating_point() and a.shape == b.shape:
            difference = torch.where(a.isnan() & b.isnan(), 0.0, (a.double() - b.double()).abs())
            found = float(difference.nan_to_num(nan=math.inf).max()) / scale
            worst = found if worst is None else max(worst, found)
    return None if worst is None else round(min(worst, FAR), 2)


def noise(outputs: Tensors, reference: Tensors) -> float | None:
    """The lowest signal-to-noise ratio of the float outputs, in dB, at most 200.

    None if no output has a finite signal.
    """
    worst = None
    for a, b in zip(outputs, reference, strict=True):
        if not b.is_floating_point() or a.shape != b.shape or not b.numel():
            continue
        signal = float((b.double() ** 2).sum())
        error = float(((a.double() - b.double()) ** 2).sum())
        if not signal or not math.isfinite(signal):
            continue
        ratio = -200.0 if not math.isfinite(error) else 200.0
        if error and math.isfinite(error):
            ratio = min(200.0, 10 * math.log10(signal / error))
        worst = ratio if worst is None else min(worst, ratio)
    return None if worst is None else round(worst, 1)


def wrong_integers(outputs: Tensors, reference: Tensors) -> int | None:
    """How many elements of integer outputs differ; None if all outputs are float."""
    pairs = [(a, b) for a, b in zip(outputs, reference, strict=True) if not b.is_floating_point()]
    if not pairs:
        return None
    return sum(int((a.to(b.dtype) != b).sum()) if a.shape == b.shape else b.numel()
               for a, b in pairs)  # fmt: skip


def of_file(pte: bytes) -> dict[str, int]:
    """Counts and sizes read from a program file, ours or upstream's.

    calls: kernel calls, without delegates. core: those that are not quantize or dequantize.
    """
    from compare_upstream import takes_float
    from executorch.exir._serialize._program import deserialize_pte_binary
    from executorch.exir.schema import DelegateCall, KernelCall

    plan = deserialize_pte_binary(pte).program.execution_plan[0]
    every: list[Any] = [i.instr_args for chain in plan.chains for i in chain.instructions]
    calls = [call for call in every if isinstance(call, KernelCall)]
    names = [plan.operators[call.op_index].name.split("::")[-1] for call in calls]
    inner = [call for name, call in zip(names, calls, strict=True) if name not in BORDER]
    return {
        "calls": len(calls),
        "core": len(inner),
        "float": sum(takes_float(plan, call) for call in inner),
        "delegates": sum(isinstance(call, DelegateCall) for call in every),
        "arena": sum(plan.non_const_buffer_sizes),
        "pte": len(pte),
    }
