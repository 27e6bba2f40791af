"""Calibration samples in the forms that people have them: what a data loader gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils._pytree import tree_leaves, tree_map, tree_structure

from cmopt.frontend.structure import Arguments, arguments_of, fitting


def samples_of(given: Any, example: Arguments, names: Sequence[str], what: str) -> list[Arguments]:
    """The samples in one item of calibration data, each in the structure of the example.

    given: the positional arguments, or for a model of one argument this argument; if the example
        has keyword arguments, a pair of tuple and dict, or the dict if it has no others. A dict may
        also name all arguments. One item more than the model's arguments, or another key, is a
        target and is left out. Tensors may be numpy arrays. If the first size of each tensor of the
        example is 1, a larger batch is as many samples, and that dimension may be absent.
    names: of the parameters of the model, the positional ones first.
    what: the name of `given`, for messages.

    Raises TypeError and ValueError if the structure, a constant, or a tensor's shape or dtype
    differs from the example's.
    """
    whole = arguments_of(_without_target(with_tensors(given), example, names), example, what)
    return [fitting(one, example, what) for one in _one_by_one(whole, example)]


def with_tensors(given: Any) -> Any:
    """The same structure with tensors instead of numpy arrays."""
    return tree_map(
        lambda x: torch.from_numpy(np.array(x)) if isinstance(x, np.ndarray) else x, given
    )


Shape = Sequence[int]


def batch_of(shapes: Sequence[tuple[Shape, Shape]]) -> tuple[int, bool] | None:
    """How many samples some values hold, and whether the dimension of the samples is absent.

    shapes: of each value, and of what one call takes. None if the values are no samples: where one
    call takes a batch of one, the first dimension may be the samples, or be absent.
    """
    pairs = [(tuple(given), tuple(wanted)) for given, wanted in shapes]
    if any(wanted[:1] != (1,) for _, wanted in pairs):
        return None
    if all(given == wanted[1:] for given, wanted in pairs):
        return 1, True
    fits = all(given and given[1:] == wanted[1:] for given, wanted in pairs)
    sizes = {given[0] for given, _ in pairs} if fits else set()
    return (sizes.pop(), False) if len(sizes) == 1 else None


def _without_target(given: Any, example: Arguments, names: Sequence[str]) -> Any:
    count = len(example.args)
    wanted = [*names[:count], *example.kwargs]
    if isinstance(given, Mapping) and len(wanted) > 0 and set(wanted) <= set(given):
        is_argument = count == 1 and tree_structure(given) == tree_structure(example.args[0])
        if is_argument and not example.kwargs:
            return given
        args = tuple(given[name] for name in names[:count])
        kwargs = {name: given[name] for name in example.kwargs}
        return (args, kwargs) if kwargs else args
    if example.kwargs or not isinstance(given, tuple | list) or len(given) != count + 1:
        return given
    if (
        count == 1
        and isinstance(given, list)
        and tree_structure(given) == tree_structure(example.args[0])
    ):
        return given  # the one argument, which is a list
    return tuple(given[:count])


def _one_by_one(sample: Arguments, example: Arguments) -> list[Arguments]:
    """A batch as samples of the example's shapes; the sample itself if it is not such a batch."""
    if tree_structure((sample.args, sample.kwargs)) != tree_structure(
        (example.args, example.kwargs)
    ):
        return [sample]
    leaves = zip(tree_leaves(sample.values), tree_leaves(example.values), strict=True)
    pairs = [(v, w) for v, w in leaves if all(isinstance(x, torch.Tensor) for x in (v, w))]
    if (batch := batch_of([(value.shape, wanted.shape) for value, wanted in pairs])) is None:
        return [sample]
    count, is_absent = batch
    whole = [value[None] if is_absent else value for value in sample.tensors]
    return [sample.with_tensors([value[i : i + 1] for value in whole]) for i in range(count)]
