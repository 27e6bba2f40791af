"""The `ethos_u` dialect: what one call of an Arm Ethos-U computes, as a region of `tosa` ops."""

from cmopt.dialects.collecting import dialect_of
from cmopt.dialects.ethos_u.constraints import *
from cmopt.dialects.ethos_u.ops import *

EthosU = dialect_of("ethos_u", globals().values())
