"""Load a `.pt2` from anyone: it is checked before PyTorch reads it, and nothing in it runs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.ao.quantization.fx._decomposed  # registers the q/dq operators the file names
from torch._export.serde.serialize import _SERIALIZE_TO_TORCH_DTYPE
from torch.export import ExportedProgram
from torch.export.pt2_archive._package import load_pt2

from cmopt.frontend.archive import (
    BYTE_ORDER,
    CONSTANTS_CONFIG,
    FORMAT,
    MAX_ENTRY_BYTES,
    MODEL,
    VERSION,
    WEIGHTS_CONFIG,
    Refused,
    read_archive,
    write_archive,
)
from cmopt.frontend.archive_schema import check_payloads, check_program
from cmopt.frontend.consistency import check_consistency
from cmopt.support.diagnostics import CompileError, one_line

_STRIDED = 7
_PAYLOADS = {"parameter": "parameter_name", "buffer": "buffer_name",
             "tensor_constant": "tensor_constant_name"}  # fmt: skip


def load_exported(path: str, *, trust: bool = False) -> ExportedProgram:
    """What `torch.export.save` wrote.

    trust: read pickles too, and whatever else `torch.export.load` reads, which can run any code.
        Otherwise the program has no example inputs, because they are a pickle.

    Raises CompileError for a file that cannot be read or that is not such a program; and, unless it
    is trusted, for one that holds more than static shapes, plain tensors and PyTorch's operators.
    """
    try:
        source = None if trust else write_archive(_checked_entries(path))
    except Refused as error:
        raise CompileError(
            f"'{path}' cannot be loaded as a torch.export program: {error}", hint=error.hint
        ) from None
    try:
        if source is None:
            return torch.export.load(path)
        program = load_pt2(source).exported_programs["model"]
    except OSError as error:
        raise CompileError(f"cannot read '{path}': {error.strerror or error}") from None
    except Exception as error:  # torch raises many kinds of exception for a malformed file
        raise CompileError(
            f"'{path}' cannot be loaded as a torch.export program: {_reason(error)}",
            hint="check that the file is complete and was written by this torch version",
        ) from None
    check_consistency(program)
    return program


def _reason(error: BaseException) -> str:
    """The first line of the error that another one reports; torch's own quote a traceback."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = str(error).strip().split("\n")[0] or type(error).__name__
    return one_line(text[:300])


def _checked_entries(path: str) -> dict[str, bytes]:
    """The entries of an archive, checked. Raises `Refused`."""
    entries = read_archive(path)
    if entries.get(BYTE_ORDER, b"little") != b"little":
        raise Refused("its byte order is not little")
    if entries[FORMAT] != b"pt2" or entries[VERSION].strip() != b"0":
        raise Refused("it is not an archive of version 0")
    program = _parsed(entries, MODEL)
    _placed(MODEL, check_program, program)
    graph_module = program["graph_module"]
    graph = graph_module["graph"]
    for name, meta in graph["tensor_values"].items():
        _check_tensor(f"value {name}", meta)
    metas: dict[str, Any] = {}
    for config, folder in ((WEIGHTS_CONFIG, "data/weights"), (CONSTANTS_CONFIG, "data/constants")):
        payloads = _parsed(entries, config)
        _placed(config, check_payloads, payloads)
        _check_payloads(payloads["config"], folder, entries)
        metas.update((name, item["tensor_meta"]) for name, item in payloads["config"].items())
        entries[config] = _text(payloads)
    _check_signature(graph_module["signature"], graph, metas)
    entries[MODEL] = _text(program)
    return entries


def _parsed(entries: Mapping[str, bytes], name: str) -> Any:
    try:
        return json.loads(entries[name].decode("utf-8"))
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "nested too deeply"
        raise Refused(f"{name}: {one_line(reason)[:200]}") from None


def _text(data: Any) -> bytes:
    return json.dumps(data).encode("utf-8")


def _placed(name: str, check: Any, data: Any) -> None:
    try:
        check(data)
    except Refused as error:
        raise Refused(f"{name}: {error}", error.hint) from None


def _sizes(meta: Any, field: str) -> list[int]:
    """Sizes or strides; PyTorch writes each as a number, or as the text of one."""
    return [_size(item) for item in meta[field]]


def _size(item: Any) -> int:
    if "as_int" in item:
        return int(item["as_int"])
    return int(item["as_expr"]["expr_str"].removeprefix("Integer(").removesuffix(")"))


def _check_tensor(what: str, meta: Any) -> int:
    """The bytes from the start of its memory to the end of a tensor. Raises `Refused`."""
    dtype = _SERIALIZE_TO_TORCH_DTYPE.get(meta["dtype"])
    if dtype is None:
        raise Refused(f"{what} has an unknown dtype")
    sizes, strides = _sizes(meta, "sizes"), _sizes(meta, "strides")
    offset = _size(meta["storage_offset"])
    if len(sizes) != len(strides) or min([0, offset, *sizes, *strides]) < 0:
        raise Refused(f"{what} has sizes {sizes} and strides {strides}")
    if meta["layout"] != _STRIDED:
        raise Refused(f"{what} is not a dense tensor")
    if math.prod(sizes) * dtype.itemsize > MAX_ENTRY_BYTES:
        raise Refused(
            f"{what} has sizes {sizes}; at most {MAX_ENTRY_BYTES:,} bytes of a tensor are supported"
        )
    if 0 in sizes:
        return 0
    last = offset + sum((n - 1) * stride for n, stride in zip(sizes, strides, strict=True))
    return int((last + 1) * dtype.itemsize)


def _check_payloads(config: Any, folder: str, entries: Mapping[str, bytes]) -> None:
    """Each tensor must lie in its record, which holds numbers of one dtype. Raises `Refused`.

    A record may be larger: it is the memory of all tensors that share it.
    """
    dtypes: dict[str, int] = {}
    for name, item in config.items():
        meta, record = item["tensor_meta"], f"{folder}/{item['path_name']}"
        if meta is None:
            raise Refused(f"tensor '{name}' has no type")
        if record not in entries:
            raise Refused(f"tensor '{name}': its archive has no entry '{record}'")
        needed, given = _check_tensor(f"tensor '{name}'", meta), len(entries[record])
        if needed > given or given % _SERIALIZE_TO_TORCH_DTYPE[meta["dtype"]].itemsize:
            raise Refused(
                f"tensor '{name}' of sizes {_sizes(meta, 'sizes')} takes {needed:,} bytes, "
                f"but entry '{record}' has {given:,}"
            )
        if dtypes.setdefault(record, meta["dtype"]) != meta["dtype"]:
            raise Refused(f"tensor '{name}': entry '{record}' has tensors of two dtypes")


def _check_signature(signature: Any, graph: Any, metas: Mapping[str, Any]) -> None:
    """A parameter of the graph must have the dtype and the sizes of its values."""
    values = graph["tensor_values"]
    for spec in signature["input_specs"]:
        ((kind, item),) = spec.items()
        if kind not in _PAYLOADS:
            continue
        name, argument = item[_PAYLOADS[kind]], item["arg"]["name"]
        meta, value = metas.get(name), values.get(argument)
        if meta is None or value is None:
            raise Refused(f"{kind} '{name}' has no {'values' if meta is None else 'type'}")
        if meta["dtype"] != value["dtype"] or _sizes(meta, "sizes") != _sizes(value, "sizes"):
            raise Refused(f"{kind} '{name}' has another type in the graph than its values")
