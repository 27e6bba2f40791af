"""`import_program`: the imported IR, and that it computes what PyTorch computes."""

from __future__ import annotations

import re
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils import _pytree as pytree
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import FileLineColLoc, ModuleOp, NameLoc
from xdsl.ir import Operation
from xdsl.printer import Printer

from cmopt.frontend.importer import import_program
from cmopt.frontend.quantize import quantize
from cmopt.interpreters.run import run_module
from cmopt.support.diagnostics import CompileError

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import dequantized, fake_quantized

pytestmark = pytest.mark.filterwarnings("ignore")


class Function(nn.Module):
    """A module of one function."""

    def __init__(self, function: Any, *modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(modules)

    def forward(self, *inputs: Any) -> Any:
        return self.function(*self.parts, *inputs)


def imported(function: Any, *inputs: Any, modules: tuple[nn.Module, ...] = ()) -> ModuleOp:
    return import_program(torch.export.export(Function(function, *modules).eval(), inputs))


def text_of(module: ModuleOp) -> str:
    stream = StringIO()
    Printer(stream).print_op(module)
    return stream.getvalue()


def operations(module: ModuleOp, name: str) -> list[Operation]:
    return [op for op in module.walk() if op.name == name]


def targets(module: ModuleOp) -> list[str]:
    return [op.properties["target"].data for op in operations(module, "edge.call")]  # type: ignore[attr-defined]


def check_meaning(program: torch.export.ExportedProgram, *inputs: Any) -> ModuleOp:
    """Import a program, and check that the module computes the same. Returns the module."""
    module = import_program(program)
    flat, _ = pytree.tree_flatten(inputs)
    wanted, _ = pytree.tree_flatten(program.module(check_guards=False)(*inputs))
    results = run_module(module, [tensor.contiguous().numpy() for tensor in flat])
    assert len(results) == len(wanted)
    for result, want in zip(results, wanted, strict=True):
        # Float sums may have another order; quantized results have equal bits all the same.
        np.testing.assert_allclose(result, want.detach().numpy(), rtol=1e-5, atol=1e-6)
    return module


def r(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


MODELS = {
    "conv2d": (lambda c, x: c(x), (nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), groups=2),),
               (1, 4, 7, 7)),
    "conv2d same": (lambda c, x: c(x), (nn.Conv2d(2, 3, (4, 3), padding="same"),), (1, 2, 6, 6)),
    "conv2d unbatched": (lambda c, x: c(x), (nn.Conv2d(2, 3, 3),), (2, 6, 6)),
    "conv1d": (lambda c, x: c(x).relu(), (nn.Conv1d(4, 6, 3, 2, 1, 2),), (2, 4, 9)),
    "linear": (lambda m, x: m(x), (nn.Linear(5, 3, bias=False),), (2, 4, 5)),
    "pools": (
        lambda x: (
            F.avg_pool2d(x, 3, 2, 1),
            F.avg_pool2d(x, 2, count_include_pad=False),
            F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
            F.adaptive_avg_pool2d(x, (3, 1)),
            x.mean((2, 3)),
            x.mean((-1, -2), keepdim=True),
            F.max_pool2d(x[0], 2),
        ),
        (),
        (1, 3, 9, 9),
    ),
    "pools over one dimension": (
        lambda x: (
            F.avg_pool1d(x, 3, 2, 1),
            F.avg_pool1d(x[0], 2, count_include_pad=False),
            F.adaptive_avg_pool1d(x, 3),
            F.adaptive_avg_pool1d(x, 2),
            F.max_pool1d(x, 3, 1, 1),
        ),
        (),
        (2, 3, 9),
    ),
    "activations": (
        lambda x: (
            F.relu6(x), F.hardtanh(x, -0.5, 2), x.clamp(min=0.1), x.clamp(max=0.5),
            F.gelu(x), F.gelu(x, approximate="tanh"), F.silu(x), F.hardswish(x),
            F.hardsigmoid(x), x.sigmoid(), x.tanh(), F.relu(x),
        ),
        (),
        (2, 8),
    ),
    "shapes": (
        lambda x: (
            x.permute(2, 0, 1), x.transpose(0, -1), x.movedim(0, 2), x.swapaxes(0, 1),
            x[0].t(), x[0].T, x.unsqueeze(1), x[:1].squeeze(0), x.flatten(1),
            x.unflatten(1, (2, 2)), x.reshape(-1), x.view(4, 6),
        ),
        (),
        (2, 4, 3),
    ),
    "arithmetic": (
        lambda x: (x + 1, 2 * x, x + x[:, :1], torch.add(x, x, alpha=3), 1 - x, x / 2), (), (2, 4),
    ),
    "lists": (
        lambda x: (torch.cat([x, x], 1), *x.chunk(2, 1), *x.unbind(0), x.roll(1, 0)), (), (2, 4),
    ),
    "constants": (
        lambda x: x * torch.arange(4) + torch.full_like(x, 3) + torch.tensor(2.0), (), (2, 4),
    ),
    "casts": (lambda x: (x.to(torch.int32), x.double(), x.to(torch.float32)), (), (2, 4)),
    "lstm": (lambda m, x: m(x)[0], (nn.LSTM(4, 3),), (3, 2, 4)),
    "attention": (lambda x: F.scaled_dot_product_attention(x, x, x), (), (1, 2, 4, 8)),
    "in place": (lambda m, x: F.relu_(m(x)).add_(1).mul_(2), (nn.Linear(4, 4),), (2, 4)),
    "in place, old name": (lambda m, x: _written_first(m(x)), (nn.Linear(4, 4),), (2, 4)),
    "in place, view before": (lambda m, x: _viewed_first(m(x)), (nn.Linear(4, 4),), (2, 4)),
    "in place, through a view": (lambda m, x: _written_by_view(m(x)), (nn.Linear(4, 4),), (2, 4)),
}  # fmt: skip


