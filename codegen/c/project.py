"""A directory with C sources that a firmware project can take as it is.

NAME.h  NAME.c  NAME_weights.h  NAME_weights.c    the program
kernels/                    what it calls
self_test.c  run_files.c    programs that run it, on a host or an emulated core
machine/                    what these programs need on a bare core
CMakeLists.txt  README.md  project.json
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

from xdsl.dialects.func import FuncOp

import cmopt.kernels
from cmopt.codegen.c.header import regions_of
from cmopt.codegen.c.program import CProgram
from cmopt.codegen.c.text import C_TYPES, array
from cmopt.codegen.emit_pte import logical_view
from cmopt.dialects.arrays import Array
from cmopt.dialects.cortex_m import nbytes, place_of
from cmopt.dialects.program import DIM_ORDER, border_names, inputs_of, outputs_of, sides, states
from cmopt.support.cores import LINK_FLAGS, Core, core_of, emulator_options, link_symbols

KERNELS = Path(cmopt.kernels.__file__).parent
"""The directory with the sources of the kernels."""

PROJECT = "project.json"
"""What tools must know of a project: see `project_facts`."""


@dataclass(frozen=True)
class Example:
    """One input and the outputs that belong to it, as row-major arrays of the border's types."""

    inputs: Sequence[Array]
    outputs: Sequence[Array]


def kernel_files() -> Iterator[tuple[str, str]]:
    """The path in a project, and the text, of every source that a program may need."""
    for folder in ("cmsis_nn", "tensor_ops", "recurrent", "packed", "machine"):
        for path in sorted((KERNELS / folder).rglob("*")):
            if path.suffix not in (".c", ".h", ".ld") and path.name != "CMakeLists.txt":
                continue
            inside = path.relative_to(KERNELS)
            target = inside if folder == "machine" else Path("kernels") / inside
            yield target.as_posix(), path.read_text()


def project_files(program: CProgram, func: FuncOp, target: str, example: Example
                  ) -> dict[str, str]:  # fmt: skip
    """Every file of a project: its path and its text.

    func: the planned function that `program` was made from. target: the name of its target.
    example: for the self test.
    """
    core = core_of(target)
    reset = _reset(program, func)
    names = {
        "NAME": program.name,
        "PREFIX": program.name.upper(),
        "CORE": core.target,
        "RESET": reset,
        **_memories(program, func),
        "RESET_IN_README": f"\n{reset.strip()} /* once: the model has state */" if reset else "",
    }
    return {
        f"{program.name}.h": program.header,
        f"{program.name}.c": program.source,
        f"{program.name}_weights.h": program.weights_header,
        f"{program.name}_weights.c": program.weights,
        "self_test.c": fill("self_test.c.in", names | _self_test(example)),
        "run_files.c": fill("run_files.c.in", run_files_values(program, func)),
        "CMakeLists.txt": fill("CMakeLists.txt.in", names),
        "README.md": fill("README.md.in", names | _readme(program, target)),
        PROJECT: json.dumps(project_facts(program, func, target), indent=2) + "\n",
        f"machine/{core.target}.cmake": fill("core.cmake.in", names | _toolchain(core)),
        **dict(kernel_files()),
    }


def _memories(program: CProgram, func: FuncOp) -> dict[str, str]:
    """What depends on the memories that the program takes: the arena, and the fast one if used."""
    define = f"static {program.name.upper()}_DTCM(dtcm); /* in the fastest memory */\n"
    return {
        "MEMORIES": ", ".join(regions_of(func)),
        "DTCM": define if program.dtcm_bytes else "",
        "DTCM_ROW": dtcm_row(program.dtcm_bytes),
    }


def dtcm_row(size: int) -> str:
    """The row of the fast memory in the table of a README; empty if it is not used."""
    row = f"| fast memory: the values that are read and written most | {size:,} |\n"
    return row if size else ""


def fill(template: str, values: Mapping[str, str]) -> str:
    """A file of `templates/` with values for each `@KEY@`."""
    text = resources.files("cmopt.codegen.c").joinpath("templates", template).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def _reset(program: CProgram, func: FuncOp) -> str:
    """The line that gives the state its initial value, if there is any."""
    return f"    {program.name}_reset(arena);" if states(func) else ""


def _toolchain(core: Core) -> dict[str, str]:
    return {
        "FLAGS": " ".join(core.flags),
        "LINK_FLAGS": " ".join([*LINK_FLAGS, *link_symbols(core)]),
        "MACHINE": core.machine.name,
        "EMULATOR_OPTIONS": ";".join(emulator_options(core)),
    }


