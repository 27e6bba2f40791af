"""The sources of a planned function: `NAME.h`, `NAME.c`, `NAME_weights.h` and `NAME_weights.c`."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass

from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue

from cmopt.codegen.c.constants import Constants
from cmopt.codegen.c.copies import MOVING, all_indices_known, emit_movement
from cmopt.codegen.c.elementwise import EXPRESSIONS, emit_elementwise
from cmopt.codegen.c.elementwise_calls import ELEMENTWISE
from cmopt.codegen.c.indexing import INDEXED, emit_indexed
from cmopt.codegen.c.loops import Calls
from cmopt.codegen.c.matrix_calls import MATRICES
from cmopt.codegen.c.pooling import POOLS, emit_pool
from cmopt.codegen.c.recurrent_calls import RECURRENT
from cmopt.codegen.c.reductions import EXTREMA, emit_extremum
from cmopt.codegen.c.ring_buffers import RING_BUFFERS
from cmopt.codegen.c.step import SUFFIXES, Rule, Step, constant_of
from cmopt.codegen.c.text import C_TYPES, comment, identifier, wrapped
from cmopt.codegen.c.wide_calls import WIDE
from cmopt.codegen.c.window_calls import WINDOWS
from cmopt.codegen.emit_header import border_macros
from cmopt.codegen.lifetimes import ALIGNMENT
from cmopt.codegen.step_facts import Order, StepFacts, order_of, step_facts, steps_of
from cmopt.dialects.arrays import dense_array, numpy_dtype
from cmopt.dialects.cortex_m import (
    nbytes,
    place_of,
)
from cmopt.dialects.edge import CallOp
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.program import (
    ARENA_BYTES,
    QUANTIZED,
    inputs_of,
    outputs_of,
    sides,
    state_bytes,
    states,
)
from cmopt.dialects.quant import UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import element_of, int_of, numel, shape_of
from cmopt.support.diagnostics import CompileError


@dataclass(frozen=True)
class CProgram:
    """The C sources of one function.

    name: what its functions and files begin with. steps: what each step is, in order; the function
    of step 0 is `step_0`. order: that in which they are executed. constant_bytes: the bytes of all
    constants.
    """

    name: str
    header: str
    source: str
    weights_header: str
    weights: str
    steps: tuple[StepFacts, ...]
    order: Order
    arena_bytes: int
    constant_bytes: int


def emit_program(func: FuncOp, name: str) -> CProgram:
    """The sources of a planned function. `name` becomes a C identifier.

    Raises CompileError, at the user's line, for an op that has no C form.
    """
    if (size := func.attributes.get(ARENA_BYTES)) is None:
        raise CompileError("is not planned: run the pass plan-memory first", op=func)
    clean = identifier(name)
    constants = Constants(clean)
    steps = list(_steps(func, constants))
    source = _source(func, clean, steps, constants)
    return CProgram(
        name=clean,
        header=_header(func, clean, int_of(size), constants.nbytes),
        source=source,
        weights_header=_weights_header(clean, constants),
        weights=_weights(clean, constants),
        steps=tuple(facts for _, facts in steps),
        order=order_of(func.body.block),
        arena_bytes=int_of(size),
        constant_bytes=constants.nbytes,
    )


# --- Steps ----------------------------------------------------------------------------------------


def _steps(func: FuncOp, constants: Constants) -> Iterator[tuple[Step, StepFacts]]:
    """The steps in order."""
    for count, (op, times) in enumerate(steps_of(func.body.block)):
        step = Step(f"step_{count}", constants)
        if any(numel(shape_of(result)) for result in op.results):
            _emit(op, step)
        else:
            step.lines.append("return 0; /* has no elements */")
        yield step, step_facts(op, times)


def _emit_moving(op: CallOp, step: Step) -> None:
    """An operator that moves elements to known places, or to computed ones."""
    if op.target.data in INDEXED and not all_indices_known(op):
        emit_indexed(op, step)
    else:
        emit_movement(op, step)


PORTABLE: tuple[tuple[Container[str], Callable[[CallOp, Step], None]], ...] = (
    (MOVING, _emit_moving),
    (INDEXED, emit_indexed),
    (EXPRESSIONS, emit_elementwise),
    (EXTREMA, emit_extremum),
    (POOLS, emit_pool),
)
"""The portable operators that have a C form, and what emits them."""


STEPS: dict[type[Operation], Rule] = {
    **ELEMENTWISE, **WINDOWS, **MATRICES, **RECURRENT, **WIDE, **RING_BUFFERS,
}  # fmt: skip
"""The rule of each `cortex_m` and `cmopt` op that is a kernel call; a new op needs one."""


def _emit(op: Operation, step: Step) -> None:
    if isinstance(op, DelegateOp):
        raise CompileError(
            "C source cannot call the NPU yet",
            op=op,
            hint="emit a .pte, or compile for the core alone",
        )
    if isinstance(op, CallOp):
        for table, emit in PORTABLE:
            has_format = op.data_format is not None and table is not POOLS
            if op.target.data in table and not has_format:
                emit(op, step)
                return
        hint = "emit a .pte, or replace the operator in the model"
        raise CompileError(f"{op.target.data} has no C form", op=op, hint=hint)
    STEPS[type(op)](op, step)


# --- The source -----------------------------------------------------------------------------------

_INCLUDES = """\
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "arm_nnfunctions.h"
#include "cmopt_recurrent.h"
#include "cmopt_tensor_ops.h"
"""


def _source(func: FuncOp, name: str, steps: Sequence[tuple[Step, StepFacts]],
            constants: Constants) -> str:  # fmt: skip
    run = _run(func, name, constants)  # may need constants
    functions = []
    for step, facts in steps:
        body = "\n".join(part for line in step.lines for part in wrapped(line))
        parameter = "int8_t *arena" if "arena" in body else "const int8_t *arena"
        unused = [] if "arena" in body else ["    (void)arena;"]
        functions.append(
            "\n".join(
                [comment(str(facts)), f"static int {step.name}({parameter})", "{", *unused, body]
            )
            + "\n}\n"
        )
    return "\n".join(
        [
            comment(f"{name}: made by cmopt. Each step is one kernel call; see {name}.h."),
            f'#include "{name}.h"\n',
            _INCLUDES,
            f'#include "{name}_weights.h"\n',
            "/* A test may define it, to fill the working memory of a kernel before the call. */",
            f"#ifndef {name.upper()}_SCRATCH",
            f"#define {name.upper()}_SCRATCH(start, bytes) (start)",
            "#endif\n",
            *functions,
            run,
        ]
    )


def _run(func: FuncOp, name: str, constants: Constants) -> str:
    """`NAME_run`, and the conversions of inputs and outputs."""
    prefix = name.upper()
    arguments, results = inputs_of(func), outputs_of(func)
    reads = [
        _move(f"inputs[{i}]", f"(int8_t *)arena + {place_of(value)}", nbytes(value.type), True)
        for i, value in enumerate(arguments)
        if nbytes(value.type)
    ]
    writes = []
    for i, value in enumerate(results):
        place = place_of(value)
        if place is not None:
            where = f"(const int8_t *)arena + {place}"
        else:
            where = constants.name(constant_of(value), f"output_{i}")
        if nbytes(value.type):
            writes.append(_move(f"outputs[{i}]", where, nbytes(value.type), False))
    calls = list(Calls(constants).block(func.body.block))
    return "\n".join(
        [
            "/* A profiler may define these. */",
            f"#ifndef {prefix}_BEFORE_STEP",
            f"#define {prefix}_BEFORE_STEP(number)",
            "#endif",
            f"#ifndef {prefix}_AFTER_STEP",
            f"#define {prefix}_AFTER_STEP(number)",
            "#endif",
            "",
            f"#define {prefix}_STEP(number, function) \\",
            "    do { \\",
            f"        {prefix}_BEFORE_STEP(number); \\",
            "        if (function((int8_t *)arena) != 0) { \\",
            "            return (number) + 1; \\",
            "        } \\",
            f"        {prefix}_AFTER_STEP(number); \\",
            "    } while (0)",
            "",
            f"int {name}_run(void *arena, const void *const *inputs, void *const *outputs)",
            "{",
            f"    if (arena == NULL || (uintptr_t)arena % {prefix}_ARENA_ALIGNMENT != 0) {{",
            "        return -1;",
            "    }",
            *([] if reads else ["    (void)inputs;"]),
            *([] if writes else ["    (void)outputs;"]),
            *reads,
            *calls,
            *writes,
            "    return 0;",
            "}",
            *_reset(func, name, constants),
            *_conversion_functions(func, name),
        ]
    )


def _reset(func: FuncOp, name: str, constants: Constants) -> list[str]:
    """`NAME_reset`, if the function has state."""
    if not (kept := states(func)):
        return []
    moves = []
    for i, state in enumerate(kept):
        value, target = dense_array(state.initial), f"(int8_t *)arena + {place_of(state.argument)}"
        size = nbytes(state.argument.type)
        if not value.any():
            moves.append(f"    memset({target}, 0, {size});")
        else:
            moves.append(f"    memcpy({target}, {constants.name(value, f'state_{i}')}, {size});")
    return ["", f"void {name}_reset(void *arena)", "{", *moves, "}"]


def _move(caller: str, place: str, size: int, is_input: bool) -> str:
    target, source = (place, caller) if is_input else (caller, place)
    whole = caller.partition("[")[0]
    return "\n".join(
        [
            f"    if ({whole} != NULL && {caller} != NULL) {{",
            f"        memmove({target}, {source}, {size});",
            "    }",
        ]
    )


def _conversion_functions(func: FuncOp, name: str) -> list[str]:
    lines = [""]
    for conversion in _conversions(func, name):
        body = [f"    {line}" for line in conversion.body]
        lines += [conversion.signature, "{", *body, "}", ""]
    return lines


@dataclass(frozen=True)
class _Conversion:
    """A function between the real numbers and the stored integers of an input or output."""

    what: str
    signature: str
    body: tuple[str, ...]


def _conversions(func: FuncOp, name: str) -> list[_Conversion]:
    """The conversions of all inputs and outputs that are passed as integers."""
    found: list[_Conversion] = []
    for kind, values, entries in sides(func):
        for index, (value, entry) in enumerate(zip(values, entries, strict=True)):
            quantized = entry.get(QUANTIZED)
            element = None if quantized is None else quantized_element(quantized)
            suffix = SUFFIXES.get(numpy_dtype(element_of(value)).name)
            if element is not None and suffix is not None:
                found.append(_conversion(name, kind, index, value, element, suffix))
    return found


def _conversion(name: str, kind: str, index: int, value: SSAValue,
                element: UniformQuantizedType, suffix: str) -> _Conversion:  # fmt: skip
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
    return _Conversion(
        what,
        f"void {name}_{verb}_{kind}_{index}({parameters})",
        (
            f"static const cmopt_quantization quantization = {{{numbers}}};",
            f"cmopt_{verb}_{suffix}({call[0]}, {numel(shape_of(value))}, &quantization, "
            f"{call[1]});",
        ),
    )


# --- Header and weights ---------------------------------------------------------------------------

_RUN_CONTRACT = """\
/* Runs the model once. Returns 0; -1 if the arena is NULL or not aligned; or n + 1 if the kernel of
 * step n refused its arguments: an index is outside, or the kernel was built for another
 * instruction set and needs more scratch than was planned.
 *
 * arena: {prefix}_ARENA_BYTES bytes, aligned to {prefix}_ARENA_ALIGNMENT. Nothing else is written:
 *     calls with different arenas may run at the same time.
 * inputs: the bytes of each input. One that is NULL is in the arena already, at its offset,
 *     {prefix}_INPUT_n_OFFSET bytes from the start. If `inputs` is NULL, all are.
 * outputs: where the bytes of each output go. NULL leaves it in the arena, at its offset. */
