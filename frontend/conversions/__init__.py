"""From ATen operators to `edge`: the table of all conversions.

To add an operator, write a function from `Call` to a value in the module of its kind and enter
it in that module's `CONVERSIONS` under the operator's overload name. Operators without an entry,
and calls for which a conversion returns None, become `edge.call`.
"""

from __future__ import annotations

from cmopt.frontend.call import Conversion
from cmopt.frontend.conversions import (
    constants,
    convolution,
    elementwise,
    folds,
    identities,
    matrix,
    pooling,
    quantization,
    reductions,
    selection,
    shapes,
)

CONVERSIONS: dict[str, Conversion] = {
    **constants.CONVERSIONS,
    **convolution.CONVERSIONS,
    **elementwise.CONVERSIONS,
    **folds.CONVERSIONS,
    **identities.CONVERSIONS,
    **matrix.CONVERSIONS,
    **pooling.CONVERSIONS,
    **quantization.CONVERSIONS,
    **reductions.CONVERSIONS,
    **selection.CONVERSIONS,
    **shapes.CONVERSIONS,
}
