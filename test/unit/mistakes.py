"""Typical mistakes: what the user writes, the line that the user reads, and what to do.

`test/unit/pipeline/test_mistakes.py` makes each of them. `python test/unit/mistakes.py` prints the
table for the documentation.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    attempt: a command line, or an expression in Python, on the files and values of
    `mistake_files.py`. message: the line without "cm-compile: error: " or the kind of the
    exception; `*` stands for any text. cause, remedy: for the documentation; the message has the
    details.
    """

    attempt: str
    message: str
    cause: str
    remedy: str


KNOWN_AT_ONCE = (
    Mistake(
        "cm-compile float.pt2 -o m.pte --target cortex-a53",
        "unknown target 'cortex-a53'; one of cortex-m0, cortex-m0plus, *, cortex-m85",
        "The core is not a Cortex-M.",
        "Name one of the listed cores.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --target cortex-m5",
        "unknown target 'cortex-m5'; did you mean *'cortex-m55'*?",
        "The name of the core has a typing error.",
        "Name one of the suggested cores.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --target ethos-u55-128",
        "unknown target 'ethos-u55-128'; name the core too, as in cortex-m55+ethos-u55-128",
        "The target is an NPU without its core.",
        "Name both: an NPU runs next to a core.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --target cortex-m55+ethos-u55-129",
        "unknown NPU +ethos-u55-129 in target 'cortex-m55+ethos-u55-129'; did you mean "
        "'+ethos-u55-128'?",
        "There is no NPU of this size.",
        "Name a configuration that Vela knows.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --memory-mode Sram_Only",
        "system_config, memory_mode and vela_config are for an NPU; name a target with one, as in "
        "cortex-m55+ethos-u55-128",
        "The target has no NPU.",
        "Name a target with an NPU, or leave the option out.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --target cortex-m55+ethos-u55-128 --memory-mode Shared_Ram",
        "'Arm/vela.ini' has no Memory_Mode 'Shared_Ram'; did you mean 'Shared_Sram'?",
        "Vela's configuration has no such section.",
        "Use the suggested name, or give your own file with --vela-config.",
    ),
    Mistake(
        "cm-compile none.pt2 -o m.pte",
        "cannot read 'none.pt2': No such file or directory",
        "The model is not there.",
        "Check the path.",
    ),
    Mistake(
        "cm-compile notes.txt -o m.pte",
        "'notes.txt' is not a torch.export program; write it with torch.export.save(*)",
        "The file is of another kind.",
        "Export the model in Python and save the result.",
    ),
    Mistake(
        "cm-compile weights.pt -o m.pte",
        "'weights.pt' holds weights (a state dict or a pickled model), not a program; make the "
        "model in Python, give it the weights with load_state_dict(torch.load('weights.pt')), *",
        "The file was written by torch.save: it has numbers, but not what is computed.",
        "Load the weights into the model in Python, then export the model.",
    ),
    Mistake(
        "cm-compile net.py:Net -o m.pte",
        "compiling a model of 'net.py' runs the file; add --trust-input if you know what it does",
        "The model is in a Python file, which may do anything.",
        "Add --trust-input for a file of your own.",
    ),
    Mistake(
        "cm-compile net.py -o m.pte",
        "'net.py' does not say which model; write net.py:Model",
        "The class of the model is not named.",
        "Name it after a colon.",
    ),
    Mistake(
        "cm-compile float.pt2 -o none/m.pte",
        "cannot write 'none/m.pte': No such file or directory",
        "The folder of the output is not there.",
        "Make the folder; only C projects make theirs.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --report directory",
        "cannot write 'directory': Is a directory",
        "The report is to be written over a directory.",
        "Name a file.",
    ),
    Mistake(
        "cm-compile float.pt2 -o -",
        "a .pte cannot go to standard output; give a file with -o",
        "A program file is binary.",
        "Give a file; IR and headers may go to standard output.",
    ),
    Mistake(
        "cm-compile float.pt2",
        "the following arguments are required: -o; see --help",
        "There is no output.",
        "Say where to write with -o.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --calibrat data.npz",
        "unrecognized arguments: --calibrat data.npz; did you mean '--calibrate'?",
        "An option has a typing error.",
        "Options are not abbreviated.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --io int4",
        "unknown io 'int4'; one of float, int8",
        "Inputs and outputs cannot be of this type.",
        "Pass floats, or the integers of the quantized tensors.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --input-layout NHCW",
        "unknown layout 'NHCW'; one of NCHW, NHWC",
        "There is no memory order of this name.",
        "Name NCHW or NHWC.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.mlir --emit mlir --stage quantised",
        "unknown stage 'quantised'; did you mean 'quantized'?",
        "There is no stage of this name.",
        "Name a stage of docs/ir.md.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.elf --emit elf",
        "cannot emit 'elf'; one of pte, mlir, header, c",
        "There is no output of this kind.",
        "Emit c, and build the project with CMake.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --emit pte,c",
        "several outputs need a directory; end the path of -o with /",
        "Several files cannot be one file.",
        "Give a directory.",
    ),
    Mistake(
        "cm-compile float.pt2 -o c/ --name 2nd",
        "the name '2nd' is not a C identifier; use letters, digits and _",
        "All functions of the C project begin with this name.",
        "Choose a name that begins with a letter.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --kernels cmsis",
        "unknown kernels 'cmsis'; one of stock, cmopt",
        "There is no operator library of this name.",
        "stock calls CMSIS-NN.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --memory rom=256K",
        "unknown memory 'rom'; one of flash, sram, dtcm",
        "A board has flash, sram and perhaps dtcm.",
        "Write --memory flash=1M,sram=256K.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --max-arena 3x",
        "'3x' is not a size; write it as 320000 or 320K",
        "The size is not a number.",
        "K, M and G are powers of 1,024.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --precision int16",
        "--precision is for --calibrate; a quantized program has its own",
        "The precision is chosen when a model is quantized.",
        "Add --calibrate, or quantize with this precision in Python.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --calibrate data.npz --precision int16",
        "--precision int16 needs operators of this project: the stock ones compute in int8; "
        "add --kernels cmopt, and link them in the firmware",
        "CMSIS-NN's operators in ExecuTorch have no int16.",
        "Link the library cmopt_operators, or use an NPU.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --calibrate none.npz",
        "cannot read 'none.npz': No such file or directory",
        "The calibration data is not there.",
        "Check the path.",
    ),
    Mistake(
        "cm-compile notes.txt -o m.pte --passes quantized=cze",
        "unknown pass 'cze'; see cm-opt --list-passes",
        "There is no pass of this name, and its plug-in may not be installed.",
        "List the passes.",
    ),
    Mistake(
        "cm-compile model.mlir -o m.pte --calibrate data.npz",
        "IR is not calibrated; compile the .pt2 with --calibrate",
        "Calibration needs the model in PyTorch.",
        "Compile the .pt2.",
    ),
    Mistake(
        "cm-compile model.mlir -o m.pte --from-stage cortex_m",
        "model.mlir:2:3: error: 'edge.relu' op does not belong to stage cortex_m",
        "The IR is of another stage than --from-stage says.",
        "Leave the option out: the stage is found.",
    ),
    Mistake(
        "cm-opt model.mlir -p canonicalise",
        "unknown pass 'canonicalise'; did you mean 'canonicalize'?",
        "There is no pass of this name.",
        "cm-opt --list-passes lists them.",
    ),
    Mistake(
        "cm-opt model.mlir -p canonicalize{",
        "malformed pass pipeline 'canonicalize{': expected argument name here",
        "The pipeline has a syntax error.",
        "Write a,b{option=1 other=x,y}.",
    ),
    Mistake(
        "cm-opt model.mlir -p unroll-scans{count=3}",
        "pass 'unroll-scans' has no option 'count'; it has 'steps'",
        "The pass has no such option.",
        "cm-opt --list-passes lists the options.",
    ),
    Mistake(
        "cm-opt unknown_op.mlir",
        "unknown_op.mlir:2:8: error: unknown operation 'edge.rellu'; did you mean 'edge.relu'*?",
        "There is no op of this name.",
        "cm-opt --list-ops lists them.",
    ),
    Mistake(
        "cm-opt wrong_type.mlir",
        "wrong_type.mlir:3:15: error: operand is used with type tensor<4xf32>, but has been "
        "previously used or defined with type tensor<5xf32>",
        "A value has two types.",
        "Correct the type at the line.",
    ),
    Mistake(
        "cm-opt syntax.mlir",
        "syntax.mlir:1:23: error: Expected ':' after block argument name!",
        "The IR has a syntax error.",
        "Correct it at the line and column.",
    ),
    Mistake(
        "cm-opt picture.mlir",
        "cannot read 'picture.mlir': not text (byte 0x89 at 0)",
        "The file is not IR.",
        "Write IR with cm-compile --emit mlir.",
    ),
    Mistake(
        "cm-opt model.mlir -o directory",
        "cannot write 'directory': Is a directory",
        "The output is a directory.",
        "Name a file.",
    ),
    Mistake(
        "cm-run model.mlir",
        "one of the arguments --input --validate is required; see --help",
        "There are no inputs.",
        "Give a .npz file with --input or --validate.",
    ),
    Mistake(
        "cm-run notes.txt --input one.npz",
        "'notes.txt' is not an ExecuTorch program: bytes 4 to 7 of the file are not 'ET12'; *",
        "The file is not a .pte.",
        "Compile one; IR must end in .mlir.",
    ),
    Mistake(
        "cm-run directory --input one.npz",
        "'directory' is not a C project: it has no project.json; write one with cm-compile -o "
        "DIRECTORY/",
        "The directory was not written by cm-compile.",
        "Write a C project.",
    ),
    Mistake(
        "cm-run model.mlir --input array.npy",
        "'array.npy' holds one array without a name; write a .npz file of named arrays: "
        "numpy.savez(path, name=array)",
        "Inputs are found by their names.",
        "Use numpy.savez and not numpy.save.",
    ),
)
"""Mistakes that are reported before torch is imported."""

