"""Packages that extend the compiler through entry points, installed in a folder of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cmopt.dialects import get_all_dialects
from cmopt.lowering.plugin_rules import plugin_rules
from cmopt.pipeline import cm_opt
from cmopt.pipeline.registry import get_all_passes
from cmopt.support import plugins
from cmopt.support.diagnostics import CompileError

EXAMPLE = Path(__file__).parents[1] / "plugin_example"

IR = """
func.func @forward(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = edge.pow %x {exponent = 3.0 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
"""


def install(folder: Path, name: str, version: str, groups: Mapping[str, Mapping[str, str]]) -> None:
    """Write the metadata of a distribution, as pip does."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )
    sections = (
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for group, entries in groups.items()
    )
    info.joinpath("entry_points.txt").write_text("\n".join(sections))


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the path in which the example is installed."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(EXAMPLE / "cmopt_example", folder / "cmopt_example")
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    install(folder, project["name"], project["version"], project["entry-points"])
    return folder


def run(
    site: Path, *command: str | Path, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, *map(str, command)], env=environment, cwd=cwd, capture_output=True,
        text=True, check=False,
    )  # fmt: skip


def test_cm_opt_knows_dialect_and_pass(example: Path, tmp_path: Path) -> None:
    (tmp_path / "in.mlir").write_text(IR)
    tool = ("-m", "cmopt.pipeline.cm_opt", tmp_path / "in.mlir")
    done = run(example, *tool, "-p", "fuse-cubes")
    assert done.returncode == 0, done.stderr
    assert "example.cube %x : (tensor<4xf32>) -> tensor<4xf32>" in done.stdout
    (tmp_path / "in.mlir").write_text(done.stdout)
    done = run(example, *tool, "-p", "convert-edge-to-portable")
    assert done.stdout.count("aten.mul.Tensor") == 2, done.stderr
    listed = run(example, *tool, "--list-passes").stdout
    assert "fuse-cubes" in listed and "Make third powers ops of their own." in listed
    assert "example" in run(example, *tool, "--show-dialects").stdout.split()


def test_a_package_is_not_imported_before_a_name_of_it_is_used(
    example: Path, tmp_path: Path
) -> None:
    (tmp_path / "in.mlir").write_text(IR)
    script = (
        "import sys; from cmopt.pipeline.cm_opt import main; code = main(sys.argv[1:]);"
        "print('cmopt_example' in sys.modules, file=sys.stderr)"
    )
    for passes, used in (("canonicalize", "False\n"), ("fuse-cubes", "True\n")):
        assert run(example, "-c", script, tmp_path / "in.mlir", "-p", passes).stderr == used
    # Without a plug-in, not even the library that reads metadata is imported.
    script = script.replace("cmopt_example", "importlib.metadata")
    assert run(tmp_path, "-c", script, tmp_path / "in.mlir", "-p", "cse").stderr == "False\n"


COMPILE = """
import sys
import numpy as np, torch, cmopt

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = torch.nn.Linear(8, 8), torch.nn.Linear(8, 8)

    def forward(self, x):
        return torch.sigmoid(self.second(self.first(x) ** 3))

torch.manual_seed(0)
model = Net().eval()
batches = [(torch.randn(4, 8),) for _ in range(8)]
exported = cmopt.quantize(model, batches[0], calibration=batches)
torch.export.save(exported, "model.pt2")
program = cmopt.compile(exported, passes={"edge": "fuse-cubes"}, io="int8")
assert "example.cube" not in cmopt.compile(exported).ir("edge")
for stage in ("edge", "quantized", "layout"):
    assert "example.cube" in program.ir(stage), stage
assert "example" not in program.ir("cortex_m") and program.report.float_ops == 0
x = torch.randint(-128, 128, (4, 8), dtype=torch.int8)
(ran,), (planned,) = program.run(x), program.interpret(x, stage="planned")
assert torch.equal(ran, planned)
# The dialect has a meaning, and its rule is exact; the rule of the sigmoid is up to 0.09 off.
(exact,) = program.interpret(x, stage="quantized")
difference = (ran.int() - exact.int()).abs().max().item()
assert 2 < difference <= round(0.1 * 256), difference
# The NPU's rule has the same table; the NPU has no form of the cube.
npu = cmopt.compile(
    exported, target="cortex-m55+ethos-u55-128", passes={"edge": "fuse-cubes"}, io="int8"
)
assert [out.op for out in npu.report.outside] == ["example.cube"]
(with_npu,) = npu.interpret(x, stage="ethos_u")
assert (with_npu.int() - ran.int()).abs().max() <= 2
"""


def test_compile_with_a_pass_and_a_rule(example: Path, tmp_path: Path) -> None:
    done = run(example, "-c", COMPILE, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    tool = ("-m", "cmopt.pipeline.cm_compile", "model.pt2", "--emit", "mlir", "-o", "-")
    done = run(example, *tool, "--stage", "layout", "--passes", "edge=fuse-cubes", cwd=tmp_path)
    assert "example.cube" in done.stdout, done.stderr
    done = run(example, *tool, "--passes", "planned=cse", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "cm-compile: error: passes cannot be added to stage 'planned'; the stages before the plan "
        "that are made are edge, quantized, layout, cortex_m\n"
    )


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of this process's path, in which plug-ins may be installed."""
    monkeypatch.syspath_prepend(tmp_path)
    _forget()
    yield tmp_path
    _forget()


def _forget() -> None:
    """Forget what other tests of this process found."""
    plugins.plug_ins.cache_clear()
    plugin_rules.cache_clear()


def test_errors_name_the_distribution(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "broken_module.py").write_text("import a_module_that_is_missing\n")
    (site / "other_module.py").write_text("THING = 1\n")
    install(
        site, "broken", "2.1",
        {"cmopt.passes": {"break-all": "broken_module:BreakAllPass", "none": "other_module:NONE",
                          "thing": "other_module:THING"}},
    )  # fmt: skip
    prefix = "cm-opt: error: plug-in 'broken 2.1': "
    for name, problem in (
        ("break-all", "'break-all = broken_module:BreakAllPass' of cmopt.passes cannot be imported:"
         " ModuleNotFoundError: No module named 'a_module_that_is_missing'"),
        ("none", "'none = other_module:NONE' of cmopt.passes cannot be imported: AttributeError: "
         "module 'other_module' has no attribute 'NONE'"),
        ("thing", "'thing = other_module:THING' of cmopt.passes must be a subclass of ModulePass "
         "named 'thing'"),
    ):  # fmt: skip
        (site / "in.mlir").write_text("")
        assert cm_opt.main([str(site / "in.mlir"), "-p", name]) == 1
        assert capsys.readouterr().err == f"{prefix}{problem}; repair it or uninstall it\n"
    # What does not use it works.
    assert cm_opt.main([str(site / "in.mlir"), "-p", "cse"]) == 0


def test_a_name_is_not_redefined(site: Path) -> None:
    install(
        site, "first", "1", {"cmopt.passes": {"cse": "x:Y"}, "cmopt.dialects": {"arith": "x:Y"}}
    )
    with pytest.raises(CompileError, match=r"plug-in 'first 1': .* redefines the pass 'cse'"):
        get_all_passes()
    with pytest.raises(CompileError, match=r"plug-in 'first 1': .* redefines the dialect 'arith'"):
        get_all_dialects()


def test_two_plug_ins_do_not_define_the_same(site: Path) -> None:
    (site / "rules_of_both.py").write_text(
        "from cmopt.dialects.edge import AddOp\nTABLE = {AddOp: lambda op, b: None}\n"
    )
    for name in ("first", "second"):
        install(
            site, name, "1",
            {"cmopt.passes": {"do-it": "x:Y"}, "cmopt.rules": {"cortex_m": "rules_of_both:TABLE"}},
        )  # fmt: skip
    both = r"plug-in 'second 1': .* redefines the pass 'do-it' of plug-in 'first 1'"
    with pytest.raises(CompileError, match=both):
        get_all_passes()
    both = r"plug-in 'second 1': .* redefines the rule for 'edge.add' of plug-in 'first 1'"
    with pytest.raises(CompileError, match=both):
        plugin_rules("cortex_m")


def test_rules_are_for_a_table_that_exists(site: Path) -> None:
    install(site, "first", "1", {"cmopt.rules": {"cortex_a": "x:Y"}})
    with pytest.raises(CompileError, match="must be named as one of the tables cortex_m, portable"):
        plugin_rules("cortex_m")
