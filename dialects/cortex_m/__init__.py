"""The `cortex_m` dialect: one op is one kernel of ExecuTorch's Cortex-M operator library.

Tensors are row-major as written (activations [N,H,W,C]) and plain integers; every number a
kernel needs stands in a property or a constant. `interpreters/` says what each op computes, bit
for bit. To add an op: define it in the module of its family, list it below, and give it a
meaning in `interpreters/cortex_m.py`.
"""

from xdsl.ir import Dialect

from cmopt.dialects.cortex_m.base import (
    KernelOp,
    PlaceAttr,
    Properties,
    View,
    itemsize,
    nbytes,
    place_of,
)
from cmopt.dialects.cortex_m.convolution import (
    QuantizedConv2dOp,
    QuantizedDepthwiseConv2dOp,
    QuantizedTransposeConv2dOp,
)
from cmopt.dialects.cortex_m.elementwise import (
    ADD_LEFT_SHIFT,
    DequantizePerTensorOp,
    MaximumOp,
    MinimumOp,
    QuantizedActivationOp,
    QuantizedAddOp,
    QuantizedDivOp,
    QuantizedMulOp,
    QuantizePerTensorOp,
)
from cmopt.dialects.cortex_m.matrix import (
    PadOp,
    QuantizedBatchMatmulOp,
    QuantizedLinearOp,
    SoftmaxOp,
    TransposeOp,
)
from cmopt.dialects.cortex_m.memory import JoinOp, ScratchOp, SubviewOp, ViewOp
from cmopt.dialects.cortex_m.pooling import QuantizedAvgPool2dOp, QuantizedMaxPool2dOp

KERNEL_OPS: tuple[type[KernelOp], ...] = (
    DequantizePerTensorOp,
    MaximumOp,
    MinimumOp,
    PadOp,
    QuantizePerTensorOp,
    QuantizedActivationOp,
    QuantizedAddOp,
    QuantizedAvgPool2dOp,
    QuantizedBatchMatmulOp,
    QuantizedConv2dOp,
    QuantizedDepthwiseConv2dOp,
    QuantizedDivOp,
    QuantizedLinearOp,
    QuantizedMaxPool2dOp,
    QuantizedMulOp,
    QuantizedTransposeConv2dOp,
    SoftmaxOp,
    TransposeOp,
)

CortexM = Dialect("cortex_m", [*KERNEL_OPS, JoinOp, ScratchOp, SubviewOp, ViewOp], [PlaceAttr])

__all__ = [
    "ADD_LEFT_SHIFT",
    "KERNEL_OPS",
    "CortexM",
    "DequantizePerTensorOp",
    "JoinOp",
    "KernelOp",
    "MaximumOp",
    "MinimumOp",
    "PadOp",
    "PlaceAttr",
    "Properties",
    "QuantizePerTensorOp",
    "QuantizedActivationOp",
    "QuantizedAddOp",
    "QuantizedAvgPool2dOp",
    "QuantizedBatchMatmulOp",
    "QuantizedConv2dOp",
    "QuantizedDepthwiseConv2dOp",
    "QuantizedDivOp",
    "QuantizedLinearOp",
    "QuantizedMaxPool2dOp",
    "QuantizedMulOp",
    "QuantizedTransposeConv2dOp",
    "ScratchOp",
    "SoftmaxOp",
    "SubviewOp",
    "TransposeOp",
    "View",
    "ViewOp",
    "itemsize",
    "nbytes",
    "place_of",
]
