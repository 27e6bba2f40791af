"""The header of a C program, `NAME.h`: sizes, tensors, and the functions that run and convert."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue

from cmopt.codegen.c.step import SUFFIXES
from cmopt.codegen.c.text import C_TYPES, comment
from cmopt.codegen.emit_header import border_macros
from cmopt.codegen.lifetimes import ALIGNMENT
from cmopt.dialects.arrays import numpy_dtype
from cmopt.dialects.cortex_m import REGIONS
from cmopt.dialects.program import QUANTIZED, region_bytes, sides, state_bytes, states
from cmopt.dialects.quant import UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import element_of, numel, shape_of


def regions_of(func: FuncOp) -> list[str]:
    """The regions that a planned function takes as arguments: the arena, and others if used."""
    return [region for region in REGIONS if region == "arena" or region_bytes(func, region)]


def signature_of(func: FuncOp, name: str) -> str:
    """The declaration of `NAME_run`, without its end."""
    memory = ", ".join(f"void *{region}" for region in regions_of(func))
    return f"int {name}_run({memory}, const void *const *inputs, void *const *outputs)"


@dataclass(frozen=True)
class Conversion:
    """A function between the real numbers and the stored integers of an input or output."""

    what: str
    signature: str
    body: tuple[str, ...]


def conversions_of(func: FuncOp, name: str) -> list[Conversion]:
    """The conversions of all inputs and outputs that are passed as integers."""
    found: list[Conversion] = []
    for kind, values, entries in sides(func):
        for index, (value, entry) in enumerate(zip(values, entries, strict=True)):
            quantized = entry.get(QUANTIZED)
            element = None if quantized is None else quantized_element(quantized)
            suffix = SUFFIXES.get(numpy_dtype(element_of(value)).name)
            if element is not None and suffix is not None:
                found.append(_conversion(name, kind, index, value, element, suffix))
    return found


def _conversion(name: str, kind: str, index: int, value: SSAValue,
                element: UniformQuantizedType, suffix: str) -> Conversion:  # fmt: skip
    type = C_TYPES[numpy_dtype(element_of(value)).name]
    prefix = f"{name.upper()}_{kind.upper()}_{index}"
    if kind == "input":
        what, verb = f"From real numbers to input {index}", "quantize"
        parameters, call = f"const float *values, {type} *quantized", ("values", "quantized")
    else:
        what, verb = f"To real numbers from output {index}", "dequantize"
        parameters, call = f"const {type} *quantized, float *values", ("quantized", "values")
    low, high = element.storage_range
    numbers = f"{prefix}_SCALE, {prefix}_ZERO_POINT, {low}, {high}"
    return Conversion(
        what,
        f"void {name}_{verb}_{kind}_{index}({parameters})",
        (
            f"static const cmopt_quantization quantization = {{{numbers}}};",
            f"cmopt_{verb}_{suffix}({call[0]}, {numel(shape_of(value))}, &quantization, "
            f"{call[1]});",
        ),
    )


_RUN_CONTRACT = """\
/* Runs the model once. Returns 0; -1 if a memory is NULL or not aligned; or n + 1 if the kernel of
 * step n refused its arguments: an index is outside, or the kernel was built for another
 * instruction set and needs more scratch than was planned.
 *
 * arena: {prefix}_ARENA_BYTES bytes, aligned to {prefix}_ARENA_ALIGNMENT. Nothing else is written:
 *     calls with different memory may run at the same time.{dtcm}
 * inputs: the bytes of each input. One that is NULL is in the arena already, at its offset,
 *     {prefix}_INPUT_n_OFFSET bytes from the start. If `inputs` is NULL, all are.
 * outputs: where the bytes of each output go. NULL leaves it in the arena, at its offset. */
{signature};
"""

_DTCM_CONTRACT = """
 * dtcm: {prefix}_DTCM_BYTES bytes of the fastest memory, aligned as the arena. It holds nothing
 *     between two runs."""

_RESET_CONTRACT = """\
/* Gives the model's state its initial value: call it once before the first run. The state is the
 * first {prefix}_STATE_BYTES bytes of the arena. Keep them from one run to the next. */
void {name}_reset(void *arena);
"""


def program_header(func: FuncOp, name: str, arena: int, constants: int) -> str:
    """The text of `NAME.h`. arena, constants: their bytes."""
    prefix, dtcm = name.upper(), region_bytes(func, "dtcm")
    lines = [
        comment(f"{name}: made by cmopt. Shapes are PyTorch's."),
        f"#ifndef {prefix}_H",
        f"#define {prefix}_H",
        "",
        "#include <stdbool.h>",
        "#include <stdint.h>",
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        f"#define {prefix}_ARENA_BYTES {arena}",
        f"#define {prefix}_ARENA_ALIGNMENT {ALIGNMENT}",
        *([f"#define {prefix}_DTCM_BYTES {dtcm}"] if dtcm else []),
        f"#define {prefix}_CONSTANT_BYTES {constants}",
        f"#define {prefix}_STATE_BYTES {state_bytes(func)}",
        "",
        "/* Define it to place the weights, for example in a section of external flash. */",
        f"#ifndef {prefix}_CONSTANT_ATTRIBUTES",
        f"#define {prefix}_CONSTANT_ATTRIBUTES",
        "#endif",
        "",
        f"/* Defines an arena: static {prefix}_ARENA(memory); */",
        *_memory_macro(prefix, "ARENA"),
        *(["", "/* Defines the fast memory. */", *_memory_macro(prefix, "DTCM")] if dtcm else []),
        "",
        *border_macros(func, prefix, with_offsets=True),
        "",
        _RUN_CONTRACT.format(
            prefix=prefix,
            signature=signature_of(func, name),
            dtcm=_DTCM_CONTRACT.format(prefix=prefix) if dtcm else "",
        ),
        *([_RESET_CONTRACT.format(prefix=prefix, name=name)] if states(func) else []),
    ]
    for conversion in conversions_of(func, name):
        lines += [f"/* {conversion.what}. */", f"{conversion.signature};", ""]
    lines += ["#ifdef __cplusplus", "}", "#endif", "", f"#endif /* {prefix}_H */", ""]
    return "\n".join(lines)


def _memory_macro(prefix: str, region: str) -> list[str]:
    """The macro that defines an array for a region."""
    size = f"{prefix}_{region}_BYTES"
    return [
        f"#define {prefix}_{region}(variable) \\",
        f"    uint8_t variable[{size} ? {size} : 1] \\",
        f"        __attribute__((aligned({prefix}_ARENA_ALIGNMENT)))",
    ]
