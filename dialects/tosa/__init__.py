"""The `tosa` dialect, TOSA 1.0 for integers, in MLIR's spelling.

What a delegate's region is made of. The meaning is the specification's, INT profile
(https://www.mlplatform.org/tosa/tosa_spec.html); `interpreters/tosa/` computes it. The ops
are our own, because xDSL's verifiers let wrong shapes and types through; its enumerations are used.
"""

from xdsl.dialects.tosa import NanModeAttr, RoundingMode, RoundingModeAttr
from xdsl.ir import Dialect

from cmopt.dialects.tosa.base import ConstOp, ConstShapeOp, ShapeType, TosaOp, ints32, sizes_of
from cmopt.dialects.tosa.elementwise import (
    AddOp,
    ArithmeticRightShiftOp,
    CastOp,
    ClampOp,
    ClzOp,
    LogicalLeftShiftOp,
    MatMulOp,
    MaximumOp,
    MinimumOp,
    MulOp,
    SubOp,
    TableOp,
)
from cmopt.dialects.tosa.enums import ResizeMode, ResizeModeAttr
from cmopt.dialects.tosa.movement import (
    ConcatOp,
    PadOp,
    ReshapeOp,
    ResizeOp,
    ReverseOp,
    SliceOp,
    TileOp,
    TransposeOp,
)
from cmopt.dialects.tosa.pooling import (
    AvgPool2DOp,
    MaxPool2DOp,
    ReduceMaxOp,
    ReduceMinOp,
    ReduceSumOp,
)
from cmopt.dialects.tosa.rescale import RescaleOp
from cmopt.dialects.tosa.windows import (
    Conv2DOp,
    ConvolutionOp,
    DepthwiseConv2DOp,
    TransposeConv2DOp,
)

Tosa = Dialect(
    "tosa",
    [
        AddOp,
        ArithmeticRightShiftOp,
        AvgPool2DOp,
        CastOp,
        ClampOp,
        ClzOp,
        ConcatOp,
        ConstOp,
        ConstShapeOp,
        Conv2DOp,
        DepthwiseConv2DOp,
        LogicalLeftShiftOp,
        MatMulOp,
        MaxPool2DOp,
        MaximumOp,
        MinimumOp,
        MulOp,
        PadOp,
        ReduceMaxOp,
        ReduceMinOp,
        ReduceSumOp,
        RescaleOp,
        ReshapeOp,
        ResizeOp,
        ReverseOp,
        SliceOp,
        SubOp,
        TableOp,
        TileOp,
        TransposeConv2DOp,
        TransposeOp,
    ],
    [NanModeAttr, ResizeModeAttr, RoundingModeAttr, ShapeType],
)

__all__ = [
    "AddOp",
    "ArithmeticRightShiftOp",
    "AvgPool2DOp",
    "CastOp",
    "ClampOp",
    "ClzOp",
    "ConcatOp",
    "ConstOp",
    "ConstShapeOp",
    "Conv2DOp",
    "ConvolutionOp",
    "DepthwiseConv2DOp",
    "LogicalLeftShiftOp",
    "MatMulOp",
    "MaxPool2DOp",
    "MaximumOp",
    "MinimumOp",
    "MulOp",
    "PadOp",
    "ReduceMaxOp",
    "ReduceMinOp",
    "ReduceSumOp",
    "RescaleOp",
    "ReshapeOp",
    "ResizeMode",
    "ResizeModeAttr",
    "ResizeOp",
    "ReverseOp",
    "RoundingMode",
    "RoundingModeAttr",
    "ShapeType",
    "SliceOp",
    "SubOp",
    "TableOp",
    "TileOp",
    "Tosa",
    "TosaOp",
    "TransposeConv2DOp",
    "TransposeOp",
    "ints32",
    "sizes_of",
]
