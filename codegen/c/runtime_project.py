"""A directory with a program file as a C array, and C++ that runs it on ExecuTorch's runtime.

NAME.h  NAME.cpp    sizes and tensors, and two functions: NAME_init and NAME_run
NAME_pte.c          the program file
operators.yaml      the operators for ExecuTorch's selective build
kernels/            this project's operators, if the program calls any
main.cpp            a self test with the expected bytes
CMakeLists.txt  README.md
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, SSAValue

from cmopt.codegen.c.header import regions_of
from cmopt.codegen.c.project import (
    KERNELS,
    Example,
    dtcm_row,
    fill,
    kernel_files,
    self_test_values,
)
from cmopt.codegen.c.text import array
from cmopt.codegen.emit_header import emit_header
from cmopt.codegen.emit_pte import EmittedProgram, logical_view
from cmopt.dialects.cortex_m import limits, nbytes
from cmopt.dialects.program import ARENA_BYTES, DIM_ORDER, region_bytes, sides
from cmopt.dialects.shapes import int_of
from cmopt.kernels.write_limits import header

_SCALAR_TYPES = {
    "bool": "Bool",
    "float32": "Float",
    "float64": "Double",
    "int16": "Short",
    "int32": "Int",
    "int64": "Long",
    "int8": "Char",
    "uint8": "Byte",
}
"""ExecuTorch's `ScalarType` of a dtype."""


def runtime_project_files(emitted: EmittedProgram, func: FuncOp, name: str, target: str,
                          example: Example) -> dict[str, str]:  # fmt: skip
    """Every file of a project: its path and its text.

    func: the planned function that `emitted` was made from. name: a C identifier. example: for the
    self test.
    """
    names = {"NAME": name, "PREFIX": name.upper()}
    sizes = {
        "TARGET": target,
        "PTE": f"{len(emitted.pte):,}",
        "ARENA": f"{int_of(func.attributes[ARENA_BYTES]):,}",
        "METHOD": f"{emitted.method_allocator_bytes:,}",
        "TEMP": f"{emitted.temp_allocator_bytes:,}",
    }
    regions = _regions(name.upper(), func)
    data, run, checks = self_test_values(example, check="  wrong |= check")
    test = {"DATA": data, "RUN": run, "CHECKS": checks}
    operators = "".join(f"  - {operator}\n" for operator in emitted.operators)
    has_own = any(operator.startswith("cmopt::") for operator in emitted.operators)
    own = {"OWN_OPERATORS": _OWN_OPERATORS if has_own else ""}
    return {
        f"{name}.h": _header(emit_header(func, emitted, name), name),
        f"{name}.cpp": fill("runtime.cpp.in", names | regions | _borders(func)),
        f"{name}_pte.c": _pte(emitted.pte, name),
        "operators.yaml": f"operators:\n{operators}" if operators else "operators: []\n",
        "main.cpp": fill("runtime_main.cpp.in", names | test),
        "CMakeLists.txt": fill("runtime_CMakeLists.txt.in", names | own),
        "README.md": fill("runtime_README.md.in", names | regions | sizes),
        **(dict(operator_files()) if has_own else {}),
    }


def _regions(prefix: str, func: FuncOp) -> dict[str, str]:
    """What depends on the buffers of planned memory: the arena, and the fast one if it is used."""
    regions, size = regions_of(func), region_bytes(func, "dtcm")
    attributes = f"{prefix}_DTCM_ATTRIBUTES"
    define = f"{attributes} alignas({prefix}_ALIGNMENT) uint8_t dtcm[{prefix}_DTCM_BYTES];\n"
    return {
        "REGION_COUNT": str(len(regions)),
        "REGIONS": ", ".join(f"{{{r}, {prefix}_{r.upper()}_BYTES}}" for r in regions),
        "DTCM": define if size else "",
        "DTCM_ROW": dtcm_row(size),
        "DTCM_ATTRIBUTES": f", `{attributes}`" if size else "",
    }


_OWN_OPERATORS = """
# The program calls operators of cmopt, whose sources are in kernels/.
add_subdirectory(kernels/operators)
list(APPEND operators cmopt_operators)
"""


