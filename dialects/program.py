"""A function's border: its arguments and results, and the attributes that stages set there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    DictionaryAttr,
    FunctionType,
    IntegerAttr,
    ModuleOp,
    StringAttr,
    TensorType,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue
from xdsl.rewriter import Rewriter

from cmopt.dialects.edge import ScanOp, YieldOp
from cmopt.dialects.quant import storage_type
from cmopt.dialects.shapes import element_of, int_of, ints_of, inverse, permuted, shape_of
from cmopt.support.diagnostics import CompileError

DIM_ORDER = "edge.dim_order"
"""Argument or result attribute: the memory order in which the caller sees these row-major bytes."""
NAME = "edge.name"
"""Argument or result attribute: its name in the exported program."""
QUANTIZED = "quant.type"
"""Argument or result attribute: the quantized type of a tensor passed as integers."""
INITIAL_VALUE = "edge.initial_value"
"""Argument attribute of state: its bytes before the first run, row-major."""
NEXT_VALUE_OF = "edge.next_value_of"
"""Result attribute: the name of the state that has this value in the next run."""
REASON = "edge.reason"
"""Attribute of a float op: why it is not on an integer kernel."""
NPU_REASON = "ethos_u.reason"
"""Attribute of an op outside every delegate: why the NPU cannot do it."""
LAYOUT_LIMIT = "edge.layout_limit"
"""Function attribute: why its layouts are not proven to move the fewest bytes."""
PRECISION = "edge.precision"
"""Function attribute: the report of an automatic choice of precision, as JSON."""
ARENA_BYTES = "cortex_m.arena_bytes"
"""Function attribute of the planned stage: the bytes of planned memory that it needs."""
ARENA_BOUND = "cortex_m.arena_bound"
"""Function attribute: the most bytes live at one time, so the least that any plan needs."""

DTCM_BYTES = "cortex_m.dtcm_bytes"
"""Function attribute of the planned stage: the bytes that it needs in the region "dtcm". A function
that needs none does not have it."""
STATE_BYTES = "cortex_m.state_bytes"
"""Function attribute of the planned stage: the bytes at the beginning of the arena that hold state
from run to run. A function without state does not have it."""


PLAN_LIMIT = "cortex_m.plan_limit"
"""Function attribute: why its plan is not proven to be the smallest for its order of ops."""
ORDER_BOUND = "cortex_m.order_bound"
"""Function attribute: the most bytes live at one time in the best order of operators, or fewer."""
ORDER_LIMIT = "cortex_m.order_limit"
"""Function attribute: why its order of operators is not proven to be the best."""

ROW_STRIPS = "cortex_m.row_strips"
"""Function attribute: the report of the runs of calls that were split into strips, as JSON."""


def functions(module: ModuleOp) -> Iterator[FuncOp]:
    """The functions of a module that have a body.

    Raises CompileError if one has several blocks, another terminator than `func.return`, an
    argument or result that is not a tensor, or a wrong memory order on its border.
    """
    for op in list(module.body.block.ops):
        if isinstance(op, FuncOp) and op.body.blocks:
            _check_form(op)
            yield op


Body = FuncOp | ScanOp
"""An op whose region is a block of its own: it takes arguments and ends with results."""


def bodies(module: ModuleOp) -> Iterator[Body]:
    """The functions of a module, as `functions` does, each after the loops in it.

    A loop inside a loop comes first.
    """
    for func in functions(module):
        found: list[Body] = [func, *(op for op in func.walk() if isinstance(op, ScanOp))]
        yield from reversed(found)


def function_of(body: Body) -> FuncOp:
    """The function that a body is, or is in."""
    op: Operation | None = body
    while not isinstance(op, FuncOp):
        assert op is not None
        op = op.parent_op()
    return op


def _check_form(func: FuncOp) -> None:
    block = func.body.first_block
    if block is None or block is not func.body.last_block:
        raise CompileError("has several blocks; a program has one", op=func)
    if not isinstance(end := block.last_op, ReturnOp):
        raise CompileError("does not end in func.return", op=func)
    for kind, values, attributes in (
        ("argument", block.args, func.arg_attrs),
        ("result", end.operands, func.res_attrs),
    ):
        entries = border_attributes(attributes, len(values))
        for index, (value, entry) in enumerate(zip(values, entries, strict=True)):
            if not isinstance(value.type, TensorType):
                raise CompileError(f"{kind} {index} must be a tensor, got {value.type}", op=func)
            order = entry.get(DIM_ORDER)
            if order is not None and not _is_order(order, value.type.get_num_dims()):
                raise CompileError(f"{kind} {index}: {DIM_ORDER} does not fit its rank", op=func)
    _check_states(func)


@dataclass(frozen=True)
class State:
    """A tensor that a function keeps from run to run. A caller does not see it.

    index, result: the numbers of the argument, which is the value before a run, and of the result,
    which is the value after it.
    """

    func: FuncOp
    index: int
    result: int

    @property
    def argument(self) -> BlockArgument:
        """The value before a run."""
        return self.func.body.block.args[self.index]

    @property
    def next(self) -> SSAValue:
        """The value after a run."""
        return terminator(self.func).operands[self.result]

    @property
    def initial(self) -> DenseIntOrFPElementsAttr[Any]:
        """The value before the first run, as it is stored."""
        return border_attributes(self.func.arg_attrs, self.index + 1)[self.index][INITIAL_VALUE]  # type: ignore[return-value]


def states(func: FuncOp) -> list[State]:
    """The state of a function, in order. Its arguments and results are the last ones."""
    arguments, results = len(func.body.block.args), len(terminator(func).operands)
    count = sum(INITIAL_VALUE in e for e in border_attributes(func.arg_attrs, arguments))
    return [State(func, arguments - count + i, results - count + i) for i in range(count)]


def region_bytes(func: FuncOp, region: str) -> int:
    """The bytes of planned memory that a planned function needs in a region.

    Raises CompileError if the attribute is not a size.
    """
    name = {"arena": ARENA_BYTES, "dtcm": DTCM_BYTES}[region]
    size = func.attributes.get(name)
    if size is None:
        return 0
    if not isinstance(size, IntegerAttr) or size.value.data < 0:
        raise CompileError(f"{name} is not a size: {size}", op=func)
    return size.value.data


def state_bytes(func: FuncOp) -> int:
    """The bytes at the beginning of a planned function's arena that hold its state."""
    size = func.attributes.get(STATE_BYTES)
    return int_of(size) if size is not None else 0


