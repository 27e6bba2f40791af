// RUN: cm-opt %s --pass-pipeline='builtin.module(choose-layouts)' --split-input-file --verify-diagnostics -o /dev/null

func.func @dynamic(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  // expected-error@+1 {{a dimension has no known size}}
  %0 = edge.relu %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
  func.return %0 : tensor<?x3xf32>
}