def _written_first(y: torch.Tensor) -> torch.Tensor:
    torch.relu_(y)
    return y + y


def _viewed_first(y: torch.Tensor) -> torch.Tensor:
    view = y.view(8)
    torch.relu_(y)
    return view * 2


def _written_by_view(y: torch.Tensor) -> torch.Tensor:
    torch.relu_(y.view(8))
    return y * 2


@pytest.mark.parametrize("name", MODELS)
def test_computes_the_same(name: str) -> None:
    function, modules, shape = MODELS[name]
    x = r(*shape)
    check_meaning(torch.export.export(Function(function, *modules).eval(), (x,)), x)


@pytest.mark.parametrize("name", ["conv2d", "conv1d", "linear", "shapes", "in place", "lstm"])
def test_computes_the_same_quantized(name: str) -> None:
    function, modules, shape = MODELS[name]
    x = r(*shape)
    module = check_meaning(quantize(Function(function, *modules), (x,)), x)
    assert operations(module, "quant.qcast")


def test_quantization_is_in_the_types() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(8, 2))
    module = import_program(quantize(model, (r(1, 3, 2, 2),)))
    text = text_of(module)
    assert not targets(module)
    for line in (
        r"quant\.scast %\w+ : tensor<2x3x1x1xi8> to tensor<2x3x1x1x!quant.uniform<i8:f32:0, {",
        r"quant\.scast %\w+ : tensor<2xi32> to tensor<2x!quant.uniform<i32<-2147483648:2147483646>"
        r":f32:0, {",
        r"quant\.scast %\w+ : tensor<2x8xi8> to tensor<2x8x!quant.uniform<i8:f32, ",
        r"quant\.qcast %input : tensor<1x3x2x2xf32> to tensor<1x3x2x2x!quant.uniform<i8:f32, ",
    ):
        assert re.search(line, text), line


def test_other_parameters_on_dequantize_are_a_reinterpretation() -> None:
    q = torch.ops.quantized_decomposed

    def function(x: torch.Tensor) -> Any:
        stored = q.quantize_per_tensor(x, 0.1, 3, -128, 127, torch.int8)
        return q.dequantize_per_tensor(stored, 0.2, 5, -128, 127, torch.int8), stored

    x = r(2, 4)
    module = check_meaning(torch.export.export(Function(function), (x,)), x)
    assert len(operations(module, "quant.scast")) == 3
    assert "-> (tensor<2x4xf32> {edge.name" in text_of(module)
    assert "tensor<2x4xi8> {edge.name" in text_of(module)


