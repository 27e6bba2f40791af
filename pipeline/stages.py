"""The stages of a compilation, and the pass pipeline of each, as a string."""

from __future__ import annotations

from collections.abc import Mapping

from cmopt.support.targets import OWN, STOCK, get_target
from cmopt.support.vela_settings import VelaChoice

Choice = str | Mapping[str, str]
"""One choice for all inputs and outputs, or one for each of some names."""

STAGES = ("edge", "quantized", "layout", "ethos_u", "cortex_m", "planned")
"""The stages in order. The IR of each can be printed, verified and executed.

Targets without an NPU have no stage "ethos_u".
"""


MOST_UNROLLED_STEPS = 16
"""For an NPU, loops of at most so many steps become part of a delegate. Of a longer one the step is
a delegate, which is called each time: the file and the memory are smaller, the cycles the same."""


def stage_pipelines(
    target: str,
    io: Choice,
    min_npu_work: int = 0,
    kernels: str = STOCK,
    max_arena: int = 0,
    input_layout: Choice | None = None,
    output_layout: Choice | None = None,
    dtcm: int = 0,
    in_strips: bool = True,
    vela: VelaChoice | None = None,
) -> dict[str, str]:
    """For each stage, the passes that make it from the stage before.

    target: a name of `support.targets`. io: "float", or "int8" to pass quantized tensors across
    the border; or one of these for each of some inputs and outputs, "float" for the others.
    min_npu_work: see `delegate-to-ethos-u`. kernels: a name of `KERNEL_LIBRARIES`.
    input_layout, output_layout: "NCHW" or "NHWC", for all or by name; None as the model has them.
    max_arena: see `split-rows`; 0 is no limit. dtcm: see `plan-memory`; 0 is none.
    in_strips: whether `split-rows` runs if there is a limit. vela: the memories of the NPU, None
    for its defaults.

    `cm-opt` takes these strings unchanged.
    """
    npu = get_target(target).npu
    target_option = f'target="{target}"'
    npu_option = f'npu="{npu.name}"' if npu else ""
    kernels_option = f"kernels={kernels}" if kernels != STOCK else ""
    options = f"{npu_option} {kernels_option}".strip()
    # One step is no loop.
    unroll = _pass("unroll-scans", f"steps={MOST_UNROLLED_STEPS}" if npu else "") + ","
    least = f"min-work={min_npu_work}"
    limit = f"max-arena={max_arena}" if max_arena else ""
    split = _pass("split-rows", target_option, limit) + "," if limit and in_strips else ""
    plan = _pass("plan-memory", f"dtcm={dtcm}", limit) if dtcm else "plan-memory"
    vela_options = vela.options if vela else ()
    fuse = "fuse-lstm-steps,canonicalize,cse," if kernels == OWN else ""
    split_depthwise = _pass("split-depthwise-batches", npu_option) + ","
    if npu:
        split_depthwise = f"canonicalize,{split_depthwise}"  # The NPU reads weights as constants.
    integer_io = _integer_io(io)
    layouts = _layouts(input_layout, output_layout)
    stages = {
        "edge": _pass("verify-stage", "stage=edge"),
        "quantized": (
            f"{layouts}canonicalize,wrap-conv1d,fuse-activations,"
            f"{_pass('fuse-elementwise-chains', options)},fuse-factors,"
            "lower-running-sums,fold-quantize-dequantize,move-casts-out-of-scans,quantize-state,"
            "fold-quantize-dequantize,"
            f"{unroll}"
            f"canonicalize,{_pass('quantize-masks', npu_option)},"
            "keep-calls-in-integers,canonicalize,"
            f"{integer_io}{_pass('gather-windows', npu_option)},"
            f"{_pass('split-bilinear-upsampling', npu_option)},"
            f"{_pass('split-transposed-convolutions', target_option, kernels_option)},"
            f"{_pass('split-shuffled-convolutions', npu_option) + ',' if npu else ''}"
            f"{_pass('fall-back-to-float', options)},canonicalize,cse,"
            f"{_pass('verify-stage', 'stage=quantized', options)}"
        ),
        "layout": (
            "materialize-dim-order,trim-padding-taps,expose-transposes,"
            f"{_pass('split-convolutions', npu_option)},convert-to-nhwc,{split_depthwise}"
            "choose-layouts,fold-inverse-permutes,"
            f"{_pass('lower-reductions', npu_option)},canonicalize,cse,"
            f"{_pass('verify-stage', 'stage=layout', options)}"
        ),
        "ethos_u": (
            f"{_pass('delegate-to-ethos-u', npu_option, least, kernels_option, *vela_options)},"
            f"{_pass('fall-back-to-float', kernels_option)},canonicalize,cse,"
            f"{_pass('verify-stage', 'stage=ethos_u', kernels_option)}"
        ),
        "cortex_m": (
            "convert-edge-to-portable,"
            f"{_pass('convert-edge-to-cortex-m', target_option, kernels_option)},canonicalize,cse,"
            f"{fuse}dce,verify-stage{{stage=cortex_m}}"
        ),
        "planned": (
            "shift-ring-buffers,copy-joined-operands,copy-carried-values,order-operators,"
            f"{split}{plan},verify-plan,verify-stage{{stage=planned}}"
        ),
    }
    if npu is None:
        del stages["ethos_u"]
    return stages


def _integer_io(io: Choice) -> str:
    """The passes that make borders integer."""
    if isinstance(io, str):
        return "use-integer-io,canonicalize," if io == "int8" else ""
    names = ",".join(f'"{name}"' for name, mode in io.items() if mode == "int8")
    return f"{_pass('use-integer-io', f'names={names}')},canonicalize," if names else ""


def _layouts(inputs: Choice | None, outputs: Choice | None) -> str:
    """The pass that gives borders their memory order."""
    options = []
    for side, choice in (("inputs", inputs), ("outputs", outputs)):
        if isinstance(choice, str):
            options.append(f"{side}={choice}")
        elif choice:
            entries = ",".join(f'"{name}={layout}"' for name, layout in choice.items())
            options.append(f"{side}={entries}")
    return f"{_pass('set-border-layouts', *options)}," if options else ""


def _pass(name: str, *options: str) -> str:
    """The text of a pass with its options, without the empty ones."""
    given = " ".join(option for option in options if option)
    return f"{name}{{{given}}}" if given else name
