"""The `cmopt` dialect: one op is one kernel of this project's own operator library.

Most of its kernels compute with int16 activations, for which ExecuTorch has no operators. Where
CMSIS-NN has an s16 function, the kernel is that function. int16 values have no zero points.
`cmopt.lstm` is one call for all steps of a recurrent layer of int8, `cmopt.packed_conv2d` takes
weights of 4 bits, and `cmopt.layer_norm` takes activations of either width. A program calls these
kernels only if it is compiled with `kernels="cmopt"`. All else is as in the dialect `cortex_m`.

`interpreters/cmopt.py` defines what each op computes, bit for bit, and `kernels/operators.yaml` has
the schemas of the operators.
"""

from cmopt.dialects.cmopt.elementwise import *
from cmopt.dialects.cmopt.matrix import *
from cmopt.dialects.cmopt.norms import *
from cmopt.dialects.cmopt.packed import *
from cmopt.dialects.cmopt.recurrent import *
from cmopt.dialects.cmopt.windows import *
from cmopt.dialects.collecting import dialect_of

Cmopt = dialect_of("cmopt", globals().values())