def test_parameters_as_tensors() -> None:
    q = torch.ops.quantized_decomposed

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("scale", torch.tensor([0.1]))
            self.register_buffer("zero_point", torch.tensor([3], dtype=torch.int64))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            p = (self.scale, self.zero_point, -128, 127, torch.int8)
            return q.dequantize_per_tensor.tensor(q.quantize_per_tensor.tensor(x, *p), *p)

    x = r(2, 4)
    module = check_meaning(torch.export.export(Model(), (x,)), x)
    assert not operations(module, "arith.constant")


def test_an_equal_constant_is_made_once_and_an_unused_one_never() -> None:
    first, second, unused = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)
    second.load_state_dict(first.state_dict())
    module = imported(lambda a, b, _, x: b(a(x)), r(2, 4), modules=(first, second, unused))
    constants = operations(module, "arith.constant")
    assert len(constants) == 2
    assert [op.results[0].name_hint for op in constants] == ["parts_0_weight", "parts_0_bias"]
    locations = [op.location for op in constants]
    assert [loc.child_name.data if hasattr(loc, "child_name") else str(loc) for loc in locations]
    assert 'loc("parts.0.weight"' in str(locations[0])


def test_constants_hold_the_bytes() -> None:
    layer = nn.Linear(3, 2)
    module = imported(lambda m, x: m(x), r(1, 3), modules=(layer,))
    weight = operations(module, "arith.constant")[0]
    assert isinstance(weight, ConstantOp)
    data: bytes = weight.value.data.data  # type: ignore[attr-defined]
    assert data == layer.weight.detach().numpy().tobytes()


def test_parameters_keep_their_names_through_quantization() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(x)

    module = import_program(quantize(Model(), (r(1, 4),)))
    hints = [op.results[0].name_hint for op in operations(module, "arith.constant")]
    assert hints == ["head_weight", "head_bias"]


def test_memory_order_is_at_the_border_only() -> None:
    x = r(1, 3, 4, 4).to(memory_format=torch.channels_last)
    layer = nn.Conv2d(3, 2, 1).to(memory_format=torch.channels_last)
    text = text_of(imported(lambda m, x: m(x).contiguous() + 1, x, modules=(layer,)))
    order = "#edge.dim_order<[0, 2, 3, 1]>"
    assert f"(%x_0: tensor<1x3x4x4xf32, {order}>".replace("x_0", "") in re.sub(r"%\w+", "%", text)
    assert text.count("edge.to_dim_order") == 1
    assert text.count(order) == 2  # the argument, and the operand of its conversion
    both = text_of(imported(lambda m, x: m(x), x, modules=(layer,)))
    assert both.count("edge.to_dim_order") == 2


@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (2, 3, 1, 1)])
def test_an_ambiguous_order_is_the_default(shape: tuple[int, ...]) -> None:
    x = r(*shape).to(memory_format=torch.channels_last)
    assert "dim_order" not in text_of(imported(lambda x: x + x, x))


def test_signature_names() -> None:
    text = text_of(
        imported(lambda d: {"sum": d["a"] + d["b"], "a": d["a"]}, {"a": r(2), "b": r(2)})
    )
    names = re.findall(r'edge.name = "(\w+)"', text)
    assert len(set(names[:2])) == 2
    assert names[2:] == ["sum", "a"]
    repeated = text_of(imported(lambda x: (x, x), r(2)))
    names = re.findall(r'edge.name = "(\w+)"', repeated)
    assert names[1:] == ["output_0", "output_1"]


def test_the_function_is_named_after_the_method() -> None:
    program = torch.export.export(Function(lambda x: x + 1), (r(2),))
    assert "func.func @encode(" in text_of(import_program(program, method="encode"))


class Located(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)  # the line of the convolution
        return torch.relu(x) + 1  # the line of the sum


