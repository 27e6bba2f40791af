"""The sources of a planned function: `NAME.h`, `NAME.c`, `NAME_weights.h` and `NAME_weights.c`."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass

from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation

from cmopt.codegen.c.constants import Constants
from cmopt.codegen.c.copies import MOVING, all_indices_known, emit_movement
from cmopt.codegen.c.elementwise import EXPRESSIONS, emit_elementwise
from cmopt.codegen.c.elementwise_calls import ELEMENTWISE
from cmopt.codegen.c.header import conversions_of, program_header, regions_of, signature_of
from cmopt.codegen.c.indexing import INDEXED, emit_indexed
from cmopt.codegen.c.loops import Calls
from cmopt.codegen.c.matrix_calls import MATRICES
from cmopt.codegen.c.pooling import POOLS, emit_pool
from cmopt.codegen.c.recurrent_calls import RECURRENT
from cmopt.codegen.c.reductions import EXTREMA, emit_extremum
from cmopt.codegen.c.ring_buffers import RING_BUFFERS
from cmopt.codegen.c.step import Rule, Step, constant_of
from cmopt.codegen.c.text import comment, identifier, wrapped
from cmopt.codegen.c.wide_calls import WIDE
from cmopt.codegen.c.window_calls import WINDOWS
from cmopt.codegen.lifetimes import ALIGNMENT
from cmopt.codegen.step_facts import Order, StepFacts, order_of, step_facts, steps_of
from cmopt.dialects.arrays import dense_array
from cmopt.dialects.cortex_m import nbytes, place_of
from cmopt.dialects.edge import CallOp
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.program import (
    ARENA_BYTES,
    inputs_of,
    outputs_of,
    region_bytes,
    states,
)
from cmopt.dialects.shapes import int_of, numel, shape_of
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
    dtcm_bytes: int


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
        header=program_header(func, clean, int_of(size), constants.nbytes),
        source=source,
        weights_header=_weights_header(clean, constants),
        weights=_weights(clean, constants),
        steps=tuple(facts for _, facts in steps),
        order=order_of(func.body.block),
        arena_bytes=int_of(size),
        constant_bytes=constants.nbytes,
        dtcm_bytes=region_bytes(func, "dtcm"),
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
#include "cmopt_packed.h"
#include "cmopt_recurrent.h"
#include "cmopt_tensor_ops.h"
"""


def _source(func: FuncOp, name: str, steps: Sequence[tuple[Step, StepFacts]],
            constants: Constants) -> str:  # fmt: skip
    run = _run(func, name, constants)  # may need constants
    regions, functions = regions_of(func), []
    for step, facts in steps:
        body = "\n".join(part for line in step.lines for part in wrapped(line))
        used = [region for region in regions if f"{region} + " in body]
        parameters = [f"{'' if r in used else 'const '}int8_t *{r}" for r in regions]
        unused = [f"    (void){region};" for region in regions if region not in used]
        signature = f"static int {step.name}({', '.join(parameters)})"
        functions.append("\n".join([comment(str(facts)), signature, "{", *unused, body]) + "\n}\n")
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
        _move(f"inputs[{i}]", f"(int8_t *){place_of(value)}", nbytes(value.type), True)
        for i, value in enumerate(arguments)
        if nbytes(value.type)
    ]
    writes = []
    for i, value in enumerate(results):
        place = place_of(value)
        if place is not None:
            where = f"(const int8_t *){place}"
        else:
            where = constants.name(constant_of(value), f"output_{i}")
        if nbytes(value.type):
            writes.append(_move(f"outputs[{i}]", where, nbytes(value.type), False))
    calls = list(Calls(constants).block(func.body.block))
    regions = regions_of(func)
    passed = ", ".join(f"(int8_t *){region}" for region in regions)
    wrong = " || ".join(
        f"{region} == NULL || (uintptr_t){region} % {prefix}_ARENA_ALIGNMENT != 0"
        for region in regions
    )
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
            f"        if (function({passed}) != 0) {{ \\",
            "            return (number) + 1; \\",
            "        } \\",
            f"        {prefix}_AFTER_STEP(number); \\",
            "    } while (0)",
            "",
            signature_of(func, name),
            "{",
            f"    if ({wrong}) {{",
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
        value, target = dense_array(state.initial), f"(int8_t *){place_of(state.argument)}"
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
    for conversion in conversions_of(func, name):
        body = [f"    {line}" for line in conversion.body]
        lines += [conversion.signature, "{", *body, "}", ""]
    return lines


# --- Weights -------------------------------------------------------------------------------------


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
