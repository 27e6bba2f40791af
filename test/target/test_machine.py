"""A run on an emulated core detects mistakes. Each is made here on purpose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from execution import execute, write_program
from op_programs import PROGRAMS, planned, random_inputs
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, TensorType
from xdsl.rewriter import Rewriter

from cmopt.dialects.cortex_m import Place, PlaceAttr, ScratchOp, nbytes, place_of
from cmopt.dialects.program import ARENA_BYTES, main_function
from cmopt.interpreters.run import run_module
from cmopt.pipeline.board import Board, BoardError, Exit
from cmopt.support.cores import EMULATED, MACHINE_PARTS

BoardOf = Callable[[str], Board]

EVERY_CORE = pytest.mark.parametrize("target", EMULATED)


def run_main(board: Board, name: str, body: str, timeout: float = 60) -> str:
    """Compile and run a `main` with startup and console. Returns its console output."""
    support = [path for path in board.objects() if path.stem in MACHINE_PARTS]
    source = f'#include "machine.h"\nvolatile int zero;\nint main(void)\n{{\n{body}\n}}\n'
    image = board.link(name, [compile_text(board, name, source), *support])
    return board.run(image, timeout=timeout)[1]


def compile_text(board: Board, name: str, source: str) -> Path:
    """The object file of C source given as text."""
    path = board.folder / f"{name}.c"
    path.write_text(source)
    return board.compile(path)


def run_conv(board: Board, name: str, module: ModuleOp, *options: str) -> list[bytes]:
    """Outputs of a module with the inputs of the `conv` program."""
    inputs = random_inputs(planned(PROGRAMS["conv"]), np.random.default_rng(0))
    return [y.tobytes() for (y,) in execute(board, name, module, [inputs], *options)]


def expected_of_conv() -> list[bytes]:
    module = planned(PROGRAMS["conv"])
    inputs = random_inputs(module, np.random.default_rng(0))
    return [y.tobytes() for y in run_module(module, inputs)]


@EVERY_CORE
def test_exit_code_and_console(board: BoardOf, target: str) -> None:
    body = 'say("numbers "); say_number(-2147483647 - 1); say_address(0x89abcdefu); return 0;'
    assert run_main(board(target), "well", body) == "numbers -21474836480x89abcdef"
    with pytest.raises(BoardError) as caught:
        run_main(board(target), "seven", "return 7 + zero;")
    assert caught.value.code == 7


@EVERY_CORE
def test_memory_at_start(board: BoardOf, target: str) -> None:
    body = """
        static volatile int set = 41, cleared;
        static volatile float half = 0.5f;
        return set == 41 && cleared == 0 && half * 4.0f == 2.0f ? 0 : 1;"""
    assert run_main(board(target), "memory", body) == ""


@EVERY_CORE
@pytest.mark.parametrize(
    "body",
    [
        pytest.param('__asm__ volatile("udf #0"); return 0;', id="undefined"),
        pytest.param("return *(volatile int *)0x2f000000;", id="unmapped"),
        pytest.param("((void (*)(void))0x20000000)(); return 0;", id="no-thumb"),
    ],
)
def test_an_exception_ends_the_run(board: BoardOf, target: str, body: str) -> None:
    with pytest.raises(BoardError) as caught:
        run_main(board(target), "fault", body)
    assert caught.value.code == Exit.FAULT
    assert caught.value.output.startswith("fault: exception 3 at 0x")


@EVERY_CORE
def test_stack_overflow_ends_the_run(board: BoardOf, target: str) -> None:
    with pytest.raises(BoardError) as caught:
        run_main(board(target), "deep", "volatile char frame[32768]; frame[zero] = 1; return 0;")
    assert caught.value.code not in (None, 0)


def test_a_run_without_end_is_ended(board: BoardOf) -> None:
    with pytest.raises(BoardError, match="no end after 1 s") as caught:
        run_main(board("cortex-m3"), "endless", "while (!zero) {} return 0;", timeout=1)
    assert caught.value.code is None


@pytest.mark.parametrize("length", [0, 2 * 5 * 6 * 3 + 4 * 3 * 3 * 3 + 1])
def test_no_whole_set_of_inputs(board: BoardOf, length: int) -> None:
    m3 = board("cortex-m3")
    write_program(m3, planned(PROGRAMS["conv"]))
    image = m3.build(m3.folder, "net")
    with pytest.raises(BoardError, match="not a whole number of sets") as caught:
        m3.run(image, bytes(length))
    assert caught.value.code == Exit.FILE


def test_writes_beyond_the_arena(board: BoardOf) -> None:
    """The planned arena is too small, so the last value overlaps the guard."""
    module = planned(PROGRAMS["conv"])
    func = main_function(module)
    size = func.attributes[ARENA_BYTES]
    assert isinstance(size, IntegerAttr)
    assert run_conv(board("cortex-m3"), "whole", module) == expected_of_conv()
    func.attributes[ARENA_BYTES] = IntegerAttr(size.value.data - 32, size.type)
    with pytest.raises(BoardError, match="guard after the arena") as caught:
        run_conv(board("cortex-m3"), "short", module)
    assert caught.value.code == Exit.GUARD


def instead_of(board: Board, function: str, answer: int) -> tuple[str, ...]:
    """Link options that make a function of the kernel library only return `answer`."""
    wrapper = f"int __wrap_{function}(void)"
    source = f"{wrapper};\n{wrapper} {{ return {answer}; }}\n"
    return f"-Wl,--wrap={function}", str(compile_text(board, f"instead_of_{function}", source))


@pytest.mark.parametrize("excess", [0, 1])
def test_scratch_smaller_than_the_library_asks_for(board: BoardOf, excess: int) -> None:
    """512 bytes are planned. The portable kernels need none, so another function asks for them."""
    m3, name = board("cortex-m3"), f"scratch-{excess}"
    options = instead_of(m3, "arm_convolve_wrapper_s8_get_buffer_size", 512 + excess)
    module = planned(PROGRAMS["conv"])
    if not excess:
        assert run_conv(m3, name, module, *options) == expected_of_conv()
        return
    with pytest.raises(BoardError, match="net_run returned 1") as caught:
        run_conv(m3, name, module, *options)
    assert caught.value.code == Exit.STEP


def test_a_kernel_that_returns_an_error(board: BoardOf) -> None:
    options = instead_of(board("cortex-m3"), "arm_convolve_wrapper_s8", -1)
    with pytest.raises(BoardError, match="net_run returned 1") as caught:
        run_conv(board("cortex-m3"), "refused", planned(PROGRAMS["conv"]), *options)
    assert caught.value.code == Exit.STEP


def test_a_wrong_number_shows(board: BoardOf) -> None:
    module = planned(PROGRAMS["conv"].replace("dense<1400000000>", "dense<1450000000>"))
    assert run_conv(board("cortex-m55"), "wrong", module) != expected_of_conv()


def test_scratch_that_overlaps_a_value_shows(board: BoardOf) -> None:
    """It shows although the portable kernel does not use its scratch."""
    module = planned(PROGRAMS["conv"])
    (scratch,) = [op for op in module.walk() if isinstance(op, ScratchOp)]
    func, type = main_function(module), scratch.output.type
    size, input = func.attributes[ARENA_BYTES], place_of(func.body.block.args[0])
    assert isinstance(size, IntegerAttr) and isinstance(type, TensorType) and input is not None
    offset = min(input.offset, size.value.data - nbytes(type))  # inside the arena
    moved = TensorType(type.element_type, type.shape, PlaceAttr.of(Place("arena", offset)))
    Rewriter.replace_value_with_new_type(scratch.output, moved)
    assert run_conv(board("cortex-m55"), "overlap", module) != expected_of_conv()
