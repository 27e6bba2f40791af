"""A keyword detector that takes one frame at a time, on an emulated core.

Prints how near the frames are to the offline result, what is detected, and what a frame costs.
"""

import torch
from torch import nn

import cmopt
from cmopt.pipeline.emulation import run_project

torch.manual_seed(0)
BANDS, WINDOW = 8, 8


# --8<-- [start:model]
class Detector(nn.Module):
    """Takes one frame of band energies, [1, 8, 1]; returns the score of the keyword, [1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.window = nn.Conv1d(BANDS, 16, WINDOW)
        self.score = nn.Linear(16, 1)
        self.register_buffer("past", torch.zeros(1, BANDS, WINDOW - 1))

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        frames = torch.cat([self.past, frame], 2)
        self.past.copy_(frames[:, :, 1:])
        return self.score(torch.relu(self.window(frames))[:, :, 0])

    def offline(self, recording: torch.Tensor) -> torch.Tensor:
        """All scores of a recording, [1, 8, N], which begins with silence."""
        padded = nn.functional.pad(recording, (WINDOW - 1, 0))
        return self.score(torch.relu(self.window(padded)).transpose(1, 2))[0, :, 0]


# --8<-- [end:model]


def recording(keywords: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise with rising tones, and 1 at the frames where a tone ends."""
    frames, ends = 0.5 * torch.rand(1, BANDS, 40 * keywords), torch.zeros(40 * keywords)
    for start in range(16, 40 * keywords, 40):
        frames[0, torch.arange(BANDS), start + torch.arange(BANDS)] += 1
        ends[start + BANDS - 1] = 1
    return frames, ends


model = Detector()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for _ in range(150):
    frames, ends = recording(10)
    loss = nn.functional.binary_cross_entropy_with_logits(
        model.offline(frames), ends, pos_weight=torch.tensor(10.0)
    )
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# --8<-- [start:compile]
calibration = [(frame,) for frame in recording(5)[0].split(1, 2)]  # consecutive frames
exported = cmopt.quantize(model.eval(), calibration[0], calibration=calibration)
program = cmopt.compile(exported, target="cortex-m55", io="float")
# --8<-- [end:compile]

# --8<-- [start:run]
frames, ends = recording(10)
with torch.no_grad():
    offline = model.offline(frames)
    in_float = torch.cat([model(frame)[0] for frame in frames.split(1, 2)])
    model.past.zero_()
program.reset()
in_int8 = torch.cat([program.run(frame)[0][0] for frame in frames.split(1, 2)])

assert torch.allclose(in_float, offline, atol=1e-4)
signal_to_noise = 10 * torch.log10(offline.square().sum() / (in_int8 - offline).square().sum())
print(f"in float, {len(offline)} frames one by one are equal to the offline scores")
print(f"in int8, their signal-to-noise ratio is {signal_to_noise:.1f} dB")
found, missed = ((in_int8 > 0) & (ends == 1)).sum(), ((in_int8 <= 0) & (ends == 1)).sum()
print(f"{found} keywords found, {missed} missed, {(in_int8 > 0).sum() - found} false alarms")
# --8<-- [end:run]

# --8<-- [start:core]
program.save_c("detector", name="detector")
inputs = [[frame.numpy()] for frame in frames.split(1, 2)]
run = run_project("detector", *inputs, on="qemu", counted=True)
(name,) = program.output_names
assert all(
    output[name].tobytes() == score.numpy().tobytes()
    for output, score in zip(run.outputs, in_int8, strict=True)
)
print("on the core, every frame has the same bytes")
print(
    f"a frame takes {run.count.total:,} instructions, {program.report.arena_bytes} bytes of arena "
    f"with its state, {run.stack:,} bytes of stack"
)
# --8<-- [end:core]
