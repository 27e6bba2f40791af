"""Permutations as layouts: compose them, compare their bytes, carry them through a reshape."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TypeAlias

from cmopt.dialects.shapes import inverse

Layout: TypeAlias = tuple[int, ...]
"""Dimensions of a tensor from outermost to innermost in memory."""


def identity(rank: int) -> Layout:
    """Row-major, as written."""
    return tuple(range(rank))


def compose(first: Sequence[int], then: Sequence[int]) -> Layout:
    """`permute(permute(x, first), then)` as one permutation of x."""
    return tuple(first[i] for i in then)


def order_of_bytes(shape: Sequence[int], layout: Sequence[int]) -> Layout:
    """`layout` without the dimensions of size 1, which do not change the order of bytes.

    Two layouts of one tensor have the same bytes exactly if these are equal.
    """
    return tuple(d for d in layout if shape[d] != 1)


def moves_no_byte(shape: Sequence[int], perm: Sequence[int]) -> bool:
    """Whether a permutation only moves dimensions of size 1: the others keep their order."""
    kept = order_of_bytes(shape, perm)
    return list(kept) == sorted(kept)


def aligned(layout: Sequence[int], rank: int) -> Layout:
    """`layout` for an operand of a smaller rank that is broadcast from the right."""
    missing = len(layout) - rank
    return tuple(d - missing for d in layout if d >= missing)


def carried(source: Sequence[int], layout: Sequence[int], target: Sequence[int]) -> Layout | None:
    """The layout of `reshape(x : source → target)` that has the bytes of x in `layout`, or None.

    Both shapes are cut into the same atoms, in row-major order. A dimension of `target` is a list
    of atoms. Returns None if the atoms of one dimension are not adjacent and in order.
    """
    if (cuts := _common_cuts(source, target)) is None:
        return None
    atoms = [atom for d in layout for atom in _atoms(source, cuts)[d]]
    result: list[int] = []
    position = 0
    wanted = _atoms(target, cuts)
    owner = {atom: d for d, group in enumerate(wanted) for atom in group}
    while position < len(atoms):
        dim = owner[atoms[position]]
        group = wanted[dim]
        if atoms[position : position + len(group)] != group:
            return None
        result.append(dim)
        position += len(group)
    units = [d for d, group in enumerate(wanted) if not group]
    return tuple(units + result)


def _strides(shape: Sequence[int]) -> list[int]:
    """The number of all elements, then the stride of each dimension."""
    result = [1]
    for size in reversed(shape):
        result.append(result[-1] * size)
    return result[::-1]


def _common_cuts(source: Sequence[int], target: Sequence[int]) -> list[int] | None:
    """The strides of both shapes, descending; None if they do not nest."""
    cuts = sorted({*_strides(source), *_strides(target)}, reverse=True)
    if 0 in cuts or any(outer % inner for outer, inner in itertools.pairwise(cuts)):
        return None
    return cuts


def _atoms(shape: Sequence[int], cuts: Sequence[int]) -> list[list[int]]:
    """The atoms of each dimension, outermost first: the cuts inside it, each by its stride."""
    strides = _strides(shape)
    return [
        [cut for cut in cuts if inner <= cut < outer]
        for outer, inner in itertools.pairwise(strides)
    ]


def relative(held: Sequence[int], wanted: Sequence[int]) -> Layout:
    """The permutation that brings a tensor in layout `held` to layout `wanted`."""
    return compose(inverse(held), wanted)


def simplest_permute(
    shape: tuple[int, ...], perm: tuple[int, ...], longest: int | None = None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The same movement of bytes with as few dimensions as possible.

    Dimensions of size 1 are dropped. Dimensions that stay next to each other become one, unless it
    would be longer than `longest`.
    """

    def fits(group: Sequence[int], more: int) -> bool:
        return longest is None or math.prod(shape[d] for d in (*group, more)) <= longest

    kept = [p for p in perm if shape[p] != 1]
    groups: list[list[int]] = []
    for p in kept:
        between = range(groups[-1][-1] + 1, p) if groups else range(0)
        follows = groups and p > groups[-1][-1] and all(shape[d] == 1 for d in between)
        if follows and fits(groups[-1], p):
            groups[-1].append(p)
        else:
            groups.append([p])
    order = sorted(range(len(groups)), key=lambda g: groups[g][0])
    sizes = [1] * len(groups)
    for g, members in enumerate(groups):
        for p in members:
            sizes[g] *= shape[p]
    return tuple(sizes[g] for g in order), tuple(order.index(g) for g in range(len(groups)))
