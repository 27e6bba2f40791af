"""The host library of ``cortex_m::`` operators: finds it and loads it into ExecuTorch.

    from cmopt import kernels
    kernels.load()
    Runtime.get().load_program("model.pte")

The library is built with the package. The environment variable ``CMOPT_KERNELS_LIBRARY`` is the
path of another build, for example one with sanitizers. Importing this module imports neither torch
nor executorch.
"""

from __future__ import annotations

import ctypes
import os
import threading
from importlib import metadata
from pathlib import Path

__all__ = ["LIBRARY_VARIABLE", "KernelLibraryError", "library_path", "load"]

LIBRARY_VARIABLE = "CMOPT_KERNELS_LIBRARY"

_LIBRARY_NAME = "libcmopt_kernels.so"
_OPERATOR_PREFIX = "cortex_m::"

_lock = threading.Lock()
_library: ctypes.CDLL | None = None


class KernelLibraryError(RuntimeError):
    """The kernel library is missing, does not load, or its operators are already registered."""


def library_path() -> Path:
    """The file of the kernel library. Raises `KernelLibraryError` if there is none.

    In an editable install the library is in site-packages and this file is in the source tree, so
    the files of the distribution are searched too.
    """
    override = os.environ.get(LIBRARY_VARIABLE)
    if override:
        path = Path(override)
        if not path.is_file():
            raise KernelLibraryError(f"{LIBRARY_VARIABLE} is not the path of a file: {path}")
        return path.resolve()
    candidates = [Path(__file__).parent / _LIBRARY_NAME]
    try:
        distribution = metadata.distribution("cmopt")
    except metadata.PackageNotFoundError:
        pass
    else:
        candidates.append(Path(str(distribution.locate_file(f"cmopt/kernels/{_LIBRARY_NAME}"))))
    for path in candidates:
        if path.is_file():
            return path.resolve()
    raise KernelLibraryError(
        f"{_LIBRARY_NAME} is not built: install the package with `pip install --editable .`, "
        f"or set {LIBRARY_VARIABLE}"
    )


def load() -> None:
    """Register the ``cortex_m::`` operators with ExecuTorch's runtime in this process.

    Further calls do nothing. Raises `KernelLibraryError` if another library has registered
    ``cortex_m::`` operators, since the runtime ends the process on a second registration.
    """
    global _library
    with _lock:
        if _library is not None:
            return
        path = library_path()
        try:
            from executorch.runtime import Runtime
        except ImportError as error:
            raise KernelLibraryError(f"ExecuTorch's runtime does not load: {error}") from error
        names = Runtime.get().operator_registry.operator_names
        taken = sorted(name for name in names if name.startswith(_OPERATOR_PREFIX))
        if taken:
            raise KernelLibraryError(
                f"another library in this process has registered {len(taken)} "
                f"{_OPERATOR_PREFIX} operators, such as {taken[0]}: load only one of the two"
            )
        try:
            _library = ctypes.CDLL(str(path))
        except OSError as error:
            raise KernelLibraryError(f"{path} does not load: {error}") from error
