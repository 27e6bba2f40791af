// RUN: cm-opt %s --pass-pipeline='builtin.module(verify-stage{stage=planned})' --split-input-file --verify-diagnostics -o /dev/null

// All values except constants need a place.
func.func @planned() -> tensor<2xi8, #cortex_m.place<arena, 0>> {
  %c = arith.constant dense<1> : tensor<2xi8>
  %0 = cortex_m.minimum %c, %c : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8, #cortex_m.place<arena, 0>>
  func.return %0 : tensor<2xi8, #cortex_m.place<arena, 0>>
}

// -----

func.func @result() {
  %c = arith.constant dense<1> : tensor<2xi8>
  // expected-error@+1 {{'cortex_m.minimum' op does not fit stage planned: tensor<2xi8> has no place}}
  %0 = cortex_m.minimum %c, %c : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
  func.return
}

// -----

// expected-error@+1 {{'func.func' op does not fit stage planned: tensor<2xi8> has no place}}
func.func @argument(%x: tensor<2xi8>) {
  func.return
}

// -----

func.func @too_late(%x: tensor<4xf32, #cortex_m.place<arena, 0>>) {
  // expected-error@+1 {{'edge.relu' op does not belong to stage planned}}
  %0 = edge.relu %x : (tensor<4xf32, #cortex_m.place<arena, 0>>) -> tensor<4xf32, #cortex_m.place<arena, 0>>
  func.return
}
