"""C source: it compiles without a warning, gives the interpreter's bytes, and refuses misuse."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from xdsl.dialects.builtin import ModuleOp

import cmopt
from cmopt.codegen.c.project import KERNELS
from cmopt.dialects.program import main_function
from cmopt.interpreters.run import run_module
from cmopt.pipeline.board import FLAGS, BoardError, Host
from cmopt.pipeline.board import KERNELS as FOLDERS
from cmopt.pipeline.c_project import c_project, example_input
from cmopt.support.diagnostics import CompileError

sys.path.insert(0, str(Path(__file__).parents[1]))
from host_c import run_c, sanitized_host
from networks import NETWORKS
from op_programs import PROGRAMS, planned, random_inputs

INCLUDES = [f"-I{KERNELS / part / 'include'}" for part in FOLDERS]


@pytest.fixture
def host() -> Host:
    return sanitized_host()


def check(host: Host, module: ModuleOp, count: int = 2) -> bytes:
    """Compare with the interpreter on random inputs. Returns the outputs."""
    types = [argument.type for argument in main_function(module).body.block.args]
    batch = [[example_input(t, 100 * i + k) for k, t in enumerate(types)] for i in range(count)]
    expected = b"".join(y.tobytes() for inputs in batch for y in run_module(module, inputs))
    assert run_c(host, module, batch) == expected
    return expected


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_every_kernel(host: Host, name: str) -> None:
    module, random = planned(PROGRAMS[name]), np.random.default_rng(1)
    batch = [random_inputs(module, random) for _ in range(3)]
    expected = b"".join(y.tobytes() for inputs in batch for y in run_module(module, inputs))
    assert run_c(host, module, batch) == expected


@pytest.mark.parametrize("io", ["float", "int8"])
@pytest.mark.parametrize("name", ["digits", "ds_cnn"])
def test_networks(host: Host, name: str, io: str) -> None:
    check(host, cmopt.compile(NETWORKS[name]().exported, io=io).module("planned"))


MOVEMENTS: dict[str, Callable[[torch.Tensor], object]] = {
    "as_strided": lambda x: torch.as_strided(x, (3, 4), (2, 5), 1),
    "cat": lambda x: torch.cat([x, x.flip(1), x], 2),
    "chunk": lambda x: x.chunk(3, 3),
    "diagonal": lambda x: torch.diagonal(x, 0, 2, 3),
    "embedding": lambda x: nn.functional.embedding(torch.tensor([[0, 2], [1, 1]]), x[0, 0]),
    "expand": lambda x: x[:, :1].expand(2, 3, 4, 6),
    "flip": lambda x: x.flip(1, 2),
    "index": lambda x: x[:, [2, 0, 1, 1]],
    "interpolate": lambda x: nn.functional.interpolate(x, scale_factor=2),
    "interpolate_unevenly": lambda x: nn.functional.interpolate(x, size=(7, 5)),
    "pad": lambda x: nn.functional.pad(x, (1, 2, 0, 1)),
    "pad_with_a_value": lambda x: nn.functional.pad(x, (1, 1), value=3.0),
    "permute": lambda x: x.permute(0, 3, 1, 2).contiguous(),
    "pixel_shuffle": lambda x: nn.functional.pixel_shuffle(x.permute(0, 2, 1, 3), 2),
    "reflect": lambda x: nn.functional.pad(x, (1, 2, 2, 1), mode="reflect"),
    "repeat": lambda x: x.repeat(1, 2, 1, 3),
    "replicate": lambda x: nn.functional.pad(x, (1, 2, 2, 1), mode="replicate"),
    "roll": lambda x: x.roll(1, 2),
    "select": lambda x: x[:, 1],
    "slice": lambda x: x[:, 1:, ::2, 1:-1],
    "slice_scatter": lambda x: x.slice_scatter(torch.ones(2, 3, 2, 6) * 0.5, 2, 0, 4, 2),
    "split": lambda x: torch.split(x, [1, 2], 1),
    "stack": lambda x: torch.stack([x, x.flip(0)], 1),
    "unbind": lambda x: torch.unbind(x, 1),
    "unfold": lambda x: nn.functional.unfold(x, 2),
}

OTHERS: dict[str, Callable[[torch.Tensor], object]] = {
    "arithmetic": lambda x: (x + x[:, :1]) * 0.5 - x[0, 0, 0] / x,
    "extrema": lambda x: (torch.maximum(x, x[:1]), torch.minimum(x, -x)),
    "rounding": lambda x: (x.ceil(), x.floor(), (x * 4).round(), x.trunc(), x.abs()),
    "compare": lambda x: (x > 0.5, x <= x[:, :1], x == x.flip(3)),
    "logic": lambda x: torch.logical_xor(x > 0, ~(x.flip(1) > 0)),
    "where": lambda x: torch.where(x > 0, x, x[:1, :, :1]),
}


class Function(nn.Module):
    def __init__(self, function: Callable[[torch.Tensor], object]):
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> object:
        return self.function(x)


@cache
def example() -> tuple[torch.Tensor]:
    torch.manual_seed(0)
    return (torch.randn(2, 3, 4, 6),)


@pytest.mark.parametrize("name", sorted(MOVEMENTS | OTHERS))
def test_float_operators(host: Host, name: str) -> None:
    model = Function((MOVEMENTS | OTHERS)[name]).eval()
    exported = torch.export.export(model, example())
    check(host, cmopt.compile(exported, allow_float=True).module("planned"))


INTEGERS: dict[str, Callable[[torch.Tensor], object]] = {
    "argmax": lambda x: x.argmax(1),
    "argmax_of_all": lambda x: x.argmax(),
    "argmin": lambda x: x.argmin(-1, keepdim=True),
    "index_put": lambda x: x.index_put(
        (torch.tensor([0, 1, 0]), torch.tensor([2, 0, 1])), x[0, 0, 0, 0]
    ),
    "max": lambda x: x.max(2),
    "max_pool": lambda x: nn.functional.max_pool2d(x, 2, 1, 1, return_indices=True),
    "max_pool_dilated": lambda x: nn.functional.max_pool2d(
        x, (2, 3), (1, 2), (0, 1), (3, 2), return_indices=True
    ),
    "min": lambda x: x.min(0),
    "scatter": lambda x: x.scatter(2, torch.tensor([2, 0, 3]).reshape(1, 1, 3, 1), x[:1, :1, :3]),
}


@pytest.mark.parametrize("name", sorted(MOVEMENTS | INTEGERS))
def test_integer_operators(host: Host, name: str) -> None:
    model = Function((MOVEMENTS | INTEGERS)[name]).eval()
    exported = cmopt.quantize(model, example(), calibration=[example()])
    assert len(set(check(host, cmopt.compile(exported, io="int8").module("planned")))) > 1


class Embed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5, 6)
        self.layer = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
        return self.layer(self.table(i)) + x[0, 0, 0]


class Pick(nn.Module):
    def forward(self, x: torch.Tensor, i: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.index_select(x, 1, i), x[:, i]


class Put(nn.Module):
    def forward(self, x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
        y = x.clone()
        y[:, i] = x[:, :3].flip(0)
        return y


@pytest.mark.parametrize("make", [Embed, Pick, Put])
def test_computed_indices(host: Host, make: Callable[[], nn.Module]) -> None:
    """Indices from the end count; one that is outside is an error of the step."""
    torch.manual_seed(0)
    x, i = torch.randn(2, 5, 4, 4), torch.tensor([4, 0, 2])
    exported = cmopt.quantize(make().eval(), (x, i), calibration=[(x, i)])
    module = cmopt.compile(exported).module("planned")
    for indices in ([4, 0, 2], [1, 1, 3]):
        inputs = [x.numpy(), np.array(indices)]
        expected = b"".join(y.tobytes() for y in run_module(module, inputs))
        assert run_c(host, module, [inputs]) == expected
    for wrong in (5, -6, 1 << 40):
        with pytest.raises(BoardError, match="net_run returned"):
            run_c(host, module, [[x.numpy(), np.array([0, wrong, 1])]])


@pytest.mark.parametrize("shape", [(1,), (1, 1, 1, 1), (0, 3), (3, 0, 2), (1, 7)])
@pytest.mark.parametrize("name", ["flip", "pad", "repeat", "add"])
def test_sizes_of_one_and_none(host: Host, shape: tuple[int, ...], name: str) -> None:
    functions: dict[str, Callable[[torch.Tensor], object]] = {
        "flip": lambda x: x.flip(-1),
        "pad": lambda x: nn.functional.pad(x, (1, 2)),
        "repeat": lambda x: x.repeat(*(2 for _ in shape)),
        "add": lambda x: x + x,
    }
    exported = torch.export.export(Function(functions[name]).eval(), (torch.randn(shape),))
    module = cmopt.compile(exported, allow_float=True).module("planned")
    if 0 not in shape:
        check(host, module)
    elif name != "pad":  # which may add elements
        assert "step_0" not in c_project(module, "cortex-m55", "net")["net.c"]


def small_program() -> cmopt.Program:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5)).eval()
    batches = [(torch.randn(1, 3, 6, 6),) for _ in range(4)]
    return cmopt.compile(cmopt.quantize(model, batches[0], calibration=batches), io="int8")


def compiled(folder: Path, source: str, *projects: str, compiler: str = "cc") -> str:
    """Compile a `main` with projects in `folder`, run it, and return what it prints."""
    main = folder / f"main.{'cpp' if compiler == 'c++' else 'c'}"
    main.write_text(source)
    sources = [
        path
        for project in projects
        for path in (folder / project / f"{project}.c", folder / project / f"{project}_weights.c")
    ]
    sources += [path for part in FOLDERS for path in (KERNELS / part).glob("*.c")]
    objects = []
    includes = ["-Werror", *INCLUDES, *(f"-I{folder / project}" for project in projects)]
    for path in sources:
        objects.append(folder / f"{path.stem}.o")
        subprocess.run(["cc", *FLAGS, *includes, "-c", path, "-o", objects[-1]], check=True)
    flags = ["-Wall", "-Wextra", "-Werror"] if compiler == "c++" else FLAGS
    image = folder / "main"
    command = [compiler, *flags, *includes, main, *objects, "-lm", "-o", image]
    subprocess.run([str(part) for part in command], check=True)
    return subprocess.run([image], check=True, capture_output=True, text=True).stdout


def test_misuse_is_an_error(tmp_path: Path) -> None:
    """An arena that is NULL or not aligned."""
    small_program().save_c(str(tmp_path / "net"), name="net")
    source = """
        #include <stdio.h>
        #include "net.h"
        static NET_ARENA(arena);
        int main(void)
        {
            printf("%d %d %d", net_run(NULL, NULL, NULL), net_run(arena + 1, NULL, NULL),
                   net_run(arena, NULL, NULL));
            return 0;
        }"""
    assert compiled(tmp_path, source, "net") == "-1 -1 0"


def test_two_models_in_one_image_from_cpp(tmp_path: Path) -> None:
    """Both run in one arena, and give what the interpreter gives. Inputs may be there already."""
    program = small_program()
    for name in ("one", "two"):
        program.save_c(str(tmp_path / name), name=name)
    x = np.arange(-54, 54, dtype=np.int8).reshape(1, 3, 6, 6)
    numbers = ", ".join(str(v) for v in np.transpose(x, (0, 2, 3, 1)).reshape(-1))
    order = "0, 2, 3, 1" in (tmp_path / "one" / "one.h").read_text()
    if not order:
        numbers = ", ".join(str(v) for v in x.reshape(-1))
    source = f"""
        #include <cstdio>
        #include <cstring>
        #include "one.h"
        #include "two.h"
        static ONE_ARENA(arena);
        static const int8_t image[] = {{{numbers}}};
        int main()
        {{
            int8_t scores[2][5];
            float real[5];
            const void *inputs[] = {{image}};
            void *outputs[] = {{scores[0]}};
            if (one_run(arena, inputs, outputs) != 0) return 1;
            memcpy(arena + TWO_INPUT_0_OFFSET, image, TWO_INPUT_0_BYTES);
            if (two_run(arena, nullptr, nullptr) != 0) return 2;
            memcpy(scores[1], arena + TWO_OUTPUT_0_OFFSET, 5);
            two_dequantize_output_0(scores[1], real);
            for (int i = 0; i < 5; i++)
                printf("%d %d %.9g\\n", scores[0][i], scores[1][i], (double)real[i]);
            return 0;
        }}"""
    (expected,) = program.interpret(x, stage="planned")
    rows = [line.split() for line in compiled(tmp_path, source, "one", "two", compiler="c++")
            .splitlines()]  # fmt: skip
    assert [int(row[0]) for row in rows] == [int(row[1]) for row in rows] == expected[0].tolist()
    assert len({row[2] for row in rows}) > 1


def test_no_heap(tmp_path: Path) -> None:
    """Nothing that allocates is called."""
    small_program().save_c(str(tmp_path / "net"), name="net")
    for path in [*tmp_path.glob("net/*.c"), *tmp_path.glob("net/kernels/**/*.c")]:
        assert "alloc" not in path.read_text(), path


@pytest.mark.parametrize("name", ["", "2net", "my-net", "net\n", "häuser"])
def test_a_name_that_is_no_identifier(tmp_path: Path, name: str) -> None:
    with pytest.raises(CompileError, match="is not a C identifier"):
        small_program().save_c(str(tmp_path / "net"), name=name)
    assert not (tmp_path / "net").exists()


def test_a_program_with_an_npu_is_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    target, model = "cortex-m55+ethos-u55-128", nn.Conv2d(3, 4, 3).eval()
    batches = [(torch.randn(1, 3, 6, 6),)]
    exported = cmopt.quantize(model, batches[0], calibration=batches, target=target)
    program = cmopt.compile(exported, target=target)
    with pytest.raises(CompileError, match="C source cannot call the NPU yet"):
        program.save_c(str(tmp_path / "net"))
