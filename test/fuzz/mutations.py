"""Changes of IR and pipeline texts. Some leave valid IR, but most make it invalid."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from xdsl.dialects.builtin import FunctionType, ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, SSAValue

from cmopt.dialects.parsing import make_context, parse_module
from cmopt.pipeline.passes import pass_options
from cmopt.pipeline.registry import get_all_passes
from cmopt.pipeline.stages import STAGES, stage_pipelines
from cmopt.support.printing import module_to_text
from cmopt.support.targets import target_names

INTEGERS = (
    [str(n) for n in (0, 1, 2, 3, 4, 7, 8, 16, 127, 128, 255, 256, 1000, 65536)]
    + [str(n) for n in (-1, -2, -127, -128, -129, -32768, 1_000_000_000, 2**31 - 1, 2**31)]
    + [str(n) for n in (-(2**31), 2**32, 2**63 - 1, 2**63, -(2**63) - 1, 10**20, 10**400)]
)
FLOATS = ["0.0", "-0.0", "1.0", "-1.0", "0.05", "1e-45", "1e-38", "1e38", "3.5e38", "1e400"]
FLOATS += ["1.0e-45", "1.0e-38", "1.0e38", "1.0e400", "-1.0e-46", "1.0e-30", "1.0e30"]
FLOATS += ["-1e400", "0x7FC00000", "0x7F800000", "0xFF800000", "0x7FF8000000000000"]
ELEMENTS = ["i1", "i4", "i8", "i16", "i32", "i64", "ui8", "si8", "f16", "bf16", "f32", "f64"]
ELEMENTS += ["index", "none", "i0", "i1000", "f8", "!quant.uniform<i8:f32, 0.1>"]
ELEMENTS += ["!quant.uniform<i16:f32, 0.1>", "complex<f32>", "tensor<2xf32>"]
TYPES = ["tensor<*xf32>", "tensor<?x3xf32>", "tensor<0xf32>", "tensor<f32>", "vector<4xf32>"]
TYPES += ["memref<4xf32>", "()", "i32", "tensor<1000000000xi8>", "tensor<99999x99999x99999xf32>"]
TYPES += ["tensor<4xi8, #cortex_m.place<arena, 0>>", "tensor<4x4xf32, #edge.dim_order<[1, 0]>>"]

NUMBER = re.compile(r"(?<![\w.#%])-?\d+(?![\w.])")
FLOAT = re.compile(r"-?\d+\.\d+(?:[eE][+-]?\d+)?")
DIMENSION = re.compile(r"(?<=[<x])\d+(?=x)")
ELEMENT = re.compile(r"(?<=[<x])(?:[fi]\d+|!quant\.uniform<(?:[^<>]|<[^<>]*>)*>)(?=[,>])")
QUANTIZED = re.compile(r"!quant\.uniform<(?:[^<>]|<[^<>]*>)*>")
TYPE = re.compile(r"tensor<(?:[^<>]|<(?:[^<>]|<[^<>]*>)*>)*>")
SSA_NAME = re.compile(r"%[\w]+")
PROPERTY = re.compile(r"[\w.]+ = [^,{}<>]+(?:<[^<>]*>)?(?: : \w+)?(?:, )?")
OPERATION = re.compile(r"\b(?:edge|quant|cortex_m|arith|func)\.\w+")
TOKEN = re.compile(r"[\w.]+|[^\w\s]")

Mutation = Callable[[Random, str], str]


def _replace(random: Random, text: str, pattern: re.Pattern[str], new: Callable[[str], str]) -> str:
    """Replace one match of `pattern`, or, in one of three cases, every match of the same text."""
    matches = list(pattern.finditer(text))
    if not matches:
        return text
    match = random.choice(matches)
    old, replacement = match.group(), new(match.group())
    if random.random() < 0.33:
        return pattern.sub(lambda m: replacement if m.group() == old else m.group(), text)
    return text[: match.start()] + replacement + text[match.end() :]


def change_integer(random: Random, text: str) -> str:
    def new(old: str) -> str:
        near = str(int(old[:18]) + random.choice([-2, -1, 1, 2]))
        return random.choice([near, near, random.choice(INTEGERS)])

    return _replace(random, text, NUMBER, new)


def change_float(random: Random, text: str) -> str:
    return _replace(random, text, FLOAT, lambda old: random.choice(FLOATS))


def change_dimension(random: Random, text: str) -> str:
    def new(old: str) -> str:
        near = str(max(0, int(old[:18]) + random.choice([-1, 1, 2])))
        return random.choice([near, near, "?", "0", "1", "100000", "1000000000", str(2**63)])

    return _replace(random, text, DIMENSION, new)


def change_element(random: Random, text: str) -> str:
    return _replace(random, text, ELEMENT, lambda old: random.choice(ELEMENTS))


def change_type(random: Random, text: str) -> str:
    present = TYPE.findall(text) or TYPES
    return _replace(random, text, TYPE, lambda old: random.choice([*present[:8], *TYPES]))


def change_quantization(random: Random, text: str) -> str:
    pattern = re.compile(r"(?<=f32, )-?[\d.e+-]+(?::-?\d+)?(?=>)|(?<=i8)(?=:f32)|(?<=f32)(?=, )")

    def new(old: str) -> str:
        if old:
            scale = random.choice(["0.05", "1.0", *FLOATS, "5", "-3"])
            zero = random.choice(["", ":0", ":-128", ":127", ":-129", ":128", ":3"])
            return scale + zero
        return random.choice(["<-127:127>", "<0:0>", "<5:-5>", "<-1000:1000>", ":0", ":7", ""])

    return _replace(random, text, pattern, new)


def change_operand(random: Random, text: str) -> str:
    names = SSA_NAME.findall(text)
    return _replace(random, text, SSA_NAME, lambda old: random.choice(names))


def change_property(random: Random, text: str) -> str:
    matches = PROPERTY.findall(text)
    if not matches:
        return text

    def new(old: str) -> str:
        key, _, value = old.partition(" = ")
        other_key, _, other_value = random.choice(matches).partition(" = ")
        values = [other_value, "unit", '"x"', "true", "[]", "array<i64>", "array<i32: 1, 1>", "{}"]
        tail = ", " if old.endswith(", ") else ""
        changed = f"{key} = {random.choice(values).removesuffix(', ')}{tail}"
        return random.choice(["", old + old, changed, changed, f"{other_key} = {value}"])

    return _replace(random, text, PROPERTY, new)


def change_operation(random: Random, text: str) -> str:
    names = OPERATION.findall(text) or ["edge.relu"]
    more = [*names, "edge.sigmoid", "edge.mul", "quant.scast", "cortex_m.view", "edge.nothing"]
    return _replace(random, text, OPERATION, lambda old: random.choice(more))


def change_lines(random: Random, text: str) -> str:
    lines = text.splitlines()
    if len(lines) < 3:
        return text
    i, j = (random.randrange(len(lines)) for _ in range(2))
    match random.randrange(4):
        case 0:
            del lines[i]
        case 1:
            lines.insert(j, lines[i])
        case 2:
            lines[i], lines[j] = lines[j], lines[i]
        case _:
            lines += lines[min(i, j) : max(i, j)]
    return "\n".join(lines) + "\n"


def change_tokens(random: Random, text: str) -> str:
    spans = [m.span() for m in TOKEN.finditer(text)]
    if len(spans) < 2:
        return text
    (a, b), (c, d) = sorted(random.sample(spans, 2))
    match random.randrange(3):
        case 0:
            return text[:a] + text[b:]
        case 1:
            return text[:a] + text[c:d] + text[b:c] + text[a:b] + text[d:]
        case _:
            return text[:c] + text[a:b] + " " + text[c:]


def truncate(random: Random, text: str) -> str:
    return text[: random.randrange(len(text) + 1)]


def change_characters(random: Random, text: str) -> str:
    for _ in range(random.choice([1, 1, 3, 10])):
        at = random.randrange(len(text) + 1)
        new = random.choice(["", "<", ">", "{", "}", "(", '"', "%", "#", "!", "\\", "\0", "é", "x"])
        text = text[:at] + new + text[at + random.randint(0, 1) :]
    return text


def change_ir(random: Random, text: str) -> str:
    """Change operands, attributes or order of the parsed IR. Text that does not parse is unchanged.

    Most results still verify, because values are replaced by values of the same type.
    """
    try:
        module = parse_module(make_context(), text)
        for _ in range(random.randint(1, 2)):
            _change_module(random, module)
        return module_to_text(module)
    except Exception:  # the changed IR cannot be printed
        return text


def _change_module(random: Random, module: ModuleOp) -> None:
    ops = [op for op in module.walk() if op is not module]
    if not ops:
        return
    op = random.choice(ops)
    match random.randrange(6):
        case 0 if op.operands:
            index = random.randrange(len(op.operands))
            same = [v for v in _values(ops) if v.type == op.operands[index].type]
            op.operands[index] = random.choice(same)
        case 1 if op.properties:
            key = random.choice(list(op.properties))
            pool = [p for other in ops for k, p in other.properties.items() if k == key]
            op.properties[key] = random.choice(pool)
        case 2 if op.next_op is not None and op.next_op.next_op is not None:
            following = op.next_op
            op.detach()
            _insert_after(op, following)
        case 3 if op.results:
            for result in op.results:
                same = [v for v in _values(ops) if v.type == result.type and v is not result]
                if same:
                    result.replace_all_uses_with(random.choice(same))
        case 4 if op.next_op is not None:
            _insert_after(op.clone(), op)
        case _ if op.attributes or op.properties:
            store = op.properties or op.attributes
            del store[random.choice(list(store))]


def _values(ops: list[Operation]) -> list[SSAValue]:
    blocks = {op.parent for op in ops if isinstance(op.parent, Block)}
    return [r for op in ops for r in op.results] + [a for block in blocks for a in block.args]


def _insert_after(op: Operation, other: Operation) -> None:
    assert other.parent is not None
    other.parent.insert_op_after(op, other)


def change_everywhere(random: Random, text: str) -> str:
    """Replace one type, element type, size or quantization wherever it stands, so that most
    operations still agree with each other."""
    kind = random.randrange(4)
    if kind == 0:
        pattern, news = TYPE, [*TYPE.findall(text)[:8], *TYPES]
    elif kind == 1:
        pattern, news = ELEMENT, ELEMENTS
    elif kind == 2:
        pattern, news = DIMENSION, ["0", "1", "2", "3", "5", "8", "64"]
    else:
        pattern, news = QUANTIZED, [random_quantized(random)]
    found = sorted(set(pattern.findall(text)))
    if not found:
        return text
    old, new = random.choice(found), random.choice(news)
    return pattern.sub(lambda match: new if match.group() == old else match.group(), text)


def random_quantized(random: Random) -> str:
    """A quantized type of extreme parameters, most of them valid."""
    bits = random.choice(["i8", "i8", "i8", "i16", "i32"])
    scale = random.choice(["1.0e-30", "1.0e30", "1.2e-38", "8.0e37", "1.0", "0.00390625", "1.0e-7",
                           "3.0e-5", "127.0", "1.0e-46", "1.0e300"])  # fmt: skip
    zero = random.choice(["", ":-128", ":127", ":1", ":-1", ":32767", ":-32768"])
    storage = random.choice(["", "", "<-127:127>", "<-8:7>", "<0:1>", "<-1:0>"])
    return f"!quant.uniform<{bits}{storage}:f32, {scale}{zero}>"


def change_rank(random: Random, text: str) -> str:
    """Add or remove a leading size of 1 of every tensor of one rank."""
    ranks = {match.group().count("x", 0, match.group().find("!") if "!" in match.group() else None)
             for match in TYPE.finditer(text)}  # fmt: skip
    if not ranks:
        return text
    rank = random.choice(sorted(ranks))
    grow = random.random() < 0.6

    def new(match: re.Match[str]) -> str:
        sizes = re.match(r"tensor<((?:\d+x)*)(.*)>$", match.group(), re.DOTALL)
        if sizes is None or sizes[1].count("x") != rank:
            return match.group()
        changed = f"1x{sizes[1]}" if grow else sizes[1].partition("x")[2]
        return f"tensor<{changed}{sizes[2]}>"

    return TYPE.sub(new, text)


def splice(random: Random, text: str, other: str) -> str:
    """The operations of two programs in one function. Arguments of the second are values of the
    first of the same type, where there are any. Text that does not parse is unchanged."""
    try:
        module, second = (parse_module(make_context(), t) for t in (text, other))
        into, source = (
            next(op for op in m.ops if isinstance(op, FuncOp)) for m in (module, second)
        )
        block, taken = into.body.block, source.body.block
        end = block.last_op
        assert isinstance(end, ReturnOp)
        values = [r for op in block.ops for r in op.results] + list(block.args)
        mapping: dict[SSAValue, SSAValue] = {}
        for argument in taken.args:
            same = [value for value in values if value.type == argument.type]
            if same and random.random() < 0.9:
                mapping[argument] = random.choice(same)
            else:
                mapping[argument] = block.insert_arg(argument.type, len(block.args))
        for op in taken.ops:
            if not isinstance(op, ReturnOp):
                block.insert_op_before(op.clone(mapping), end)
        last = taken.last_op
        assert last is not None
        results = [*end.operands, *(mapping.get(v, v) for v in last.operands)]
        block.insert_op_before(ReturnOp(*results), end)
        end.detach()
        end.erase()
        into.function_type = FunctionType.from_lists(block.arg_types, [v.type for v in results])
        into.properties.pop("arg_attrs", None)
        into.properties.pop("res_attrs", None)
        return module_to_text(module)
    except Exception:  # most broken programs cannot be spliced
        return text


MUTATIONS: list[Mutation] = [
    change_everywhere, change_everywhere, change_everywhere, change_rank,
    change_integer, change_integer, change_float, change_dimension, change_dimension,
    change_element, change_type, change_quantization, change_operand, change_property,
    change_property, change_operation, change_lines, change_tokens, truncate, change_characters,
    change_ir, change_ir, change_ir, change_ir,
]  # fmt: skip


def mutate(random: Random, text: str, other: str) -> str:
    """`text` after one to three mutations; sometimes spliced with `other`."""
    if random.random() < 0.03:
        return text[: random.randrange(len(text) + 1)] + other[random.randrange(len(other) + 1) :]
    if random.random() < 0.03:
        return text + other
    if random.random() < 0.1:
        text = splice(random, text, other)
        if random.random() < 0.5:
            return text
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        text = random.choice(MUTATIONS)(random, text)
    return text


# ---------------------------------------------------------------------------------------- pipelines

OPTION_VALUES = [*STAGES, *target_names(), "", "1", "-1", "true", '"x y"', "a,b", "1e400"]
OPTION_VALUES += ["cortex-m55+nomve", "cortex-m4+nodsp"]


def random_pass(random: Random) -> str:
    """A pass with options, mostly with ones that it has."""
    passes = get_all_passes()
    name = random.choice(list(passes))
    options = []
    for option in pass_options(passes[name]()):
        if random.random() < 0.8:
            value = random.choice(STAGES) if option == "stage" else random.choice(target_names())
            if random.random() < 0.1:
                value = random.choice(OPTION_VALUES)
            options.append(f'{option}="{value}"' if random.random() < 0.8 else f"{option}={value}")
    if random.random() < 0.02:
        options.append(f"nonsense={random.choice(OPTION_VALUES)}")
    return f"{name}{{{' '.join(options)}}}" if options else name


def random_pipeline(random: Random) -> str:
    """Stage pipelines in order, single passes or random lists of passes; sometimes empty."""
    stages = list(
        stage_pipelines(random.choice(target_names()), random.choice(["float", "int8"])).values()
    )
    choice = random.random()
    if choice < 0.25:
        text = ",".join(stages)
    elif choice < 0.5:
        first = random.randrange(len(stages))
        text = ",".join(stages[first : random.randint(first + 1, len(stages))])
    elif choice < 0.55:
        return ""
    else:
        text = ",".join(random_pass(random) for _ in range(random.choice([1, 1, 1, 2, 4, 8])))
    if random.random() < 0.04:
        text = random.choice([change_tokens, change_characters, truncate])(random, text)
    return f"builtin.module({text})"