def operator_files() -> Iterator[tuple[str, str]]:
    """The path in a project, and the text, of all that this project's operators are built from."""
    yield from ((path, text) for path, text in kernel_files() if not path.startswith("machine/"))
    shared = [KERNELS / "ops" / f"{name}" for name in _SHARED]
    for path in (*sorted((KERNELS / "operators").iterdir()), *shared, KERNELS / "operators.yaml"):
        yield f"kernels/{path.relative_to(KERNELS).as_posix()}", path.read_text()
    yield "kernels/operators/limits.h", header(limits.__file__)


_SHARED = ("common.cpp", "common.h", "pool.h", "registration.cpp", "registration.h")
"""What they share with the host's operators."""


_FUNCTIONS = """\
#ifdef __cplusplus
extern "C" {{
#endif

/* Loads the program. Call it once, before the first run. Returns 0 or ExecuTorch's error code. */
int {name}_init(void);

/* Runs the program once. inputs, outputs: the bytes of each, in the order above; an output that is
 * NULL is not copied. Returns 0 or ExecuTorch's error code. */
int {name}_run(const void *const *inputs, void *const *outputs);

#ifdef __cplusplus
}}
#endif

"""


def _header(header: str, name: str) -> str:
    """The header of a program file with the two functions before its end."""
    body, guard, rest = header.rpartition("#endif /*")
    return body + _FUNCTIONS.format(name=name) + guard + rest


def _pte(pte: bytes, name: str) -> str:
    data = array(np.frombuffer(pte, np.uint8))
    prefix = name.upper()
    return (
        f"/* The program file of {name}, made by cmopt. */\n"
        f"#ifndef {prefix}_PTE_ATTRIBUTES\n#define {prefix}_PTE_ATTRIBUTES\n#endif\n\n"
        f"{prefix}_PTE_ATTRIBUTES __attribute__((aligned(16))) "
        f"const unsigned char {name}_pte[] = {data};\n"
    )


def _borders(func: FuncOp) -> dict[str, str]:
    """The lines that set each input, and that copy each output."""
    (_, arguments, entries), (_, results, _) = sides(func)
    inputs = [
        line
        for index, (value, entry) in enumerate(zip(arguments, entries, strict=True))
        for line in _input(index, value, entry.get(DIM_ORDER))
    ]
    outputs = [
        line
        for index, value in enumerate(results)
        for line in (
            f"  if (outputs[{index}] != nullptr) {{",
            f"    std::memcpy(outputs[{index}], "
            f"loaded->forward->get_output({index}).toTensor().const_data_ptr(), "
            f"{nbytes(value.type)});",
            "  }",
        )
    ]
    return {
        "INPUTS": "\n".join(inputs or ["  (void)inputs;"]),
        "OUTPUTS": "\n".join(outputs or ["  (void)outputs;"]),
    }


def _input(index: int, value: SSAValue, order: Attribute | None) -> list[str]:
    view = logical_view(value, order)
    strides = _strides(view.sizes, view.order)
    lists = (view.sizes, view.order, strides)
    kinds = ("int32_t sizes", "uint8_t order", "int32_t strides")
    declared = [
        f"  static const {kind}_{index}[] = {{{', '.join(map(str, values)) or '0'}}};"
        for kind, values in zip(kinds, lists, strict=True)
    ]
    arguments = f"sizes_{index}, order_{index}, strides_{index}, inputs[{index}]"
    return [
        *declared,
        f"  error = set_input({index}, ScalarType::{_SCALAR_TYPES[view.dtype]}, "
        f"{len(view.sizes)}, {arguments});",
        "  if (error != Error::Ok) {",
        "    return error;",
        "  }",
    ]


def _strides(sizes: Sequence[int], order: Sequence[int]) -> list[int]:
    """The strides of a dense tensor with this dim order, in elements."""
    strides = [0] * len(sizes)
    for place, dim in enumerate(order):
        strides[dim] = math.prod(sizes[inner] for inner in order[place + 1 :])
    return strides
