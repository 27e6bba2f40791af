// RUN: cm-opt %s -p copy-joined-operands,plan-memory,verify-plan | filecheck %s

// Two results of separate ops are made inside the joined value, without a copy.
// CHECK-LABEL: func.func @in_place
// CHECK-NOT:     cortex_m.pad
// CHECK:         cortex_m.minimum {{.*}} -> tensor<32xi8, #cortex_m.place<arena, [[A:[0-9]+]]>>
// CHECK:         cortex_m.maximum {{.*}} -> tensor<32xi8, #cortex_m.place<arena,
// CHECK:         cortex_m.join {{.*}} -> tensor<64xi8, #cortex_m.place<arena, [[A]]>>
func.func @in_place(%x: tensor<32xi8>, %y: tensor<32xi8>) -> tensor<64xi8> {
  %0 = cortex_m.minimum %x, %y : (tensor<32xi8>, tensor<32xi8>) -> tensor<32xi8>
  %1 = cortex_m.maximum %x, %y : (tensor<32xi8>, tensor<32xi8>) -> tensor<32xi8>
  %2 = cortex_m.join %0, %1 : (tensor<32xi8>, tensor<32xi8>) -> tensor<64xi8>
  func.return %2 : tensor<64xi8>
}

// A constant, a part, and a value that is already joined are copied.
// CHECK-LABEL: func.func @copies
// CHECK-COUNT-3: cortex_m.pad
// CHECK-NOT:     cortex_m.pad
func.func @copies(%x: tensor<4xi8>) -> tensor<16xi8> {
  %c = arith.constant dense<7> : tensor<4xi8>
  %p = cortex_m.subview %x {offset = 0 : i64} : (tensor<4xi8>) -> tensor<4xi8>
  %0 = cortex_m.join %x, %c, %p, %x : (tensor<4xi8>, tensor<4xi8>, tensor<4xi8>, tensor<4xi8>) -> tensor<16xi8>
  func.return %0 : tensor<16xi8>
}

// There is a pad kernel only for int8: other types are cloned.
// CHECK-LABEL: func.func @floats
// CHECK-COUNT-2: edge.call "aten.clone.default"
// CHECK:         cortex_m.join
func.func @floats(%x: tensor<4xf32>) -> tensor<12xf32> {
  %0 = cortex_m.join %x, %x, %x : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<12xf32>
  func.return %0 : tensor<12xf32>
}
