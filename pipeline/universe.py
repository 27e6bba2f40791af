"""The dialects and passes as an xDSL universe: plain `xdsl-opt` finds them by entry point.

xDSL refuses two universes that share a name, so xDSL's own dialects and passes keep theirs. The
`canonicalize` of `xdsl-opt` therefore loses locations. A plug-in may have a universe of its own.
"""

from __future__ import annotations

from xdsl.universe import XDSL_UNIVERSE, Universe

from cmopt.dialects import own_dialects
from cmopt.pipeline.registry import own_passes

UNIVERSE = Universe(
    all_dialects={
        name: factory
        for name, factory in own_dialects().items()
        if name not in XDSL_UNIVERSE.all_dialects
    },
    all_passes={
        name: factory
        for name, factory in own_passes().items()
        if name not in XDSL_UNIVERSE.all_passes
    },
)
