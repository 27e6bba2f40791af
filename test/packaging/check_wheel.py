"""Build sdist and wheel, install the wheel outside the checkout, and use it there.

    python test/packaging/check_wheel.py

The wheel is built from the sdist and installed in a new virtual environment, which has access to
this environment's other packages but not to the checkout. All files are in a temporary folder. The
code blocks of the pages in docs/ run there too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

SCRIPT = """
import pathlib, sys
import torch
import cmopt, cmopt.kernels

package = pathlib.Path(cmopt.__file__).resolve()
assert not package.is_relative_to(sys.argv[1]), f"{package} is the checkout's"
assert (package.parent / "py.typed").exists(), "type checkers would not read the annotations"
assert cmopt.kernels.library_path().is_relative_to(package.parent)
torch.manual_seed(0)
module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten()).eval()
batches = [(torch.randn(1, 3, 8, 8),) for _ in range(4)]
exported = cmopt.quantize(module, batches[0], calibration=batches)
program = cmopt.compile(exported)
(ran,), (interpreted,) = program.run(*batches[0]), program.interpret(*batches[0])
assert torch.equal(ran, interpreted)
assert program.report.html().startswith("<!doctype html>")
torch.export.save(exported, "model.pt2")
from cmopt.pipeline.emulation import run_project
program.save_c("net", name="net")
(outputs,) = run_project("net", [batches[0][0].numpy()]).outputs
assert (outputs[program.output_names[0]] == interpreted.numpy()).all()
print(package.parent)
"""

IR = "func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> { func.return %x : tensor<2xf32> }"


def run(*command: str | Path, cwd: Path, **options: str) -> str:
    """Run a command in a folder. Returns its standard output."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "CMOPT"))}
    result = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment | options,
        check=False, text=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    if result.returncode:
        print(result.stdout)  # says what is wrong
        result.check_returncode()
    return result.stdout


def main(folder: Path) -> None:
    """Build, install and use the package in an empty folder. Any failure gives an exit code."""
    build = ["-m", "build", "--no-isolation", "--outdir", folder / "dist", REPOSITORY]
    run(sys.executable, *build, cwd=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    (sdist,) = (folder / "dist").glob("*.tar.gz")

    venv.create(folder / "venv", with_pip=True)
    binaries = folder / "venv" / "bin"
    run(binaries / "pip", "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(run(binaries / "python", "-c", where, cwd=folder).strip())
    # Python does not read .pth files in this path, so the editable install is not found.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    work = folder / "work"
    work.mkdir()
    package = run(binaries / "python", "-c", SCRIPT, REPOSITORY, cwd=work).strip()
    (work / "in.mlir").write_text(IR)
    assert "func.func @f" in run(binaries / "cm-opt", "in.mlir", "-p", "canonicalize", cwd=work)
    run(binaries / "cm-compile", "model.pt2", "-o", "model.pte", cwd=work)
    save = "import numpy; numpy.savez('in.npz', x=numpy.zeros((1, 3, 8, 8), numpy.float32))"
    run(binaries / "python", "-c", save, cwd=work)
    assert "output_0" in run(binaries / "cm-run", "model.pte", "--input", "in.npz", cwd=work)
    print(f"{wheel.name} ({wheel.stat().st_size:,} bytes) and {sdist.name} work from {package}")
    run_pages(binaries, work)


def run_pages(binaries: Path, work: Path) -> None:
    """Run the code blocks of all pages with the Python of the wheel, in a folder."""
    tools = os.pathsep.join([str(binaries), str(Path(sys.executable).parent), os.environ["PATH"]])
    parallel = ["-n", "2", "--dist", "loadfile"]
    options = [*parallel, "-q", "-rs", "--durations=5", "-p", "no:cacheprovider", "-W", "ignore"]
    settings = ["-c", REPOSITORY / "pyproject.toml", "--rootdir", REPOSITORY]
    # -P: the working directory is not searched for modules.
    command = [binaries / "python", "-P", "-m", "pytest", *options, *settings, REPOSITORY / "docs"]
    print(run(*command, cwd=work, PATH=tools))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(folder).resolve())
