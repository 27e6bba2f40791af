"""The `ethos_u` dialect: what an Arm Ethos-U computes in one go, as a region of `tosa` ops."""

from xdsl.ir import Dialect

from cmopt.dialects.ethos_u.constraints import MAX_AXIS, MAX_PAD_BEFORE, MAX_PAD_BEHIND, why_not
from cmopt.dialects.ethos_u.ops import DelegateOp, YieldOp

EthosU = Dialect("ethos_u", [DelegateOp, YieldOp], [])

__all__ = [
    "MAX_AXIS",
    "MAX_PAD_BEFORE",
    "MAX_PAD_BEHIND",
    "DelegateOp",
    "EthosU",
    "YieldOp",
    "why_not",
]
