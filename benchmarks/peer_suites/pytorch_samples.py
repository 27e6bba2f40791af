"""PyTorch's own samples of its operators, `torch.testing`'s `op_db`, as cases of a suite.

A case is one operator with one sample of its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any
from unittest.mock import patch

import torch
from torch import nn
from torch.utils import _pytree

from peer_suites.suites import Case, Suite

SAMPLES = (0, 2, 7)
"""Which samples of an operator are cases. Half of the operators have 8 or fewer, and the first is
the simplest."""

LAYERS = "nn.functional."
"""The beginning of the names of operators whose later tensors are weights, so constants here."""


class NoSample(Exception):
    """An operator has no such sample, or one that cannot be compared. `str(error)` says why."""


class Sample(nn.Module):
    """An operator with the arguments of a sample.

    Its tensors are the inputs of the model. Behind the first argument of a layer they are buffers.
    """

    def __init__(self, operator: Any, sample: Any):
        super().__init__()
        self._function = operator.op
        leaves, self._tree = _pytree.tree_flatten((sample.input, sample.args, sample.kwargs))
        first = len(_pytree.tree_leaves(sample.input))
        self._leaves: list[Any] = []
        self._inputs: list[int] = []
        inputs = []
        for index, leaf in enumerate(leaves):
            self._leaves.append(None if isinstance(leaf, torch.Tensor) else leaf)
            if not isinstance(leaf, torch.Tensor):
                continue
            if index >= first and operator.name.startswith(LAYERS):
                self.register_buffer(f"constant_{index}", leaf)
            else:
                self._inputs.append(index)
                inputs.append(leaf)
        self.inputs: tuple[torch.Tensor, ...] = tuple(inputs)

    def forward(self, *inputs: torch.Tensor) -> Any:
        """The operator's result."""
        leaves = list(self._leaves)
        for index, tensor in zip(self._inputs, inputs, strict=True):
            leaves[index] = tensor
        for name, constant in self.named_buffers():
            leaves[int(name.removeprefix("constant_"))] = constant
        input, args, kwargs = _pytree.tree_unflatten(leaves, self._tree)
        return self._function(input, *args, **kwargs)


def cases(suite: Suite) -> Iterator[Case]:
    """The cases of every operator that takes float32. The samples are not drawn."""
    from torch.testing._internal.common_methods_invocations import op_db

    for operator in sorted(op_db, key=lambda op: (op.name, op.variant_test_name)):
        if torch.float32 not in operator.supported_dtypes("cpu"):
            continue
        name = operator.variant_test_name or operator.name.rpartition(".")[2]
        test = test_of(operator)
        for index in range(len(SAMPLES)):
            suffix = f"#{index + 1}" if index else ""
            yield Case(f"{suite.name}/{operator.name}::{name}{suffix}", suite, test, {}, index)


def test_of(operator: Any) -> Callable[[Any], None]:
    """A test that passes the model of each sample to the runner. It raises NoSample."""

    def test(test_runner: Any) -> None:
        drawn = list(islice(operator.sample_inputs("cpu", torch.float32), SAMPLES[-1] + 1))
        for number in SAMPLES:
            if number >= len(drawn):
                raise NoSample(f"PyTorch has {len(drawn)} samples")
            model = Sample(operator, drawn[number])
            if not model.inputs:
                raise NoSample("the operator takes no tensor")
            if "empty" in operator.name or _is_random(model):
                raise NoSample("the result is random")
            test_runner.lower_and_run_model(model, model.inputs)

    return test


def _is_random(model: Sample) -> bool:
    """Whether two calls give different results.

    `op_db` sets the seed inside of its random operators, which has no effect here.
    """
    results = []
    with patch.object(torch, "manual_seed", lambda seed: None):
        for _ in range(2):
            torch.rand(1)
            values = _pytree.tree_leaves(model(*(tensor.clone() for tensor in model.inputs)))
            results.append([value for value in values if isinstance(value, torch.Tensor)])
    return not all(
        torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(*results, strict=True)
    )
