#!/usr/bin/env bash
# Read, edit and test the IR of a program. Needs lit and filecheck. Writes into this folder.
set -euo pipefail
journeys=$(cd "$(dirname "$0")" && pwd)
cp "$journeys/conv.py" .
cp -r "$journeys/own_repository/test" .

# --8<-- [start:print]
python conv.py # writes conv.pt2
cm-compile conv.pt2 --emit mlir --stage edge -o conv.mlir > report.txt
grep -o 'edge\.conv2d\|edge\.relu' conv.mlir
# --8<-- [end:print]

# --8<-- [start:edit]
sed 's/edge.relu %conv2d/edge.clamp %conv2d {min = 0.0 : f64, max = 0.0625 : f64}/' conv.mlir > edited.mlir
cm-compile edited.mlir --io int8 --emit mlir --stage cortex_m -o edited_cortex_m.mlir > report.txt
grep -o 'activation_[a-z]* = [-0-9]*' edited_cortex_m.mlir
# --8<-- [end:edit]

# --8<-- [start:passes]
cm-opt edited.mlir -p fuse-activations,canonicalize -o fused.mlir
grep -o 'edge\.conv2d\|edge\.clamp\|activation_[a-z]* = [-.0-9e]*' fused.mlir
cm-opt --list-passes > passes.txt
grep '^fuse-' passes.txt
# --8<-- [end:passes]

# --8<-- [start:lit]
lit test
# --8<-- [end:lit]
