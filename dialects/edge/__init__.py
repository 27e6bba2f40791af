"""The `edge` dialect: a PyTorch program as exported, op by op.

Tensors carry PyTorch's logical shapes. An element type is a float, an integer, or
`!quant.uniform`; an op on quantized types *means* dequantize → the op in float32 → quantize.
A memory order that is not the default is a `#edge.dim_order` encoding on the type; only
`edge.to_dim_order` changes it, every other op reads and gives default order. Ops the lowering
does not look at are one generic `edge.call`, which becomes a portable kernel call.

A module holds a family of ops. What it defines, and does not begin with an underscore, is the
package's; of that the ops and attributes named `edge.…` are the dialect.
"""

from cmopt.dialects.collecting import dialect_of
from cmopt.dialects.edge.base import *
from cmopt.dialects.edge.call import *
from cmopt.dialects.edge.elementwise import *
from cmopt.dialects.edge.functions import *
from cmopt.dialects.edge.matrix import *
from cmopt.dialects.edge.movement import *
from cmopt.dialects.edge.reductions import *
from cmopt.dialects.edge.take_pad_upsample import *
from cmopt.dialects.edge.transposed import *
from cmopt.dialects.edge.windows import *
from cmopt.dialects.edge.windows1d import *

Edge = dialect_of("edge", [*globals().values(), *FUNCTIONS.values()])