@pytest.mark.parametrize("quantized", [False, True])
def test_locations(quantized: bool) -> None:
    x = r(1, 1, 2, 2)
    program = quantize(Located(), (x,)) if quantized else torch.export.export(Located(), (x,))
    module = import_program(program)
    with open(__file__) as file:
        lines = file.read().splitlines()
    for name, path, comment in (
        ("edge.conv2d", "first", "the line of the convolution"),
        ("edge.add", "add", "the line of the sum"),
    ):
        (op,) = operations(module, name)
        assert isinstance(op.location, NameLoc)
        assert f'"{path}"' in str(op.location)
        place = next(p for p in op.location.parameters if isinstance(p, FileLineColLoc))
        assert place.filename.data.endswith("test_importer.py")
        assert comment in lines[place.line.data - 1]
    for op in module.walk():
        if op.name.startswith(("edge.", "quant.")) and "_1" not in str(op.results[0].name_hint):
            assert isinstance(op.location, NameLoc)


def test_generic_calls_hold_the_whole_schema() -> None:
    rows = torch.tensor([1, 0])
    module = imported(lambda x, i: x[i, i].to(torch.int32), r(2, 2), rows)
    text = text_of(module)
    assert 'edge.call "aten.index.Tensor"' in text
    assert re.search(
        r"arguments = \[#edge.operand<0>, \[#edge.operand<1>, #edge.operand<\d>\]\]", text
    )
    assert 'arguments = [#edge.operand<0>, "int32", none, none, none, false, none]' in text


def test_float_arguments_are_floats() -> None:
    text = text_of(imported(lambda x: torch.ge(x, 2), r(2)))
    assert "arguments = [#edge.operand<0>, 2 : i64" in text  # a Scalar keeps its kind
    text = text_of(imported(lambda x: F.group_norm(x, 2, eps=1), r(2, 4)))
    assert "1.000000e+00 : f64]" in text  # a float does not


def test_only_what_must_be_is_decomposed() -> None:
    program = torch.export.export(
        Function(lambda m, x: F.silu(m(x)).unbind(0)[0].softmax(0), nn.Linear(4, 4)), (r(2, 4),)
    )
    before = [str(node.target) for node in program.graph.nodes]
    module = import_program(program)
    assert [str(node.target) for node in program.graph.nodes] == before
    assert operations(module, "edge.linear")
    assert operations(module, "edge.silu")
    assert not [t for t in targets(module) if "unbind" in t or "softmax.int" in t]


def test_a_core_aten_program_has_its_linear_layers_back() -> None:
    x = r(2, 4)
    for bias in (True, False):
        program = quantize(Function(lambda m, x: m(x), nn.Linear(4, 3, bias=bias)), (x,))
        decomposed = program.run_decompositions()
        assert any("mm" in str(node.target) for node in decomposed.graph.nodes)
        module = check_meaning(decomposed, x)
        assert operations(module, "edge.linear")
        assert not targets(module)


def test_a_product_of_activations_is_no_linear_layer() -> None:
    module = imported(lambda x, y: torch.mm(x, y), r(2, 3), r(3, 4))
    assert operations(module, "edge.matmul") and not operations(module, "edge.linear")


def test_unused_indices_of_a_max_pool_do_not_matter() -> None:
    x = r(1, 1, 4, 4)
    used = imported(lambda x: F.max_pool2d(x, 2, return_indices=True), x)
    assert targets(used) == ["aten.max_pool2d_with_indices.default"]
    unused = imported(lambda x: F.max_pool2d(x, 2, return_indices=True)[0], x)
    assert operations(unused, "edge.max_pool2d")
    assert not targets(unused)


def test_the_edge_dialect() -> None:
    from executorch.exir import to_edge

    x = r(1, 3, 6, 6)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU6(), nn.MaxPool2d(2), nn.Flatten())
    module = import_program(to_edge(torch.export.export(model.eval(), (x,))))
    (result,) = run_module(module, [x.numpy()])
    np.testing.assert_allclose(result, model(x).detach().numpy(), rtol=1e-5, atol=1e-6)
    assert operations(module, "edge.conv2d")
    assert operations(module, "edge.max_pool2d")
    assert not targets(module)


