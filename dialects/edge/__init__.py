"""The `edge` dialect: a PyTorch program as exported, op by op.

Tensors carry PyTorch's logical shapes. An element type is a float, an integer, or
`!quant.uniform`; an op on quantized types *means* dequantize → the op in float32 → quantize.
A memory order that is not the default is a `#edge.dim_order` encoding on the type; only
`edge.to_dim_order` changes it, every other op reads and gives default order. Ops the lowering
does not look at are one generic `edge.call`, which becomes a portable kernel call.
"""

from xdsl.ir import Dialect

from cmopt.dialects.edge.base import DimOrderAttr, EdgeOp, optional
from cmopt.dialects.edge.call import CallOp, OperandAttr
from cmopt.dialects.edge.elementwise import (
    AddOp,
    BinaryOp,
    DivOp,
    MaximumOp,
    MinimumOp,
    MulOp,
    SubOp,
    UnaryOp,
)
from cmopt.dialects.edge.functions import (
    FUNCTIONS,
    WITH_PARAMETERS,
    ClampOp,
    GeluOp,
    PowOp,
    ReluOp,
)
from cmopt.dialects.edge.matrix import MatmulOp, SoftmaxOp
from cmopt.dialects.edge.movement import (
    CatOp,
    ExpandOp,
    MovementOp,
    PermuteOp,
    ReshapeOp,
    SliceOp,
    ToDimOrderOp,
    dim_order,
    keeps_axis,
    permuted_type,
    with_dim_order,
)
from cmopt.dialects.edge.reductions import (
    AmaxOp,
    AminOp,
    MeanOp,
    ReductionOp,
    SumOp,
)
from cmopt.dialects.edge.selection import PadOp, TakeOp, UpsampleBilinear2dOp
from cmopt.dialects.edge.transposed import ConvTranspose2dOp
from cmopt.dialects.edge.windows import (
    AvgPool2dOp,
    Conv2dOp,
    LinearOp,
    MaxPool2dOp,
    WindowOp,
    data_format_of,
    is_nhwc,
    spatial,
)
from cmopt.dialects.edge.windows1d import AvgPool1dOp, Conv1dOp, MaxPool1dOp

Edge = Dialect(
    "edge",
    [
        AddOp,
        AvgPool1dOp,
        AvgPool2dOp,
        CallOp,
        CatOp,
        Conv1dOp,
        Conv2dOp,
        ConvTranspose2dOp,
        DivOp,
        ExpandOp,
        LinearOp,
        MatmulOp,
        MaxPool1dOp,
        MaxPool2dOp,
        MaximumOp,
        MinimumOp,
        MulOp,
        PadOp,
        PermuteOp,
        ReshapeOp,
        SliceOp,
        SoftmaxOp,
        SubOp,
        TakeOp,
        ToDimOrderOp,
        UpsampleBilinear2dOp,
        ClampOp,
        GeluOp,
        AmaxOp,
        AminOp,
        MeanOp,
        SumOp,
        *FUNCTIONS.values(),
        *WITH_PARAMETERS.values(),
    ],
    [DimOrderAttr, OperandAttr],
)

__all__ = [
    "FUNCTIONS",
    "WITH_PARAMETERS",
    "AddOp",
    "AmaxOp",
    "AminOp",
    "AvgPool1dOp",
    "AvgPool2dOp",
    "BinaryOp",
    "CallOp",
    "CatOp",
    "ClampOp",
    "Conv1dOp",
    "Conv2dOp",
    "ConvTranspose2dOp",
    "DimOrderAttr",
    "DivOp",
    "Edge",
    "EdgeOp",
    "ExpandOp",
    "GeluOp",
    "LinearOp",
    "MatmulOp",
    "MaxPool1dOp",
    "MaxPool2dOp",
    "MaximumOp",
    "MeanOp",
    "MinimumOp",
    "MovementOp",
    "MulOp",
    "OperandAttr",
    "PadOp",
    "PermuteOp",
    "PowOp",
    "ReductionOp",
    "ReluOp",
    "ReshapeOp",
    "SliceOp",
    "SoftmaxOp",
    "SubOp",
    "SumOp",
    "TakeOp",
    "ToDimOrderOp",
    "UnaryOp",
    "UpsampleBilinear2dOp",
    "WindowOp",
    "data_format_of",
    "dim_order",
    "is_nhwc",
    "keeps_axis",
    "optional",
    "permuted_type",
    "spatial",
    "with_dim_order",
]
