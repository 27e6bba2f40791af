"""Two PT2E flows of your own, compiled by cmopt: XNNPACK's quantizer, and QAT with torchao.

Prints the accuracy of each, and how many operators compute in float.
"""

import copy

import torch
from digits import images, labels, net, test, train
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    XNNPACKQuantizer,
    get_symmetric_quantization_config,
)
from torch import nn
from torchao.quantization.pt2e import move_exported_model_to_eval, move_exported_model_to_train
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e, prepare_qat_pt2e

import cmopt

example = (images[:1],)


# --8<-- [start:numbers]
def accuracy(predict) -> float:
    scores = torch.cat([predict(image) for image in images[test].split(1)])
    return (scores.argmax(1) == labels[test]).float().mean().item()


def show(name: str, exported: torch.export.ExportedProgram) -> None:
    program = cmopt.compile(exported, target="cortex-m55")
    simulated, compiled = accuracy(exported.module()), accuracy(lambda x: program.run(x)[0])
    assert abs(simulated - compiled) < 0.01
    print(f"{name}: simulated {simulated:.1%}, compiled {compiled:.1%}")
    print(f"{name}: {program.report.float_ops} float operators")


# --8<-- [end:numbers]

# --8<-- [start:ptq]
quantizer = XNNPACKQuantizer()
quantizer.set_global(get_symmetric_quantization_config(is_per_channel=True))
prepared = prepare_pt2e(torch.export.export(net, example).module(), quantizer)
for image in images[train][:100].split(1):
    prepared(image)
exported = torch.export.export(convert_pt2e(prepared), example)
show("XNNPACK's quantizer", exported)
# --8<-- [end:ptq]

# --8<-- [start:qat]
quantizer = XNNPACKQuantizer()
quantizer.set_global(get_symmetric_quantization_config(is_per_channel=True, is_qat=True))
batch = torch.export.Dim("batch", min=1)
program = torch.export.export(
    copy.deepcopy(net).train(), (images[:2],), dynamic_shapes=({0: batch},)
)
prepared = prepare_qat_pt2e(program.module(), quantizer)
move_exported_model_to_train(prepared)
optimizer = torch.optim.Adam(prepared.parameters(), lr=1e-3)
for batch in torch.randperm(1400).split(100):
    loss = nn.functional.cross_entropy(prepared(images[batch]), labels[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
move_exported_model_to_eval(prepared)
exported = torch.export.export(convert_pt2e(prepared), example)
show("QAT, one epoch", exported)
# --8<-- [end:qat]