def test_quantization_aware_training() -> None:
    from torchao.quantization.pt2e import move_exported_model_to_eval
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_qat_pt2e

    from cmopt.frontend.quantizer import Int8Quantizer

    x = r(2, 3, 6, 6)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).train()
    graph = torch.export.export(model, (x,)).module(check_guards=False)
    prepared = prepare_qat_pt2e(graph, Int8Quantizer())
    for _ in range(2):
        prepared(x)
    move_exported_model_to_eval(prepared)
    program = torch.export.export(convert_pt2e(prepared), (x,))
    module = check_meaning(program, x)
    (conv,) = operations(module, "edge.conv2d")
    assert conv.operands[1].owner.name == "quant.dcast"  # type: ignore[union-attr]


def export_dynamic() -> torch.export.ExportedProgram:
    batch = torch.export.Dim("batch", min=2, max=8)
    return torch.export.export(
        Function(lambda x: x + 1), (r(3, 4),), dynamic_shapes=(({0: batch},),)
    )


def quantize_uint8(x: torch.Tensor) -> torch.Tensor:
    q = torch.ops.quantized_decomposed
    return q.quantize_per_tensor(x, 0.1, 3, 0, 255, torch.uint8)


class QuantizedConstants(nn.Module):
    """A batch norm in parts, as ExecuTorch's quantizer for Ethos-U leaves it."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("variance", torch.tensor([4, 100, -7, 127], dtype=torch.int8))
        self.register_buffer("weight", torch.randint(-127, 128, (4, 4), dtype=torch.int8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        variance = fake_quantized(dequantized(self.variance, 0.5).view(1, 4) + 100.0, 1.5)
        weight = dequantized(self.weight, 0.01)
        return F.linear(fake_quantized(x * fake_quantized(variance.rsqrt(), 0.001), 0.1), weight)


def test_what_is_computed_of_quantized_constants_is_a_constant() -> None:
    program = torch.export.export(QuantizedConstants().eval(), (r(2, 4),))
    module = check_meaning(program, r(2, 4))
    names = {op.name for op in module.walk()}
    assert "edge.mul" in names and not names & {"edge.rsqrt", "edge.add", "edge.reshape"}
    text = text_of(module)
    assert "tensor<4x4xi8>" in text  # the weights keep their integers


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (export_dynamic, r"input .*dimension 0 is dynamic.*; export without dynamic_shapes"),
        (
            lambda: torch.export.export(Function(lambda x: (x.relu(), x.add_(1))[0]), (r(3),)),
            "changes its input .* and this change is lost",
        ),
        (
            lambda: torch.export.export(Function(lambda x: x + 1), (r(3).half(),)),
            "float16 is not supported; use float32",
        ),
        (
            lambda: torch.export.export(Function(lambda x: x.to(torch.complex64).real), (r(3),)),
            r"test_importer\.py:\d+ .*complex64 is not supported",
        ),
        (
            lambda: torch.export.export(Function(quantize_uint8), (r(3),)),
            r"test_importer\.py:\d+ .*an output is quantized to uint8; use int8",
        ),
        (
            lambda: torch.export.export(Function(lambda x: F.dropout(x, 0.5, True)), (r(3),)),
            r"test_importer\.py:\d+ .*training mode; put the module in eval mode",
        ),
    ],
)
def test_errors(program: Any, message: str) -> None:
    with pytest.raises(CompileError) as error:
        import_program(program())
    assert re.search(message, str(error.value)), str(error.value)


def test_several_methods() -> None:
    from executorch.exir import to_edge

    programs = {
        name: torch.export.export(Function(lambda x: x + 1), (r(3),)) for name in ("one", "two")
    }
    with pytest.raises(CompileError, match="several methods: one, two"):
        import_program(to_edge(programs))  # type: ignore[arg-type]


def test_not_a_program() -> None:
    with pytest.raises(TypeError, match="ExportedProgram"):
        import_program(nn.ReLU())  # type: ignore[arg-type]


def test_an_operator_on_constants_is_a_constant() -> None:
    """Another quantizer may leave a range that is cast to float."""
    text = text_of(imported(lambda x: x * torch.arange(8).float().flip(0), r(2, 8)))
    assert "edge.call" not in text
    assert "dense<[7.000000e+00, 6.000000e+00, 5.000000e+00" in text
