"""A `.pt2` from a stranger: nothing in it runs, and what is wrong is one line."""

from __future__ import annotations

import contextlib
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from cmopt.frontend import archive
from cmopt.frontend.load import load_exported
from cmopt.pipeline import cm_compile
from cmopt.support.diagnostics import CompileError

sys.path.insert(0, str(Path(__file__).parents[1]))
import archives
from archives import MODEL, SAMPLES, WEIGHTS, edited, entries_of, with_entry, write_entries


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return archives.write_models(tmp_path_factory.mktemp("models"))


def refusal(path: Path) -> str:
    """The error of a file that must be refused: one line that names the file."""
    with pytest.raises(CompileError) as error:
        load_exported(str(path))
    line = str(error.value)
    assert "\n" not in line and str(path) in line and len(line) < 800
    return line


def first_node(data: Any) -> Any:
    return data["graph_module"]["graph"]["nodes"][0]


# ------------------------------------------------------------------------------ code in a file

Attack = Callable[[Path, Path, Path], Path]


def pickled_samples(source: Path, path: Path, marker: Path) -> Path:
    return with_entry(source, path, SAMPLES, archives.hostile_pickle(marker))


def pickled_weight(source: Path, path: Path, marker: Path) -> Path:
    def edit(data: Any) -> None:
        item = next(iter(data["config"].values()))
        item["use_pickle"], item["path_name"] = True, "weight_99"

    entries = entries_of(edited(source, path, WEIGHTS, edit))
    entries["data/weights/weight_99"] = archives.hostile_pickle(marker)
    return write_entries(path, entries)


def pickled_state(source: Path, path: Path, marker: Path) -> Path:
    return with_entry(source, path, "data/weights/model.pt", archives.hostile_pickle(marker))


def pickled_object(source: Path, path: Path, marker: Path) -> Path:
    name, config = "opaque_obj_0", "data/constants/model_constants_config.json"

    def edit(data: Any) -> None:
        data["config"]["object"] = {
            "path_name": name, "is_param": False, "use_pickle": True, "tensor_meta": None
        }  # fmt: skip

    entries = entries_of(edited(source, path, config, edit))
    entries[f"data/constants/{name}"] = archives.plain_pickle(archives.Runs(marker))
    return write_entries(path, entries)


def legacy_layout(source: Path, path: Path, marker: Path) -> Path:
    names = ("serialized_state_dict.pt", "serialized_constants.pt", "serialized_example_inputs.pt")
    entries = dict.fromkeys(names, archives.hostile_pickle(marker))
    entries["serialized_exported_program.json"] = entries_of(source)[MODEL]
    entries["version"] = b"8.20"
    return write_entries(path, entries, root="")


def expression(source: Path, path: Path, marker: Path) -> Path:
    def edit(data: Any) -> None:
        meta = data["graph_module"]["graph"]["tensor_values"]["x"]
        meta["sizes"][0] = {"as_expr": {"expr_str": archives.evaluated(marker), "hint": None}}

    return edited(source, path, MODEL, edit)


def name_of_an_input(source: Path, path: Path, marker: Path) -> Path:
    entries = entries_of(source)
    name = f"x={archives.evaluated(marker)}"
    entries[MODEL] = json.dumps(archives.renamed(json.loads(entries[MODEL]), "x", name)).encode()
    return write_entries(path, entries)


def tree_of_arguments(source: Path, path: Path, marker: Path) -> Path:
    """The keys of a dict name an enumeration, whose module PyTorch imports."""
    module = path.parent / f"{marker.name}_module.py"
    module.write_text(f"import os; os.mkdir({str(marker)!r})")
    sys.path.insert(0, str(path.parent))

    def edit(data: Any) -> None:
        signature = data["graph_module"]["module_call_graph"][0]["signature"]
        tree = json.loads(signature["out_spec"])
        key = {"__enum__": True, "fqn": f"{module.stem}:x", "name": "x"}
        leaf = {"type": None, "context": None, "children_spec": []}
        tree[1] = {
            "type": "builtins.dict", "context": json.dumps([key]), "children_spec": [leaf]
        }  # fmt: skip
        signature["out_spec"] = json.dumps(tree)

    return edited(source, path, MODEL, edit)


