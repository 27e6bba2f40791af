"""A C header with what firmware must know about a program: sizes, tensors, operators."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import StringAttr, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, SSAValue

from cmopt.codegen.c.text import C_TYPES, identifier
from cmopt.codegen.emit_delegate import BACKEND, EmittedDelegate
from cmopt.codegen.emit_pte import EmittedProgram, logical_view
from cmopt.codegen.lifetimes import ALIGNMENT
from cmopt.dialects.cortex_m import nbytes, place_of
from cmopt.dialects.program import (
    ARENA_BYTES,
    DIM_ORDER,
    NAME,
    QUANTIZED,
    region_bytes,
    sides,
    state_bytes,
)
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import int_of


def _tensor(prefix: str, value: SSAValue, attributes: dict[str, Attribute]) -> list[str]:
    """The macros of one input or output."""
    assert isinstance(value.type, TensorType)
    view = logical_view(value, attributes.get(DIM_ORDER))
    name = attributes.get(NAME)
    lines = [f"/* {name.data} */"] if isinstance(name, StringAttr) else []
    shape, order = (", ".join(map(str, dims)) for dims in (view.sizes, view.order))
    lines += [
        f"#define {prefix}_TYPE {C_TYPES.get(view.dtype, view.dtype)}",
        f"#define {prefix}_RANK {len(view.sizes)}",
        f"#define {prefix}_SHAPE {{{shape}}}",
        f"#define {prefix}_DIM_ORDER {{{order}}}",
        f"#define {prefix}_BYTES {nbytes(value.type)}",
    ]
    quantized = attributes.get(QUANTIZED)
    element = None if quantized is None else quantized_element(quantized)
    if element is not None:
        lines += [
            f"#define {prefix}_SCALE {element.scale!r}f",
            f"#define {prefix}_ZERO_POINT ({element.zero_point})",
        ]
    return lines


def border_macros(func: FuncOp, prefix: str, *, with_offsets: bool = False) -> list[str]:
    """The macros of all inputs and outputs of a planned function.

    with_offsets: also where each begins in the arena. An output that is a constant has no offset.
    """
    lines: list[str] = []
    for kind, values, entries in sides(func):
        lines += ["", f"#define {prefix}_{kind.upper()}_COUNT {len(values)}"]
        for index, (value, entry) in enumerate(zip(values, entries, strict=True)):
            name = f"{prefix}_{kind.upper()}_{index}"
            lines += ["", *_tensor(name, value, entry)]
            if with_offsets and (place := place_of(value)) is not None:
                lines.append(f"#define {name}_OFFSET {place.offset}")
    return lines[1:]


def _delegates(prefix: str, delegates: Sequence[EmittedDelegate]) -> list[str]:
    """The macros of the calls of the NPU; an empty list if the program has none."""
    if not delegates:
        return []
    fast = max(d.figures.fast_scratch_bytes for d in delegates)
    lines = [
        "",
        "/* What runs on the NPU, as Vela estimates it; its scratch is in the temp allocator. */",
        f'#define {prefix}_BACKENDS {{"{BACKEND}"}}',
        f'#define {prefix}_NPU "{delegates[0].npu}"',
        f"#define {prefix}_NPU_CYCLES {sum(d.figures.cycles for d in delegates)}",
        f"#define {prefix}_NPU_FAST_SCRATCH_BYTES {fast}",
        f"#define {prefix}_DELEGATE_COUNT {len(delegates)}",
    ]
    for index, delegate in enumerate(delegates):
        lines += [
            f"#define {prefix}_DELEGATE_{index}_CYCLES {delegate.figures.cycles}",
            f"#define {prefix}_DELEGATE_{index}_SCRATCH_BYTES {delegate.scratch_bytes}",
            f"#define {prefix}_DELEGATE_{index}_DATA_BYTES {delegate.stream_bytes}",
        ]
    return lines


def _state(func: FuncOp, prefix: str) -> list[str]:
    """What firmware must know of the state, if there is any."""
    if not (size := state_bytes(func)):
        return []
    return [
        "/* The first bytes of the arena hold the state: keep them from run to run. Loading the",
        " * method gives the state its initial value. */",
        f"#define {prefix}_STATE_BYTES {size}",
    ]


def _dtcm(func: FuncOp, prefix: str) -> list[str]:
    """What firmware must know of the fast memory, if the program uses any."""
    if not (size := region_bytes(func, "dtcm")):
        return []
    return [
        "/* The second buffer of planned memory, for the fastest memory of the core. */",
        f"#define {prefix}_DTCM_BYTES {size}",
    ]


def _own_operators(prefix: str) -> list[str]:
    """What firmware must link besides a stock build."""
    return [
        "/* It calls operators of cmopt: link the library cmopt_operators (kernels/operators). */",
        f"#define {prefix}_NEEDS_CMOPT_OPERATORS 1",
    ]


def emit_header(func: FuncOp, emitted: EmittedProgram, name: str) -> str:
    """The header of a planned function and its emitted program. Macros begin with `name`."""
    prefix = identifier(name).upper()
    operators = ", ".join(f'"{operator}"' for operator in emitted.operators)
    needs_own = any(operator.startswith("cmopt::") for operator in emitted.operators)
    lines = [
        f"/* What firmware must know of {name}. Made by cmopt; shapes are PyTorch's. */",
        f"#ifndef {prefix}_H",
        f"#define {prefix}_H",
        "",
        "#include <stdbool.h>",
        "#include <stdint.h>",
        "",
        "/* Planned memory, inputs and outputs included; memory for ExecuTorch's own tables. */",
        f"#define {prefix}_ALIGNMENT {ALIGNMENT}",
        f"#define {prefix}_ARENA_BYTES {int_of(func.attributes[ARENA_BYTES])}",
        *_dtcm(func, prefix),
        *_state(func, prefix),
        "#if UINTPTR_MAX == 0xffffffff",
        f"#define {prefix}_METHOD_ALLOCATOR_BYTES {emitted.method_allocator_bytes}",
        f"#define {prefix}_TEMP_ALLOCATOR_BYTES {emitted.temp_allocator_bytes}",
        "#else /* a host with pointers of eight bytes */",
        f"#define {prefix}_METHOD_ALLOCATOR_BYTES {emitted.host_method_allocator_bytes}",
        f"#define {prefix}_TEMP_ALLOCATOR_BYTES {emitted.host_temp_allocator_bytes}",
        "#endif",
        f"#define {prefix}_PTE_BYTES {len(emitted.pte)}",
        *_delegates(prefix, emitted.delegates),
        "",
        *border_macros(func, prefix),
        "",
        "/* What a selective build must register. */",
        f"#define {prefix}_OPERATOR_COUNT {len(emitted.operators)}",
        *([f"#define {prefix}_OPERATORS {{{operators}}}"] if operators else []),
        *(["", *_own_operators(prefix)] if needs_own else []),
        "",
        f"#endif /* {prefix}_H */",
        "",
    ]
    return "\n".join(lines)
