"""Which elements of its operand an operator's result consists of, and the ops that pick them.

Only numpy is used. Input: an array of element numbers. Output: shapes, index lists, permutations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Picked = NDArray[np.int64]
Shape = tuple[int, ...]

MOST_INDICES = 1 << 20
"""Longer lists of indices are not worth the memory they would take in the program."""


@dataclass(frozen=True)
class Choice:
    """A constant choice of elements: permute, reshape, takes, reshape, permute, reshape, expand.

    The caller leaves out each step that changes nothing.
    """

    order: Shape
    """Permutation of the operand that puts dimensions with a common index list side by side."""
    merged: Shape
    """The permuted operand's shape, with one dimension for each such group."""
    takes: tuple[tuple[int, ...], ...]
    """The indices to take along each dimension of `merged`."""
    parts: Shape
    """The shape after the takes, as dimensions of the result."""
    perm: Shape
    """Permutation to the order of the result."""
    narrow: Shape
    """The result's shape, with 1 for each dimension that only repeats elements."""


def lines_of(picked: Picked, shape: Shape) -> list[list[int]] | None:
    """For each dimension, the line of the operand that each line of the result is.

    picked: the element numbers, of the operand's rank. None if the dimensions depend on each other.
    """
    coordinates = np.unravel_index(picked, shape)
    lines = [
        np.moveaxis(along, dim, 0).reshape(along.shape[dim], -1)[:, 0].tolist()
        for dim, along in enumerate(coordinates)
    ]
    again = np.arange(math.prod(shape)).reshape(shape)[np.ix_(*lines)]
    return lines if np.array_equal(again, picked) else None


def choice_of(picked: Picked, shape: Shape) -> Choice | None:
    """How to pick the elements numbered `picked` from an operand of `shape`, neither empty.

    Dimensions of the operand have a common index list if their coordinates depend on the same
    dimension of the result. None if this takes more than `MOST_INDICES` indices.
    """
    coordinates = np.unravel_index(picked, shape)
    varies = [_varies_along(along) for along in coordinates]
    groups = _connected(varies)
    order = tuple(d for group in groups for d in group)
    merged, takes, axes = [], [], list[int]()
    for group in groups:
        sizes = tuple(shape[d] for d in group)
        along = tuple(sorted(set().union(*(varies[d] for d in group))))
        if math.prod(picked.shape[r] for r in along) > MOST_INDICES:
            return None
        cut = tuple(slice(None) if r in along else 0 for r in range(picked.ndim))
        flat = np.ravel_multi_index([coordinates[d][cut] for d in group], sizes)
        takes.append(tuple(np.ravel(flat).tolist()))
        merged.append(math.prod(sizes))
        axes += along
    return Choice(
        order,
        tuple(merged),
        tuple(takes),
        tuple(picked.shape[r] for r in axes),
        tuple(int(place) for place in np.argsort(axes)),
        tuple(n if r in axes else 1 for r, n in enumerate(picked.shape)),
    )


def _varies_along(coordinate: Picked) -> set[int]:
    """The dimensions of the result along which a coordinate of the operand changes."""
    return {
        r
        for r, size in enumerate(coordinate.shape)
        if size > 1 and bool((coordinate != coordinate.take([0], axis=r)).any())
    }


def _connected(varies: Sequence[set[int]]) -> list[list[int]]:
    """The operand's dimensions in groups; no two groups share a dimension of the result."""
    groups: list[tuple[list[int], set[int]]] = []
    for dim, along in enumerate(varies):
        members, joined, apart = [dim], set(along), []
        for others, reach in groups:
            if reach & along:
                members, joined = others + members, joined | reach
            else:
                apart.append((others, reach))
        groups = [*apart, (sorted(members), joined)]
    return sorted(members for members, _ in groups)