ATTACKS = (
    pickled_samples, pickled_weight, pickled_state, pickled_object, legacy_layout, expression,
    name_of_an_input, tree_of_arguments,
)  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_code_in_a_file_does_not_run(
    attack: Attack, files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marker = tmp_path / "ran"
    path = attack(files[0], tmp_path / "attack.pt2", marker)
    output = tmp_path / "out.pte"
    code = cm_compile.main([str(path), "-o", str(output)])
    captured = capsys.readouterr()
    assert not marker.exists(), "the file ran code"
    # The sample inputs are not needed: without them the program compiles.
    assert code == (0 if attack is pickled_samples else 1)
    assert output.exists() == (code == 0)
    assert code == 0 or captured.err.count("\n") == 1


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_attacks_are_real(attack: Attack, files: tuple[Path, Path], tmp_path: Path) -> None:
    """The same files run their code if they are trusted, so that the test above can fail."""
    marker = tmp_path / "ran"
    path = attack(files[0], tmp_path / "attack.pt2", marker)
    with contextlib.suppress(CompileError):
        load_exported(str(path), trust=True)
    assert marker.exists()


@pytest.mark.parametrize(
    "target",
    [
        "torch.os.system", "_operator.attrgetter", "math.factorial", "#x:y", "torch.hub.load",
        "torch.ops.load_library", "torch.ops.aten.from_file.default", "torch.ops.aten.add.nothing",
        "torch.ops.aten.__class__.mro", "torch.ops.aten.add.__call__",
        "torch.ops.os.system.default",
        "torch.ops.higher_order.triton_kernel_wrapper_mutation",
    ],
)  # fmt: skip
def test_only_operators_of_pytorch(target: str, files: tuple[Path, Path], tmp_path: Path) -> None:
    """PyTorch takes any function that it can reach by attributes of torch."""

    def edit(data: Any) -> None:
        first_node(data)["target"] = target

    line = refusal(edited(files[0], tmp_path / "x.pt2", MODEL, edit))
    assert "models/model.json: node dequantize_per_" in line and "operator" in line


def test_guards_are_not_compiled(files: tuple[Path, Path], tmp_path: Path) -> None:
    """They are Python source, which `ExportedProgram.module` runs."""
    marker = tmp_path / "ran"

    def edit(data: Any) -> None:
        data["guards_code"] = [f"{archives.evaluated(marker)} or True"]

    exported = load_exported(str(edited(files[1], tmp_path / "x.pt2", MODEL, edit)))
    assert exported._guards_code == []
    exported.module()(torch.zeros(1, 2, 6, 6))
    assert not marker.exists()


def test_a_trusted_file_is_read_as_pytorch_does(files: tuple[Path, Path]) -> None:
    assert load_exported(str(files[0]), trust=True).example_inputs is not None
    assert load_exported(str(files[0])).example_inputs is None


# ------------------------------------------------------------------------------ what a file says


def test_a_record_must_hold_its_tensor(files: tuple[Path, Path], tmp_path: Path) -> None:
    name = "data/weights/weight_0"
    content = entries_of(files[0])[name]
    for shorter in (b"", content[:-1], content[:-4]):
        line = refusal(with_entry(files[0], tmp_path / "x.pt2", name, shorter))
        assert f"takes {len(content):,} bytes, but entry '{name}' has {len(shorter):,}" in line
    assert f"has no entry '{name}'" in refusal(with_entry(files[0], tmp_path / "x.pt2", name, None))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("data/aotinductor/model/x.so", "is not part of a torch.export program"),
        ("models/other.json", "is not part of a torch.export program"),
        ("../../x", "is not part of a torch.export program"),
        ("data/weights/model.pt", "is a pickle, which can run any code; allow it with --trust-inp"),
    ],
)
def test_entries_that_the_format_does_not_name(
    name: str, message: str, files: tuple[Path, Path], tmp_path: Path
) -> None:
    assert message in refusal(with_entry(files[0], tmp_path / "x.pt2", name, b"x"))