def inputs_of(func: FuncOp) -> Sequence[BlockArgument]:
    """The arguments that callers give."""
    return func.body.block.args[: len(func.body.block.args) - len(states(func))]


def outputs_of(func: FuncOp) -> Sequence[SSAValue]:
    """The results that callers take."""
    results = terminator(func).operands
    return results[: len(results) - len(states(func))]


def set_initial_value(state: State, value: DenseIntOrFPElementsAttr[Any]) -> None:
    """Give a state another value before the first run."""
    note_on_border(state.func, INITIAL_VALUE, {state.index: value}, {})


def _check_states(func: FuncOp) -> None:
    """Arguments with an initial value are the last ones, and the last results belong to them."""
    arguments, results = func.body.block.args, terminator(func).operands
    given = border_attributes(func.arg_attrs, len(arguments))
    made = border_attributes(func.res_attrs, len(results))
    count = sum(INITIAL_VALUE in entry for entry in given)
    if sum(NEXT_VALUE_OF in entry for entry in made) != count:
        raise CompileError(f"has {count} states, and another number of next values", op=func)
    for i in range(1, count + 1):
        initial, name = given[-i].get(INITIAL_VALUE), given[-i].get(NAME)
        if initial is None or made[-i].get(NEXT_VALUE_OF) != name:
            raise CompileError(
                f"state {count - i} has no next value at its place",
                op=func,
                hint="states are the last arguments, their next values the last results, in order",
            )
        before, after = arguments[-i].type, results[-i].type
        if not isinstance(initial, DenseIntOrFPElementsAttr):
            raise CompileError(f"state {count - i}: {INITIAL_VALUE} must be dense", op=func)
        if (element_of(after), shape_of(after)) != (element_of(before), shape_of(before)):
            raise CompileError(f"state {count - i}: {before} becomes {after}", op=func)
        type = storage_type(before)
        wanted = element_of(type), shape_of(type)
        if (element_of(initial.type), shape_of(initial.type)) != wanted:
            raise CompileError(
                f"state {count - i}: the initial value {initial.type} is not {type}", op=func
            )


