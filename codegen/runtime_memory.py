"""How much memory ExecuTorch's runtime takes besides the arena.

The runtime makes tables when it loads a method: an EValue for each value, a TensorImpl with strides
for each tensor, boxed lists, an argument list for each instruction, an entry and compile specs for
each delegate. It takes them from the method allocator. The count follows ExecuTorch 1.5's
allocations one by one, with the sizes of its structures. It was compared with programs without
delegates: for pointers of four bytes on an emulated Cortex-M55, for those of eight on a host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DIMENSION_LIMIT = 16
"""`kTensorDimensionLimit`: bytes that the runtime reserves for one tensor's dim order."""


@dataclass(frozen=True)
class Abi:
    """The sizes of the runtime's structures, in bytes. A pointer's alignment is its size."""

    pointer: int
    evalue: int
    tensor_impl: int
    boxed_list: int
    array_ref: int
    optional_tensor: int
    backend_delegate: int
    compile_spec: int
    chain: int
    argument_list: int
    tensor_meta: int


CORE = Abi(4, 16, 32, 12, 8, 8, 40, 12, 20, 8, 12)
"""Pointers of four bytes, as on every Cortex-M."""

HOST = Abi(8, 16, 64, 24, 16, 16, 80, 24, 40, 16, 24)
"""Pointers of eight bytes. The runtime in ExecuTorch's wheel was loaded with exactly these sizes;
those of delegates are not tested, because no host has the backend."""


class BumpAllocator:
    """Adds up aligned allocations, as the runtime's MemoryAllocator does."""

    def __init__(self) -> None:
        self.used = 0

    def take(self, size: int, alignment: int) -> None:
        """One allocation."""
        self.used = -(-self.used // alignment) * alignment + size


def method_allocator_bytes(plan: Any, abi: Abi = CORE) -> int:
    """Bytes that loading a method takes from the method allocator.

    plan: an ExecutionPlan, of `program_schema` or of ExecuTorch.
    """
    memory, pointer = BumpAllocator(), abi.pointer
    memory.take(abi.evalue * len(plan.values), 8)
    memory.take(len(plan.inputs), 1)
    for value in (evalue.val for evalue in plan.values):
        kind = type(value).__name__
        if kind == "Tensor":
            if value.shape_dynamism:
                memory.take(4 * len(value.sizes), 4)  # sizes that can change
                memory.take(len(value.sizes), 1)  # dim order
            memory.take(4 * len(value.sizes), 4)  # strides
            memory.take(abi.tensor_impl, pointer)
        elif kind == "IntList":
            memory.take(pointer * len(value.items), pointer)
            memory.take(8 * len(value.items), 8)
            memory.take(abi.boxed_list, pointer)
        elif kind == "TensorList":
            memory.take(2 * pointer * len(value.items), pointer)
            memory.take(abi.boxed_list, pointer)
        elif kind == "OptionalTensorList":
            memory.take(pointer * len(value.items), pointer)
            memory.take(abi.optional_tensor * len(value.items), pointer)
            memory.take(abi.boxed_list, pointer)
        elif kind in ("BoolList", "DoubleList", "String"):
            memory.take(abi.array_ref, pointer)
    if plan.delegates:
        memory.take(abi.backend_delegate * len(plan.delegates), 8)
    for delegate in plan.delegates:
        memory.take(abi.compile_spec * len(delegate.compile_specs), pointer)
    for chain in plan.chains:
        memory.take(abi.chain, pointer)
        memory.take(pointer * len(chain.instructions), pointer)
        memory.take(abi.argument_list * len(chain.instructions), pointer)
        for instruction in chain.instructions:
            if hasattr(instruction.instr_args, "args"):
                memory.take(pointer * len(instruction.instr_args.args), pointer)
    return memory.used


def temp_allocator_bytes(plan: Any, scratch: int = 0, abi: Abi = CORE) -> int:
    """Bytes of temp allocator, aligned to 16, that loading and running a method take.

    Loading takes tensor metadata for the widest kernel call. If the temp allocator is too small,
    the runtime takes it from the method allocator, for every call. Running takes `scratch`.
    """
    calls = [i.instr_args for chain in plan.chains for i in chain.instructions]
    widths = [len(call.args) for call in calls if type(call).__name__ == "KernelCall"]
    loading = max(widths, default=0) * (abi.tensor_meta + DIMENSION_LIMIT)
    return max(loading, scratch)
