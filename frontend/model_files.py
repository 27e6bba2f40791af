"""What kind of file a model is, before torch is imported. Other kinds are errors with a hint."""

from __future__ import annotations

import os
import zipfile

from cmopt.support.diagnostics import CompileError

EXPORT = "torch.export.save(torch.export.export(model, example_inputs), 'model.pt2')"
_WEIGHTS = (
    f"make the model in Python, give it the weights with load_state_dict, then {EXPORT}; or name "
    "the model: cm-compile model.py:Model --trust-input"
)


def check_model_file(path: str) -> None:
    """Raise CompileError for a file that cannot be read, or is certainly no `torch.export` program.

    Nothing is unpickled.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(16)
    except (OSError, ValueError) as error:
        raise CompileError(
            f"cannot read '{path}': {getattr(error, 'strerror', None) or error}"
        ) from None
    if path.endswith(".safetensors") or _is_pickle(start):
        raise _weights(path)
    if start[4:8] == b"TFL3":
        raise CompileError(
            f"'{path}' is a TensorFlow Lite model", hint="models come from PyTorch: " + EXPORT
        )
    if path.endswith(".onnx"):
        raise CompileError(f"'{path}' is an ONNX model", hint="models come from PyTorch: " + EXPORT)
    if start[:2] != b"PK":
        raise CompileError(
            f"'{path}' is not a torch.export program", hint=f"write it with {EXPORT}"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.partition("/")[2] for name in archive.namelist()}
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError,
            LookupError, OverflowError):  # fmt: skip
        return  # The loader says what is damaged.
    if any(name.startswith("code/") for name in names):
        raise CompileError(
            f"'{path}' is a TorchScript model", hint=f"export the model itself: {EXPORT}"
        )
    if "data.pkl" in names:
        raise _weights(path)


def _is_pickle(start: bytes) -> bool:
    """Whether bytes begin a pickle of protocol 2 to 5, as torch.save wrote before torch 1.6."""
    return len(start) > 1 and start[0] == 0x80 and start[1] in (2, 3, 4, 5)


def _weights(path: str) -> CompileError:
    name = os.path.basename(path)
    return CompileError(
        f"'{path}' holds weights (a state dict or a pickled model), not a program",
        hint=_WEIGHTS.replace("load_state_dict", f"load_state_dict(torch.load('{name}'))")
        if not name.endswith(".safetensors")
        else _WEIGHTS,
    )