def self_test_values(example: Example, check: str) -> tuple[str, str, str]:
    """C of a self test: the example's arrays, the lists of their addresses, and a check of each
    output, which is a call that begins with `check`."""
    data, checks = [], []
    for kind, values in (("input", example.inputs), ("expected", example.outputs)):
        for i, value in enumerate(values):
            type = C_TYPES[value.dtype.name]
            data.append(f"static const {type} {kind}_{i}[] = {array(value)};")
    for i, value in enumerate(example.outputs):
        data.append(f"static {C_TYPES[value.dtype.name]} output_{i}[{max(value.size, 1)}];")
        checks.append(f'{check}("output {i}", output_{i}, expected_{i}, {value.nbytes});')
    inputs = ", ".join(f"input_{i}" for i in range(len(example.inputs))) or "0"
    outputs = ", ".join(f"output_{i}" for i in range(len(example.outputs))) or "0"
    run = [
        f"    const void *const inputs[] = {{{inputs}}};",
        f"    void *const outputs[] = {{{outputs}}};",
    ]
    return "\n\n".join(data), "\n".join(run), "\n".join(checks)


def _self_test(example: Example) -> dict[str, str]:
    data, run, checks = self_test_values(example, check="    check")
    return {"DATA": data, "RUN": run, "CHECKS": checks}


def run_files_values(program: CProgram, func: FuncOp) -> dict[str, str]:
    """What `run_files.c.in` needs. func: the planned function that `program` was made from."""
    arguments, results = inputs_of(func), outputs_of(func)
    buffers = [
        f"static uint8_t output_{i}[{max(nbytes(value.type), 1)}] __attribute__((aligned(8)));"
        for i, value in enumerate(results)
    ]
    outputs = ", ".join(f"output_{i}" for i in range(len(results))) or "0"
    reads = [
        f"        read_bytes(in, {place_of(value)}, {nbytes(value.type)});"
        for value in arguments
        if nbytes(value.type)
    ]
    writes = [
        f"        write_bytes(out, output_{i}, {nbytes(value.type)});"
        for i, value in enumerate(results)
        if nbytes(value.type)
    ]
    return {
        "NAME": program.name,
        "PREFIX": program.name.upper(),
        "OUTPUT_BUFFERS": "\n".join([*buffers, f"static void *const outputs[] = {{{outputs}}};"]),
        **_guarded(program.name.upper(), regions_of(func)),
        "INPUT_BYTES": str(sum(nbytes(value.type) for value in arguments)),
        "RESET": _reset(program, func),
        "READS": "\n".join(reads),
        "WRITES": "\n".join(writes),
    }


def _guarded(prefix: str, regions: Sequence[str]) -> dict[str, str]:
    """The memories of `run_files.c`, each between guards."""
    sizes = {region: f"{prefix}_{region.upper()}_BYTES" for region in regions}
    return {
        "MEMORIES": ", ".join(regions),
        "MEMORIES_WITH_GUARDS": "\n".join(
            f"GUARDED(guarded_{region}, {size});\n"
            f"static uint8_t *const {region} = guarded_{region} + GUARD_BYTES;"
            for region, size in sizes.items()
        ),
        "PAINT": "\n".join(
            f"    memset(guarded_{region}, GUARD, sizeof guarded_{region});" for region in regions
        ),
        "GARBAGE": "".join(
            f"        memset({region}, GARBAGE, {size});\n"
            for region, size in list(sizes.items())[1:]
        ),
        "CHECKS": "\n".join(
            f'        check_guards("{region}", guarded_{region}, {size});'
            for region, size in sizes.items()
        ),
    }


def _readme(program: CProgram, target: str) -> dict[str, str]:
    steps = "\n".join(
        f"| {i} | {step.kernel} | {step.operands} | {step.where.replace('|', '/')} |"
        for i, step in enumerate(program.steps)
    )
    return {
        "TARGET": target,
        "ARENA": f"{program.arena_bytes:,}",
        "CONSTANTS": f"{program.constant_bytes:,}",
        "STEPS": steps,
    }


def project_facts(program: CProgram, func: FuncOp, target: str) -> dict[str, object]:
    """What `cm-run` must know of a project: names, dtypes and shapes as PyTorch has them."""
    facts: dict[str, list[dict[str, object]]] = {}
    for names, (kind, values, entries) in zip(border_names(func), sides(func), strict=True):
        views = [
            logical_view(value, entry.get(DIM_ORDER))
            for value, entry in zip(values, entries, strict=True)
        ]
        facts[f"{kind}s"] = [
            {
                "name": name,
                "dtype": view.dtype,
                "shape": list(view.sizes),
                "dim_order": list(view.order),
            }
            for name, view in zip(names, views, strict=True)
        ]
    return {
        "name": program.name,
        "target": target,
        "arena_bytes": program.arena_bytes,
        "dtcm_bytes": program.dtcm_bytes,
        "constant_bytes": program.constant_bytes,
        "steps": [asdict(step) for step in program.steps],
        "order": program.order,
        **facts,
    }
