"""The `cortex_m` dialect: one op is one kernel of ExecuTorch's Cortex-M operator library.

Tensors are row-major as written (activations [N,H,W,C]) and have plain integers. Every number that
a kernel needs is in a property or a constant. `interpreters/` defines what each op computes, bit
for bit. To add an op, define it in the module of its family, and its meaning in
`interpreters/cortex_m.py`. The package exports what its modules define.
"""

from cmopt.dialects.collecting import dialect_of
from cmopt.dialects.cortex_m.base import *
from cmopt.dialects.cortex_m.convolution import *
from cmopt.dialects.cortex_m.elementwise import *
from cmopt.dialects.cortex_m.matrix import *
from cmopt.dialects.cortex_m.memory import *
from cmopt.dialects.cortex_m.pooling import *

CortexM = dialect_of("cortex_m", globals().values())
KERNEL_OPS = tuple(
    op for op in CortexM.operations if issubclass(op, KernelOp) and op is not ShiftOp
)