WITH_TORCH = (
    Mistake(
        "cm-compile float.pt2 -o m.pte",
        "the model is not quantized: it has no quantize operator; use cmopt.quantize (cm-compile "
        "--calibrate), or allow_float (--allow-float)",
        "A float model would run on slow kernels.",
        "Quantize it with samples of its inputs.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --calibrate other_name.npz",
        "'other_name.npz' has no array 'x'; it has image, mask",
        "An array does not have the name of an input.",
        "Name the arrays as the parameters of forward.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --calibrate other_shape.npz",
        "'other_shape.npz': array 'x' has shape [4, 1, 7], not [samples, 1, 8]",
        "The samples have another shape than the inputs.",
        "Save samples along a new first dimension.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --calibrate float64.npz",
        "'float64.npz': array 'x' is float64, the input is float32; save "
        "array.astype(numpy.float32)",
        "numpy computes in float64 if not told otherwise.",
        "Convert the array before it is saved.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --calibrate not_finite.npz",
        "cannot quantize with 'not_finite.npz': calibration sample 2: input 'x' holds 1 values "
        "that are NaN or +inf (the first is nan); remove or correct the sample",
        "A sample has no usable value.",
        "Check how the data was made.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --calibrate other_count.npz",
        "'other_count.npz': the arrays hold different numbers of samples",
        "Each sample needs all inputs.",
        "Save the same number for each.",
    ),
    Mistake(
        "cm-compile float.pt2 -o m.pte --calibrate empty.npz",
        "'empty.npz': array 'x' has shape [0, 1, 8], not [samples, 1, 8]",
        "There are no samples.",
        "Some tens to hundreds of real inputs are enough.",
    ),
    Mistake(
        "cm-compile quantized.pt2 -o m.pte --calibrate data.npz",
        "the program is quantized already; compile it as it is, without --calibrate",
        "A program is quantized once.",
        "Leave --calibrate out.",
    ),
    Mistake(
        "cm-compile quantized.pt2 -o m.pte --io image=int8",
        "the program has no input or output 'image'; it has x, mask, output_0",
        "--io names something else.",
        "Use the listed names.",
    ),
    Mistake(
        "cm-compile quantized.pt2 -o m.mlir --emit mlir --stage ethos_u",
        "target 'cortex-m55' has no stage 'ethos_u', it has no NPU",
        "The stage is only for targets with an NPU.",
        "Name a target with an NPU, or another stage.",
    ),
    Mistake(
        "cm-compile quantized.pt2 -o m.pte --memory flash=1K",
        "*mistake_files.py:* (linear): error: 'cortex_m.quantized_linear' op has * bytes of "
        "constants, the most in the program, which needs * bytes (the program file *), * more than "
        "the 1,024 bytes of flash",
        "The program does not fit into the board.",
        "Make the layer of the message smaller.",
    ),
    Mistake(
        "cm-compile dynamic.pt2 -o m.pte --allow-float",
        "'dynamic.pt2' cannot be loaded as a torch.export program: * the size * is dynamic, not an "
        "integer; export without dynamic_shapes: a program has static shapes",
        "A size is not fixed.",
        "Export with the shapes of one call.",
    ),
    Mistake(
        "cm-compile complex.pt2 -o m.pte --allow-float",
        "*mistake_files.py:* error: aten._fft_r2c.default: dtype complex64 is not supported; *",
        "Complex numbers have no kernels.",
        "Compute the spectrum before the model, or with real matrices.",
    ),
    Mistake(
        "cm-compile cut.pt2 -o m.pte",
        "'cut.pt2' cannot be loaded as a torch.export program: its archive is damaged: *",
        "The file is not complete.",
        "Copy or write it again.",
    ),
    Mistake(
        "cm-run model.pte --input data.npz",
        "'data.npz' has no array 'input_0', 'input_1'; a .pte has no names, only numbers; it has "
        "x, mask",
        "A program file has no names for its inputs.",
        "Name the arrays input_0, input_1, …",
    ),
    Mistake(
        "cmopt.compile(net)",
        "expected an ExportedProgram, not Net: pass what cmopt.quantize or torch.export.export "
        "returns",
        "A module is not exported.",
        "Quantize it first.",
    ),
    Mistake(
        "cmopt.compile(torch.export.export(Net().train(), (torch.zeros(4, 8),), {'mask': mask}), "
        "allow_float=True)",
        "*mistake_files.py:* (norm): error: *batch norm in training mode, which updates its "
        "statistics; put the module in eval mode before export",
        "The model was exported in training mode.",
        "Call model.eval() before the export.",
    ),
    Mistake(
        "cmopt.compile(cmopt.quantize(Unsupported(), (torch.randn(3, 3),)))",
        "*mistake_files.py:* error: 'edge.call' op aten._linalg_det.default needs the kernel "
        "aten::_linalg_det.result, which a stock ExecuTorch build does not have; replace the "
        "operator in the model",
        "No library has a kernel for this operator.",
        "Write the line of the message with other operators.",
    ),
    Mistake(
        "cmopt.quantize(exported, (x,))",
        "module must be a torch.nn.Module, not ExportedProgram; pass a quantized program to "
        "cmopt.compile, and for a float program pass exported.module()",
        "The model is exported already.",
        "Pass the module.",
    ),
    Mistake(
        "cmopt.quantize(net, x)",
        "example_inputs must be a tuple, not Tensor",
        "The inputs are the arguments of forward.",
        "Write (x,).",
    ),
    Mistake(
        "cmopt.quantize(net, (x,))",
        "example_inputs and example_kwargs do not fit the model's forward: missing a required "
        "*argument: 'mask'",
        "An argument is missing.",
        "Give keyword arguments as a dict after the tuple.",
    ),
    Mistake(
        "cmopt.quantize(net, (x,), {'mask': mask}, calibration=[(x,)])",
        "calibration sample 0 must be a pair of a tuple of arguments and a dict of keywords",
        "The samples lack the keyword arguments.",
        "Give ((x,), {'mask': mask}), or a dict of all arguments.",
    ),
    Mistake(
        "cmopt.quantize(net, (x,), {'mask': mask}, calibration=[((x[:, :7],), {'mask': mask})])",
        "calibration sample 0: input 0 is torch.float32 [1, 7], but the example is torch.float32 "
        "[1, 8]",
        "A sample has another shape than the example.",
        "All samples have the shapes of the example, except for the batch.",
    ),
    Mistake(
        "cmopt.quantize(net, (x,), {'mask': mask}, calibration=[])",
        "calibration holds no inputs",
        "The loader is empty, or a generator was used up.",
        "Check the length of the data.",
    ),
    Mistake(
        "cmopt.quantize(Net().double(), (x.double(),), {'mask': mask.double()})",
        "parameter 'linear.weight' is float64, and only float32 can be quantized; convert the "
        "model and all its inputs with .float()",
        "The model computes in float64.",
        "Convert it.",
    ),
    Mistake(
        "cmopt.quantize(net, (x,), {'mask': mask}, precision=cmopt.Precision('int16'))",
        'int16 needs kernels of this project: pass kernels="cmopt"; *',
        "CMSIS-NN's operators in ExecuTorch have no int16.",
        "Pass kernels='cmopt' here and to compile.",
    ),
    Mistake(
        "program.run(x)",
        "the program takes 2 inputs, got 1; missing: mask",
        "An input is missing.",
        "Give all inputs, in order or by name.",
    ),
    Mistake(
        "program.run(x, mask, x)",
        "the program takes 2 inputs, got 3",
        "There are too many inputs.",
        "Numbers and None are constants of the program: leave them out.",
    ),
    Mistake(
        "program.run(x, mask=mask, image=x)",
        "the program has no input 'image'; it has x, mask",
        "An input has another name.",
        "Use the listed names.",
    ),
    Mistake(
        "program.run(x.double(), mask=mask)",
        "input 0: expected torch.float32 [1, 8], got torch.float64 [1, 8]",
        "An input has another type.",
        "Convert it.",
    ),
)
"""Mistakes that only the model shows."""

MISTAKES = KNOWN_AT_ONCE + WITH_TORCH


def table() -> str:
    """All mistakes as a table in Markdown: message, cause, what to do."""

    def cell(text: str) -> str:
        return text.replace("|", "\\|")

    lines = ["| message | cause | what to do |", "|---|---|---|"]
    for each in MISTAKES:
        message = cell(each.message.replace("*", "…"))
        lines.append(f"| `{message}` | {cell(each.cause)} | {cell(each.remedy)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
