"""Running a module that is planned, and one that is planned only in part."""

from __future__ import annotations

import numpy as np
import pytest

from cmopt.dialects.parsing import make_context, parse_module
from cmopt.interpreters.run import run_module

TEXT = """
func.func @forward(%x: tensor<4xi8{place}>) -> tensor<2x2xi8, #cortex_m.place<arena, 16>>
    attributes {{cortex_m.arena_bytes = 32 : i64}} {{
  %y = cortex_m.view %z : (tensor<4xi8, #cortex_m.place<arena, 16>>)
    -> tensor<2x2xi8, #cortex_m.place<arena, 16>>
  func.return %y : tensor<2x2xi8, #cortex_m.place<arena, 16>>
}}
"""


@pytest.mark.parametrize("place", ["", ", #cortex_m.place<arena, 16>"])
def test_a_value_without_a_place(place: str) -> None:
    text = TEXT.format(place=place)
    if place:
        text = text.replace("%z", "%x")
    else:
        text = text.replace("%z :", "%t :").replace(
            "  %y", "  %t = cortex_m.scratch : tensor<4xi8, #cortex_m.place<arena, 16>>\n  %y"
        )
    module, x = parse_module(make_context(), text), np.arange(4, dtype=np.int8)
    if place:
        (y,) = run_module(module, [x])
        assert np.array_equal(y, x.reshape(2, 2))
        return
    with pytest.raises(ValueError, match=r"@forward has a value without a place: tensor<4xi8>"):
        run_module(module, [x])
