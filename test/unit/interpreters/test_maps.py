"""The numpy functions of a map's body compute what the ATen operators compute."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cmopt.arithmetic.maps import CALLS

FLOATS = np.array([-3.5, -1, -0.3, -0.0, 0, 0.2, 1, 2.5, np.inf, -np.inf], np.float32)
BOOLS = np.array([False, True])
LAST_BITS = ("aten.atan2.default", "aten.pow.Scalar", "aten.pow.Tensor_Tensor")
"""These may differ from PyTorch in their last bits."""
LOGICAL = ("bitwise", "logical")


def arguments_of(target: str) -> list[tuple[object, ...]]:
    """Combinations of arguments, of all values in question against each other."""
    name, kind = target.split(".")[1:]
    grid = tuple(np.ascontiguousarray(a) for a in np.meshgrid(FLOATS, FLOATS))
    flags = tuple(np.ascontiguousarray(a) for a in np.meshgrid(BOOLS, BOOLS))
    if name.startswith(LOGICAL):
        return [flags[:1] if name.endswith("not") else flags]
    if name == "_to_copy":
        return [(BOOLS, "float32"), (FLOATS, None)]
    if name == "where":
        return [(grid[0] > grid[1], *grid)]
    if name == "clamp":
        low, high = np.float32(-0.5), np.float32(0.75)
        return [(FLOATS, low, high), (FLOATS, None, high), (FLOATS, high, low), (FLOATS, low, None)]
    if name == "masked_fill":
        return [(FLOATS, FLOATS > 0, np.float32(7))]
    if name.startswith("is"):
        return [(FLOATS,)]
    if kind == "Scalar":
        return [(v, FLOATS) if name == "pow" else (FLOATS, v) for v in FLOATS]
    return [grid, (FLOATS > 0, FLOATS)] if name == "mul" else [grid]


@pytest.mark.parametrize("target", CALLS)
def test_a_call_in_a_map(target: str) -> None:
    namespace, name, kind = target.split(".")
    operator = getattr(getattr(getattr(torch.ops, namespace), name), kind)
    for arguments in arguments_of(target):
        *tensors, last = arguments
        keywords = {}
        given = list(arguments)
        if name == "_to_copy":
            given, keywords = tensors, {"dtype": None if last is None else torch.float32}
        expected = operator(*(_torch(value, kind) for value in given), **keywords).numpy()
        with np.errstate(all="ignore"):
            found = CALLS[target](*arguments)
        if target in LAST_BITS:
            assert np.allclose(found, expected, rtol=4e-7, atol=0, equal_nan=True), arguments
        else:
            is_float = expected.dtype == np.float32
            assert np.array_equal(found, expected, equal_nan=is_float), arguments


def _torch(value: object, kind: str) -> object:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value)
    if value is None or kind.startswith("Scalar"):
        return value if value is None else float(value)  # type: ignore[arg-type]
    return torch.tensor(value)