def _is_order(order: Attribute, rank: int) -> bool:
    return isinstance(order, DenseArrayBase) and sorted(ints_of(order)) == list(range(rank))


def main_function(module: ModuleOp, name: str = "forward") -> FuncOp:
    """The function of that name. Raises ValueError if there is none."""
    for func in functions(module):
        if func.sym_name.data == name:
            return func
    raise ValueError(f"the module has no function @{name}")


def terminator(body: Body) -> ReturnOp | YieldOp:
    """The last op of a body, whose operands are its results."""
    last = body.body.block.last_op
    assert isinstance(last, ReturnOp | YieldOp), "a body ends in func.return or edge.yield"
    return last


def retype_argument(body: Body, index: int, type: Attribute) -> BlockArgument:
    """Give an argument another type; its users see the new value. Call `update` afterwards."""
    value = Rewriter.replace_value_with_new_type(body.body.block.args[index], type)
    assert isinstance(value, BlockArgument)
    return value


def update(func: FuncOp) -> None:
    """Make the function type agree with the block's arguments and the returned values."""
    func.properties["function_type"] = FunctionType.from_lists(
        [argument.type for argument in func.body.block.args],
        [value.type for value in terminator(func).operands],
    )


def border_attributes(
    attributes: ArrayAttr[DictionaryAttr] | None, count: int
) -> list[dict[str, Attribute]]:
    """Argument or result attributes as `count` dictionaries."""
    if attributes is None:
        return [{} for _ in range(count)]
    return [dict(entry.data) for entry in attributes.data]


def sides(func: FuncOp) -> Iterator[tuple[str, Sequence[SSAValue], list[dict[str, Attribute]]]]:
    """A function's inputs, then its outputs: "input" or "output", the values, their attributes.

    State is neither.
    """
    for kind, values, attributes in (
        ("input", inputs_of(func), func.arg_attrs),
        ("output", outputs_of(func), func.res_attrs),
    ):
        yield kind, values, border_attributes(attributes, len(values))[: len(values)]


def border_names(func: FuncOp) -> tuple[list[str], list[str]]:
    """The names of a function's inputs and outputs; those without a name get a number."""
    inputs, outputs = (
        [
            name.data if isinstance(name := entry.get(NAME), StringAttr) else f"{kind}_{index}"
            for index, entry in enumerate(entries)
        ]
        for kind, _, entries in sides(func)
    )
    return inputs, outputs


def logical_shapes(func: FuncOp) -> list[tuple[int, ...]]:
    """The shapes of a function's inputs as its callers see them: those of PyTorch."""
    _, values, entries = next(sides(func))
    orders = [entry.get(DIM_ORDER) for entry in entries]
    return [
        shape_of(value) if order is None else permuted(shape_of(value), inverse(ints_of(order)))
        for value, order in zip(values, orders, strict=True)
    ]


def selected(names: Sequence[str], kind: str, existing: Sequence[str], func: FuncOp) -> list[int]:
    """The positions of some border names. kind: "input" or "output". Raises CompileError."""
    for name in names:
        if name not in existing:
            has = ", ".join(existing) or "none"
            raise CompileError(
                f"the program has no {kind} {name!r}", location=func.location, hint=f"it has {has}"
            )
    return [existing.index(name) for name in names]


def to_array(entries: Sequence[dict[str, Attribute]]) -> ArrayAttr[DictionaryAttr] | None:
    """The inverse of `border_attributes`: None if every entry is empty, as in parsed IR."""
    return ArrayAttr([DictionaryAttr(entry) for entry in entries]) if any(entries) else None


def note_on_border(func: FuncOp, name: str, args: dict[int, Attribute],
                   results: dict[int, Attribute]) -> None:  # fmt: skip
    """Set attribute `name` on some arguments and results of a function."""
    arg_entries = border_attributes(func.arg_attrs, len(func.body.block.args))
    result_entries = border_attributes(func.res_attrs, len(terminator(func).operands))
    for entries, values in ((arg_entries, args), (result_entries, results)):
        for index, value in values.items():
            entries[index][name] = value
    func.arg_attrs, func.res_attrs = to_array(arg_entries), to_array(result_entries)
