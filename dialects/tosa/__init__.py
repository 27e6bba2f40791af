"""The `tosa` dialect, TOSA 1.0 for integers, in MLIR's spelling.

What a delegate's region is made of. The meaning is the specification's, INT profile
(https://www.mlplatform.org/tosa/tosa_spec.html); `interpreters/tosa/` computes it. The ops
are our own, because xDSL's verifiers let wrong shapes and types through; its enumerations are used.
What a module defines is the package's, and its ops and attributes are the dialect.
"""

from xdsl.dialects.tosa import NanModeAttr as NanModeAttr
from xdsl.dialects.tosa import RoundingMode as RoundingMode
from xdsl.dialects.tosa import RoundingModeAttr as RoundingModeAttr

from cmopt.dialects.collecting import dialect_of
from cmopt.dialects.tosa.base import *
from cmopt.dialects.tosa.elementwise import *
from cmopt.dialects.tosa.enums import *
from cmopt.dialects.tosa.movement import *
from cmopt.dialects.tosa.pooling import *
from cmopt.dialects.tosa.rescale import *
from cmopt.dialects.tosa.windows import *

Tosa = dialect_of("tosa", globals().values())
