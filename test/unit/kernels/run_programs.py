"""Runs every NAME.pte of a directory on its arena, NAME.npy, and writes NAME.out.npy.

An execution that fails writes no output. On stderr, the runtime's log for NAME follows the line
``== NAME``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import torch
from executorch.runtime import Runtime

from cmopt import kernels


def main(directory: Path) -> None:
    kernels.load()
    for path in sorted(directory.glob("*.pte")):
        os.write(2, f"== {path.stem}\n".encode())
        arena = torch.from_numpy(np.load(path.with_suffix(".npy")).view(np.int8))
        # From a file, because the runtime does not keep the given bytes alive.
        method = Runtime.get().load_program(path).load_method("forward")
        try:
            (after,) = method.execute([arena])
        except RuntimeError:
            continue
        np.save(path.with_suffix(".out.npy"), after.numpy())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
