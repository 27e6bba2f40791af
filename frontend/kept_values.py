"""Refuse models that keep a value from one call to the next without a trace in their program."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping

import torch
from torch.utils._pytree import tree_leaves

from cmopt.frontend.structure import Arguments
from cmopt.support.diagnostics import CompileError

_HINT = "register it with register_buffer, and change it in forward"
_SAME = 1e-5
"""Two runs of one model on one machine differ by less than this part of its largest output."""


def refuse_kept_values(model: torch.nn.Module, example: Arguments, state: Collection[str]) -> None:
    """Raise CompileError if a call of the model changes what the next call computes, other than by
    the buffers in `state`.

    torch.export drops most assignments to attributes (`self.cache.state = x`), so its program has
    no trace of them. Found are buffers that a call binds to another tensor, and outputs that differ
    when the model is called twice with the same arguments and the same state. Such a model is
    changed by the calls; its state is not.
    """
    before = dict(model.named_buffers())
    values = {name: before[name].clone() for name in state}
    first = _outputs(model, example)
    for name, value in model.named_buffers():
        if value is not before.get(name) and name not in state:
            raise CompileError(
                f"the program changes its buffer {name!r}, and torch.export loses this change",
                hint="write to it in place, as in self.past.copy_(new)",
            )
    _restore(model, before, values)
    second = _outputs(model, example)
    _restore(model, before, values)
    for one, other in zip(first, second, strict=False):
        if one.shape != other.shape or _differ(one, other):
            raise CompileError(
                "called twice with the example inputs, the model gives different outputs, so it "
                "keeps something from call to call that is not a registered buffer",
                hint=_HINT,
            )


def _restore(
    model: torch.nn.Module,
    buffers: Mapping[str, torch.Tensor],
    values: Mapping[str, torch.Tensor],
) -> None:
    """Give buffers the tensors and the values that they had."""
    for name, value in values.items():
        path, _, last = name.rpartition(".")
        model.get_submodule(path).register_buffer(last, buffers[name])
        buffers[name].copy_(value)


def _outputs(model: torch.nn.Module, example: Arguments) -> list[torch.Tensor]:
    given = copy.deepcopy(example)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        results = tree_leaves(model(*given.args, **given.kwargs))
    return [value.clone() for value in results if isinstance(value, torch.Tensor)]


def _differ(one: torch.Tensor, other: torch.Tensor) -> bool:
    if not one.is_floating_point():
        return not torch.equal(one, other)
    is_number = one.isfinite() & other.isfinite()
    if not bool(is_number.any()):
        return False
    one, other = one[is_number].double(), other[is_number].double()
    return float((one - other).abs().max()) > _SAME * float(one.abs().max())
