"""The `edge` dialect: a PyTorch program as exported, op by op.

Tensors carry PyTorch's logical shapes. An element type is a float, an integer, or
`!quant.uniform`; an op on quantized types *means* dequantize → the op in float32 → quantize.
A memory order other than the default is a `#edge.dim_order` encoding on the type. Only
`edge.to_dim_order` changes it; all other ops read and return the default order. An operator that
has no op of its own is an `edge.call`, which becomes a portable kernel call.

A module holds a family of ops. The package exports its names without a leading underscore. The
exported ops and attributes named `edge.…` form the dialect.
"""

from cmopt.dialects.collecting import dialect_of
from cmopt.dialects.edge.base import *
from cmopt.dialects.edge.call import *
from cmopt.dialects.edge.elementwise import *
from cmopt.dialects.edge.functions import *
from cmopt.dialects.edge.map import *
from cmopt.dialects.edge.masks import *
from cmopt.dialects.edge.matrix import *
from cmopt.dialects.edge.movement import *
from cmopt.dialects.edge.norms import *
from cmopt.dialects.edge.reductions import *
from cmopt.dialects.edge.scan import *
from cmopt.dialects.edge.take_pad_upsample import *
from cmopt.dialects.edge.transposed import *
from cmopt.dialects.edge.windows import *
from cmopt.dialects.edge.windows1d import *

Edge = dialect_of("edge", [*globals().values(), *FUNCTIONS.values()])