int {name}_run(void *arena, const void *const *inputs, void *const *outputs);
"""

_RESET_CONTRACT = """\
/* Gives the model's state its initial value: call it once before the first run. The state is the
 * first {prefix}_STATE_BYTES bytes of the arena. Keep them from one run to the next. */
void {name}_reset(void *arena);
"""


def _header(func: FuncOp, name: str, arena: int, constants: int) -> str:
    prefix = name.upper()
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
        f"#define {prefix}_CONSTANT_BYTES {constants}",
        f"#define {prefix}_STATE_BYTES {state_bytes(func)}",
        "",
        "/* Define it to place the weights, for example in a section of external flash. */",
        f"#ifndef {prefix}_CONSTANT_ATTRIBUTES",
        f"#define {prefix}_CONSTANT_ATTRIBUTES",
        "#endif",
        "",
        f"/* Defines an arena: static {prefix}_ARENA(memory); */",
        f"#define {prefix}_ARENA(variable) \\",
        f"    uint8_t variable[{prefix}_ARENA_BYTES ? {prefix}_ARENA_BYTES : 1] \\",
        f"        __attribute__((aligned({prefix}_ARENA_ALIGNMENT)))",
        "",
        *border_macros(func, prefix, with_offsets=True),
        "",
        _RUN_CONTRACT.format(prefix=prefix, name=name),
        *([_RESET_CONTRACT.format(prefix=prefix, name=name)] if states(func) else []),
    ]
    for conversion in _conversions(func, name):
        lines += [f"/* {conversion.what}. */", f"{conversion.signature};", ""]
    lines += ["#ifdef __cplusplus", "}", "#endif", "", f"#endif /* {prefix}_H */", ""]
    return "\n".join(lines)


def _weights_header(name: str, constants: Constants) -> str:
    guard = f"{name.upper()}_WEIGHTS_H"
    return "\n".join(
        [
            comment(f"{name}: made by cmopt. Used by {name}.c only."),
            f"#ifndef {guard}",
            f"#define {guard}\n",
            "#include <stdint.h>\n",
            *constants.declarations(),
            f"\n#endif /* {guard} */\n",
        ]
    )


def _weights(name: str, constants: Constants) -> str:
    attributes = f"{name.upper()}_CONSTANT_ATTRIBUTES __attribute__((aligned({ALIGNMENT})))"
    return "\n".join(
        [
            comment(f"{name}: made by cmopt. The constants of {name}.c."),
            f'#include "{name}.h"',
            f'#include "{name}_weights.h"\n',
            *constants.definitions(attributes),
            "",
        ]
    )
