"""How much memory ExecuTorch's runtime takes on a 32-bit core, besides the arena.

The runtime makes tables when it loads a method: an EValue for each value, a TensorImpl with strides
for each tensor, boxed lists, an argument list for each instruction, an entry and compile specs for
each delegate. It takes them from the method allocator. The count follows ExecuTorch 1.5's
allocations one by one, with the sizes of its structures for pointers of four bytes. It was compared
with programs without delegates on an emulated Cortex-M55.
"""

from __future__ import annotations

from typing import Any

POINTER = 4
EVALUE = 16
TENSOR_IMPL = 32
BOXED_LIST = 12
ARRAY_REF = 8
OPTIONAL_TENSOR = 8
BACKEND_DELEGATE = 40
COMPILE_SPEC = 12
CHAIN = 20
ARGUMENT_LIST = 8
TENSOR_META = 12
DIMENSION_LIMIT = 16
"""`kTensorDimensionLimit`: bytes that the runtime reserves for one tensor's dim order."""


class BumpAllocator:
    """Adds up aligned allocations, as the runtime's MemoryAllocator does."""

    def __init__(self) -> None:
        self.used = 0

    def take(self, size: int, alignment: int = POINTER) -> None:
        """One allocation."""
        self.used = -(-self.used // alignment) * alignment + size


def method_allocator_bytes(plan: Any) -> int:
    """Bytes that loading a method takes from the method allocator.

    plan: an ExecutionPlan, of `program_schema` or of ExecuTorch.
    """
    memory = BumpAllocator()
    memory.take(EVALUE * len(plan.values), 8)
    memory.take(len(plan.inputs), 1)
    for value in (evalue.val for evalue in plan.values):
        kind = type(value).__name__
        if kind == "Tensor":
            memory.take(4 * len(value.sizes))  # strides
            memory.take(TENSOR_IMPL)
        elif kind == "IntList":
            memory.take(POINTER * len(value.items))
            memory.take(8 * len(value.items), 8)
            memory.take(BOXED_LIST)
        elif kind == "TensorList":
            memory.take(2 * POINTER * len(value.items))
            memory.take(BOXED_LIST)
        elif kind == "OptionalTensorList":
            memory.take(POINTER * len(value.items))
            memory.take(OPTIONAL_TENSOR * len(value.items))
            memory.take(BOXED_LIST)
        elif kind in ("BoolList", "DoubleList", "String"):
            memory.take(ARRAY_REF)
    if plan.delegates:
        memory.take(BACKEND_DELEGATE * len(plan.delegates), 8)
    for delegate in plan.delegates:
        memory.take(COMPILE_SPEC * len(delegate.compile_specs))
    for chain in plan.chains:
        memory.take(CHAIN)
        memory.take(POINTER * len(chain.instructions))
        memory.take(ARGUMENT_LIST * len(chain.instructions))
        for instruction in chain.instructions:
            memory.take(POINTER * len(instruction.instr_args.args))
    return memory.used


def temp_allocator_bytes(plan: Any, scratch: int = 0) -> int:
    """Bytes of temp allocator, aligned to 16, that loading and running a method take.

    Loading takes tensor metadata for the widest kernel call. If the temp allocator is too small,
    the runtime takes it from the method allocator, for every call. Running takes `scratch`.
    """
    calls = [i.instr_args for chain in plan.chains for i in chain.instructions]
    widths = [len(call.args) for call in calls if type(call).__name__ == "KernelCall"]
    loading = max(widths, default=0) * (TENSOR_META + DIMENSION_LIMIT)
    return max(loading, scratch)
