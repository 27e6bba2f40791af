"""The `cortex_m` dialect: one op is one kernel of ExecuTorch's Cortex-M operator library.

Tensors are row-major as written (activations [N,H,W,C]) and plain integers; every number a
kernel needs stands in a property or a constant. `interpreters/` says what each op computes, bit
for bit. To add an op: define it in the module of its family, and give it a meaning in
`interpreters/cortex_m.py`. What a module defines is the package's.
"""

from cmopt.dialects.collecting import dialect_of
from cmopt.dialects.cortex_m.base import *
from cmopt.dialects.cortex_m.convolution import *
from cmopt.dialects.cortex_m.elementwise import *
from cmopt.dialects.cortex_m.matrix import *
from cmopt.dialects.cortex_m.memory import *
from cmopt.dialects.cortex_m.pooling import *

CortexM = dialect_of("cortex_m", globals().values())
KERNEL_OPS = tuple(op for op in CortexM.operations if issubclass(op, KernelOp))
