"""PyTorch's operators that pick elements of a tensor are imported as data movement."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from cmopt.frontend.choices import choice_of, lines_of
from cmopt.frontend.importer import import_program
from cmopt.interpreters.run import run_module

sys.path.insert(0, str(Path(__file__).parents[1]))
from small_models import Function, random_inputs

pytestmark = pytest.mark.filterwarnings("ignore")

SHAPE = (2, 3, 4, 6)
SIZE = math.prod(SHAPE)


def ops_of(function: Any, shape: tuple[int, ...] = SHAPE) -> list[str]:
    """The `edge` ops of an imported function. Checks that they compute the same bits."""
    (x,) = random_inputs([shape], 0)
    module = import_program(torch.export.export(Function(function).eval(), (x,)))
    np.testing.assert_array_equal(run_module(module, [x.numpy()])[0], function(x).numpy())
    names = [
        op.properties["target"].data if op.name == "edge.call" else op.name for op in module.walk()
    ]
    shapes = ("edge.reshape", "edge.to_dim_order")  # they change no byte
    return [n.removeprefix("edge.") for n in names if "." in n and n not in shapes and _is_op(n)]


def _is_op(name: str) -> bool:
    return not name.startswith(("func.", "builtin.", "arith."))


INDEX = torch.tensor([[2, 0], [1, 1]])

CALLS: dict[str, tuple[Any, list[str]]] = {
    "diagonal": (lambda x: x.diagonal(0, 2, 3), ["take"]),
    "diagonal above, apart": (lambda x: x.diagonal(1, 1, 3), ["permute", "take", "permute"]),
    "diagonal below": (lambda x: x.diagonal(-1, 1, 2), ["take", "permute"]),
    "every second row": (lambda x: x.as_strided((2, 3, 2, 6), (72, 24, 12, 1)), ["take"]),
    "windows in memory": (
        lambda x: x.as_strided((6, 3, 2, 6), (24, 6, 6, 1)), ["take"]
    ),
    "repeated in memory": (lambda x: x.as_strided((5, 4), (0, 6)), ["take"] * 3 + ["expand"]),
    "of a permuted": (lambda x: x.permute(0, 2, 3, 1).as_strided((3, 2), (24, 1), 4),
                      ["permute", "take", "take", "take", "permute"]),
    "roll of all": (lambda x: x.roll(5), ["take"]),
    "elements": (lambda x: x[[0, 1], [1, 0]], ["take"]),
    "lines and columns": (lambda x: x[:, :, INDEX, :], ["take"]),
    "elements apart": (lambda x: x[:, [2, 0], :, [5, 1]], ["permute", "take", "permute"]),
    "gather": (lambda x: x.gather(3, torch.zeros(2, 3, 4, 1, dtype=torch.int64)), ["take"]),
    "take": (lambda x: x.take(INDEX), ["take"] * 4),
    "int32 indices": (lambda x: x.index_select(1, INDEX[0].int()), ["take"]),
    "im2col": (lambda x: F.unfold(x, (2, 3), padding=1, stride=2), ["pad", "take", "take",
                                                                    "permute"]),
    "col2im": (lambda x: F.fold(x.reshape(2, 12, 6), (4, 6), 2, stride=2), ["permute"]),
    "col2im, one": (lambda x: F.fold(x[0].reshape(12, 6), (4, 6), 2, stride=2), ["slice",
                                                                                "permute"]),
    "col2im with gaps": (lambda x: F.fold(x.reshape(2, 12, 6), (5, 8), 2, stride=3, padding=(0, 1)),
                         ["permute", "pad", "slice", "slice"]),
    "col2im that adds": (lambda x: F.fold(x.reshape(2, 6, 12), (3, 5), (1, 2)),
                         ["slice", "permute", "pad"] * 2 + ["add"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_is_movements(name: str) -> None:
    function, expected = CALLS[name]
    assert ops_of(function) == expected


@pytest.mark.parametrize(
    ("function", "target"),
    [
        (lambda x: x[:, :1].expand(2, 3, 4, 6).as_strided((2,), (1,)), "aten.as_strided.default"),
        (lambda x: x.gather(3, x.argmax(3, keepdim=True)), "aten.gather.default"),
        (lambda x: x.index_select(1, (x[0, 0, 0, :2] > 0).long()), "aten.index_select.default"),
    ],
    ids=["memory of an expanded tensor", "gather by computed indices", "computed lines"],
)
def test_what_is_no_constant_choice_stays_a_call(function: Any, target: str) -> None:
    assert target in ops_of(function)


@st.composite
def strided(draw: Any) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Size, stride and offset of a view inside a tensor of `SIZE` elements."""
    rank = draw(st.integers(1, 4))
    stride = draw(st.tuples(*[st.sampled_from([0, 1, 2, 6, 7, 24, 72])] * rank))
    offset, room, size = draw(st.integers(0, 20)), SIZE - 21, []
    for step in stride:
        size.append(draw(st.integers(1, min(4, room // step + 1) if step else 3)))
        room -= step * (size[-1] - 1)
    return tuple(size), stride, offset


@st.composite
def moved(draw: Any) -> Any:
    """A chain of movements, as a function of a tensor of `SHAPE`."""
    size, stride, offset = draw(strided())
    perm = draw(st.permutations(range(4)))
    dim = draw(st.integers(0, 3))
    lines = draw(st.lists(st.integers(0, SHAPE[dim] - 1), min_size=1, max_size=5))
    rows = draw(st.lists(st.integers(0, 2), min_size=3, max_size=3))
    one, other, *_ = draw(st.permutations(range(4)))
    return draw(
        st.sampled_from(
            [
                lambda x: x.as_strided(size, stride, offset),
                lambda x: x.permute(*perm).as_strided(size, stride, offset),
                lambda x: x.index_select(dim, torch.tensor(lines)).permute(*perm),
                lambda x: x.permute(*perm).diagonal(0, one, other),
                lambda x: x[:, rows][:, :, rows, rows[::-1]],
                lambda x: x[:, rows, :, rows],
                lambda x: x.permute(*perm).unfold(dim, 2, 1),
                lambda x: F.unfold(x, (1 + dim, 2), padding=(dim, 1), stride=1 + dim),
                lambda x: x.roll(dim - 2).flip(dim),
            ]
        )
    )


@given(moved())
@settings(max_examples=40, deadline=None)
def test_random_chains_are_movements(function: Any) -> None:
    """No `edge.call` remains."""
    assert not [name for name in ops_of(function) if name.startswith("aten.")]


@given(strided(), st.permutations(range(4)))
@settings(max_examples=300, deadline=None)
def test_a_choice_says_what_is_picked(
    view: tuple[tuple[int, ...], tuple[int, ...], int], perm: list[int]
) -> None:
    numbers = torch.arange(SIZE).reshape(SHAPE)
    size, stride, offset = view
    for picked in (numbers.as_strided(size, stride, offset), numbers.permute(perm)):
        choice = choice_of(picked.numpy(), SHAPE)
        assert choice is not None
        value = numbers.numpy().transpose(choice.order).reshape(choice.merged)
        for dim, indices in enumerate(choice.takes):
            value = value.take(indices, axis=dim)
        value = value.reshape(choice.parts).transpose(choice.perm).reshape(choice.narrow)
        np.testing.assert_array_equal(np.broadcast_to(value, picked.shape), picked.numpy())


def test_too_many_indices_are_no_choice() -> None:
    numbers = np.arange(1024 * 2048).reshape(1024, 2048)
    assert choice_of(np.triu(numbers) + np.tril(numbers, -1)[::-1], numbers.shape) is None
    assert lines_of(numbers[::-1], numbers.shape) == [list(range(1023, -1, -1)), list(range(2048))]
