"""The `tosa` dialect, TOSA 1.0 for integers, in MLIR's spelling.

A delegate's region consists of these ops. The specification, INT profile, defines their meaning
(https://www.mlplatform.org/tosa/tosa_spec.html); `interpreters/tosa/` computes it. The ops are
defined here because xDSL's verifiers accept wrong shapes and types; its enumerations are used.
The package exports what its modules define. Its ops and attributes form the dialect.
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
