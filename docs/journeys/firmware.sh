#!/usr/bin/env bash
# From a float model to an image for a Cortex-M55 that runs in QEMU, with its sizes and instructions.
# Needs gcc-arm-none-eabi, libnewlib-arm-none-eabi, qemu-system-arm and cmake. Writes into this folder.
set -euo pipefail
journeys=$(cd "$(dirname "$0")" && pwd)
cp "$journeys/digits.py" "$journeys"/firmware/* .

# --8<-- [start:model]
python digits.py # writes float.pt2, samples.npz and test.npz
# --8<-- [end:model]

# --8<-- [start:compile]
cm-compile float.pt2 --calibrate samples.npz --target cortex-m55 --io int8 \
  --memory flash=64K,sram=32K --emit c,pte,mlir --stage quantized --name digits -o digits/
# --8<-- [end:compile]

# --8<-- [start:firmware]
cmake -S . -B build/core -DCMAKE_TOOLCHAIN_FILE=digits/machine/cortex-m55.cmake > cmake.log
cmake --build build/core >> cmake.log
ctest --test-dir build/core --verbose | grep '^1: [-0-9a-z]'
arm-none-eabi-size build/core/firmware
# --8<-- [end:firmware]

# --8<-- [start:count]
python -c "
import numpy as np
image = np.rint(np.load('test.npz')['image'] * 255 - 128).astype(np.int8)
np.savez('in.npz', image=image)     # names of the model, for C source and IR
np.savez('in_pte.npz', input_0=image)  # numbers, for a .pte
"
cm-run digits/ --on qemu --count --input in.npz --output core.npz
# --8<-- [end:count]

# --8<-- [start:equal]
cm-run digits/digits.pte --input in_pte.npz --output executorch.npz
python -c "
import numpy as np
core, executorch = (np.load(f'{name}.npz')['output_0'] for name in ('core', 'executorch'))
assert (core == executorch).all()
print(f'the core and ExecuTorch give the same {core.nbytes} bytes')
"
# --8<-- [end:equal]