def test_entries_are_limited(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = entries_of(files[0])
    entries["data/weights/weight_50"] = bytes(1 << 22)
    options = {"compression": zipfile.ZIP_DEFLATED, "compresslevel": 9}
    path = write_entries(tmp_path / "x.pt2", entries, **options)
    assert "at most 200 times are read" in refusal(path)
    monkeypatch.setattr(archive, "MAX_ENTRY_BYTES", 1 << 20)
    assert "has 4,194,304 bytes; at most 1,048,576 are read" in refusal(path)
    monkeypatch.setattr(archive, "MAX_ARCHIVE_BYTES", 1 << 10)
    assert "it has more than 1,024 bytes" in refusal(path)


def test_an_entry_that_is_there_twice(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Two readers of zip files may take different ones."""
    path = write_entries(tmp_path / "x.pt2", entries_of(files[0]))
    with pytest.warns(UserWarning), zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr(f"m/{MODEL}", b"{}")
    assert f"entry '{MODEL}' is in its archive twice" in refusal(path)


def test_a_compressed_file_is_read(files: tuple[Path, Path], tmp_path: Path) -> None:
    path = write_entries(tmp_path / "x.pt2", entries_of(files[0]), compression=zipfile.ZIP_DEFLATED)
    assert load_exported(str(path)).graph_signature.user_inputs == ("x",)


EDITS: dict[str, tuple[Callable[[Any], None], str]] = {
    "unknown field": (
        lambda d: d.update(extra=1), "ExportedProgram has no field 'extra'"
    ),
    "no graph": (lambda d: d["graph_module"].pop("graph"), "a GraphModule has no graph"),
    "float for int": (
        lambda d: first_node(d)["inputs"][3].update(arg={"as_int": 0.5}),
        "node dequantize_per_channel: inputs: arg: as_int: 0.5 is not an integer",
    ),
    "kind": (
        lambda d: first_node(d)["inputs"][3].update(arg={"as_custom_obj": {"name": "x"}}),
        "the object {'name': 'x'} is not supported",
    ),
    "dtype": (
        lambda d: d["graph_module"]["graph"]["tensor_values"]["x"].update(dtype=99),
        "tensor_values: 'x': dtype: 99 is not a ScalarType",
    ),
    "negative size": (
        lambda d: d["graph_module"]["graph"]["tensor_values"]["x"]["sizes"][0].update(as_int=-1),
        "value x has sizes [-1, 2, 6, 6]",
    ),
    "huge size": (
        lambda d: d["graph_module"]["graph"]["tensor_values"]["x"]["sizes"][0].update(as_int=10**9),
        "at most 268,435,456 bytes of a tensor are supported",
    ),
    "device": (
        lambda d: d["graph_module"]["graph"]["tensor_values"]["x"]["device"].update(type="cuda"),
        "'cuda' is not the device cpu",
    ),
    "defaultdict": (
        lambda d: d["graph_module"]["module_call_graph"][0]["signature"].update(
            in_spec=json.dumps(
                [1, {"type": "collections.defaultdict", "context": "{}", "children_spec": []}]
            )
        ),
        "an argument of type 'collections.defaultdict' is not supported",
    ),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_edits_of_a_program(edit: str, files: tuple[Path, Path], tmp_path: Path) -> None:
    change, message = EDITS[edit]
    assert message in refusal(edited(files[0], tmp_path / "x.pt2", MODEL, change))


def test_json_that_is_not_json(files: tuple[Path, Path], tmp_path: Path) -> None:
    for content in (b"", b"{", b"\xff", b"[" * 100_000, b"[]", b"1" * 10_000, b'{"a": NaN}'):
        line = refusal(with_entry(files[0], tmp_path / "x.pt2", MODEL, content))
        assert MODEL in line


def test_structured_inputs_need_no_samples(tmp_path: Path) -> None:
    """The structure and the constants of a call come from the program."""
    from cmopt.frontend.structure import call_of

    class Structured(torch.nn.Module):
        def forward(self, batch: Any, scale: float, *, bias: torch.Tensor) -> torch.Tensor:
            return batch["a"] * scale + batch["b"][0] + bias

    x = torch.randn(2, 8)
    given = ({"a": x, "b": [x + 1]}, 2.0)
    torch.export.save(torch.export.export(Structured(), given, {"bias": x + 2}), tmp_path / "m.pt2")
    call = call_of(load_exported(str(tmp_path / "m.pt2")))
    assert call.args[1] == 2.0 and [tuple(t.shape) for t in call.tensors] == [(2, 8)] * 3
    assert call.args[0]["b"][0].shape == (2, 8) and set(call.kwargs) == {"bias"}


# ------------------------------------------------------------------------- what a graph computes


def nodes_of(data: Any, operator: str) -> list[Any]:
    return [n for n in data["graph_module"]["graph"]["nodes"] if f".{operator}." in n["target"]]


def argument(node: Any, name: str) -> Any:
    return next(item["arg"] for item in node["inputs"] if item["name"] == name)


def with_stride(convolution: Any) -> None:
    stride = {"name": "stride", "arg": {"as_ints": [2, 2]}, "kind": 1}
    convolution["inputs"].insert(3, stride)


GRAPHS: dict[str, tuple[Callable[[Any], None], str]] = {
    "other sizes": (
        lambda d: with_stride(nodes_of(d, "conv2d")[0]),
        "aten.conv2d.default: gives float32 [1, 4, 2, 2], but the program says float32 [1, 4, 4, 4",
    ),
    "no dimension": (
        lambda d: argument(nodes_of(d, "mean")[0], "dim").update(as_ints=[2, 128]),
        "aten.mean.dim: Dimension out of range",
    ),
    "negative padding": (
        lambda d: nodes_of(d, "conv2d")[0]["inputs"].append(
            {"name": "padding", "arg": {"as_ints": [0, -(2**63)]}, "kind": 2}
        ),
        "aten.conv2d.default: ",
    ),
    "structure": (
        lambda d: d["graph_module"]["module_call_graph"][0]["signature"].update(
            in_spec='[1, {"type": null, "context": null, "children_spec": []}]'
        ),
        "the structure of the program's arguments is not a tuple and a dict",
    ),
    "names": (
        lambda d: d["graph_module"]["module_call_graph"][0]["signature"].update(
            forward_arg_names=["x", "y"]
        ),
        "the program has 2 names for its arguments",
    ),
}  # fmt: skip


@pytest.mark.parametrize("edit", GRAPHS)
def test_a_graph_must_compute_what_it_says(
    edit: str, files: tuple[Path, Path], tmp_path: Path
) -> None:
    change, message = GRAPHS[edit]
    with pytest.raises(CompileError) as error:
        load_exported(str(edited(files[1], tmp_path / "x.pt2", MODEL, change)))
    assert message in str(error.value)


QPARAMS: dict[str, tuple[str, str, Any, str]] = {
    "scale": ("quantize_per_tensor", "scale", {"as_float": 0.0}, "every scale must be positive"),
    "infinite": ("quantize_per_tensor", "scale", {"as_float": "Infinity"}, "positive and finite"),
    "zero point": ("quantize_per_tensor", "zero_point", {"as_int": 300}, "zero point outside i8"),
    "range": ("quantize_per_tensor", "quant_min", {"as_int": -129}, "is empty or outside i8"),
    "axis": ("dequantize_per_channel", "axis", {"as_int": 4}, "axis to be < 4"),
}


@pytest.mark.parametrize("case", QPARAMS)
def test_quantization_parameters_have_the_name_of_their_node(
    case: str, files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    operator, name, value, message = QPARAMS[case]

    def edit(data: Any) -> None:
        holder = argument(nodes_of(data, operator)[0], name)
        holder.clear()
        holder.update(value)

    path = edited(files[0], tmp_path / "x.pt2", MODEL, edit)
    assert cm_compile.main([str(path), "-o", str(tmp_path / "x.pte")]) == 1
    line = capsys.readouterr().err
    assert message in line and "quantized_decomposed." in line and "archives.py" in line


def test_a_place_in_a_file_is_one_printable_line(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program brings the names of files and modules that messages begin with."""

    def edit(data: Any) -> None:
        node = nodes_of(data, "conv2d")[0]
        node["metadata"]["nn_module_stack"] = "a,a\n\x1bcb,c"
        node["metadata"]["stack_trace"] = 'File "x\x1b[2J.py", line 99999999999999999999'
        with_stride(node)

    path = edited(files[0], tmp_path / "x.pt2", MODEL, edit)
    assert cm_compile.main([str(path), "-o", str(tmp_path / "x.pte")]) == 1
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and "\x1b" not in line and r"\x1b" in line


# ------------------------------------------------------------- what torch.export.save writes


class Stateful(torch.nn.Module):
    """A buffer that changes, one that is not saved, a constant, and a name with a hyphen."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleDict({"a-b": torch.nn.Linear(4, 4)})
        self.register_buffer("state", torch.zeros(1, 4))
        self.register_buffer("factor", torch.full((4,), 0.5), persistent=False)
        self.constant = torch.ones(1, 4)

    def forward(self, x: torch.Tensor, *, k: int = 3, größe: Any = None) -> Any:
        self.state.copy_(torch.tanh(self.layers["a-b"](x) + self.state * self.factor))
        return {"y": self.state * k + self.constant, "z": [torch.cond(
            x.sum() > 0, lambda x: x + 1, lambda x: x - 1, (x,)
        )]}  # fmt: skip


def test_what_pytorch_writes_is_read_as_pytorch_reads_it(tmp_path: Path) -> None:
    x = torch.randn(1, 4)
    gru = torch.nn.GRU(4, 4, batch_first=True)
    for model, kwargs in ((Stateful(), {"k": 2, "größe": x}), (gru, {})):
        inputs = (x,) if kwargs else (torch.randn(1, 3, 4),)
        path = tmp_path / "model.pt2"
        exported = torch.export.export(model.eval(), inputs, kwargs)
        torch.export.save(exported, path, extra_files={"note.txt": "any text"})
        ours, theirs = load_exported(str(path)), torch.export.load(path)
        assert ours.graph_module.code == theirs.graph_module.code
        assert ours.graph_signature == theirs.graph_signature
        assert ours.call_spec == theirs.call_spec
        assert ours.state_dict.keys() == theirs.state_dict.keys()
        for name, value in theirs.state_dict.items():
            torch.testing.assert_close(ours.state_dict[name], value, rtol=0, atol=0)
