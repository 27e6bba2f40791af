// RUN: cm-opt %s --pass-pipeline='builtin.module(fuse-lstm-steps,canonicalize,cse,dce)' | filecheck %s

// A loop is one call. The sums of the input's layer are given; those of the hidden state's layer are
// its bias plus 12 times the sum of a row of weights.
// CHECK-LABEL: @loop
// CHECK-DAG:     %[[wx:.*]] = arith.constant dense<{{\[\[}}1, 2, 3], [4, 5, 6],
// CHECK-DAG:     %[[bx:.*]] = arith.constant dense<[10, 20, 30, 40, 50, 60, 70, 80]>
// CHECK-DAG:     %[[bh:.*]] = arith.constant dense<124> : tensor<8xi32>
// CHECK-NOT:     edge.scan
// CHECK:         %[[y:.*]], %{{.*}} = cmopt.lstm %xs from %h0, %c0 weights %[[wx]], %{{.*}} sums %[[bx]], %[[bh]] tables %{{.*}} scratch %{{.*}} {input_layers = array<i64: 1476514360, -7, 5>, hidden_layers = array<i64: 1476514360, -7, 9>, gate_sums = array<i64: 1073741824, 0, 1734270162, -2, 1757291558, -19, 18>, forget_product = array<i64: -128, -18, 1501064061, -7, 9>, input_product = array<i64: -127, 3, 1501064061, -7, -4>, cell_sum = array<i64: 1435522932, -1, 1073741824, 0, 1757291558, -19, -18>, output_product = array<i64: -128, -15, 1501064061, -7, -12>, reverse = false}
// CHECK-SAME:    -> (tensor<6x1x2xi8>, tensor<1x2xi8>)
// CHECK-NEXT:    func.return %[[y]]
func.func @loop(%xs: tensor<6x1x3xi8>, %h0: tensor<1x2xi8>, %c0: tensor<1x2xi8>) -> tensor<6x1x2xi8> {
  %hl, %cl, %y = edge.scan {steps = 6 : i64} carried(%h0, %c0 : tensor<1x2xi8>, tensor<1x2xi8>) sequences(%xs : tensor<6x1x3xi8>) invariants() {
  ^bb0(%h: tensor<1x2xi8>, %c: tensor<1x2xi8>, %x: tensor<1x3xi8>):
    %wx = arith.constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [13, 14, 15], [16, 17, 18], [19, 20, 21], [22, 23, 24]]> : tensor<8x3xi8>
    %wh = arith.constant dense<1> : tensor<8x2xi8>
    %kx = arith.constant dense<[10, 20, 30, 40, 50, 60, 70, 80]> : tensor<8xi32>
    %bh = arith.constant dense<100> : tensor<8xi32>
    %ti = arith.constant dense<1> : tensor<256xi8>
    %tf = arith.constant dense<2> : tensor<256xi8>
    %tg = arith.constant dense<3> : tensor<256xi8>
    %to = arith.constant dense<4> : tensor<256xi8>
    %tc = arith.constant dense<5> : tensor<256xi8>
    %a = cortex_m.quantized_linear %x, %wx kernel_sum %kx : tensor<8xi32> {input_offset = -17 : i32, filter_offset = 0 : i32, output_offset = 5 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x3xi8>, tensor<8x3xi8>) -> tensor<1x8xi8>
    %b = cortex_m.quantized_linear %h, %wh bias %bh : tensor<8xi32> {input_offset = 12 : i32, filter_offset = 0 : i32, output_offset = 9 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x2xi8>, tensor<8x2xi8>) -> tensor<1x8xi8>
    %s = cortex_m.quantized_add %a, %b {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1073741824 : i32, self_shift = 0 : i32, other_multiplier = 1734270162 : i32, other_shift = -2 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 5 : i32, other_zero_point = 9 : i32, output_zero_point = 18 : i32} : (tensor<1x8xi8>, tensor<1x8xi8>) -> tensor<1x8xi8>
    %i = cortex_m.subview %s {offset = 0 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %f = cortex_m.subview %s {offset = 2 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %g = cortex_m.subview %s {offset = 4 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %o = cortex_m.subview %s {offset = 6 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %fs = cortex_m.quantized_activation %f lut %tf : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %fc = cortex_m.quantized_mul %fs, %c {self_zero_point = -128 : i32, other_zero_point = -18 : i32, output_zero_point = 9 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    %is = cortex_m.quantized_activation %i lut %ti : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %gt = cortex_m.quantized_activation %g lut %tg : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %ig = cortex_m.quantized_mul %is, %gt {self_zero_point = -127 : i32, other_zero_point = 3 : i32, output_zero_point = -4 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    %cn = cortex_m.quantized_add %fc, %ig {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1435522932 : i32, self_shift = -1 : i32, other_multiplier = 1073741824 : i32, other_shift = 0 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 9 : i32, other_zero_point = -4 : i32, output_zero_point = -18 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    %os = cortex_m.quantized_activation %o lut %to : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %ct = cortex_m.quantized_activation %cn lut %tc : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %hn = cortex_m.quantized_mul %os, %ct {self_zero_point = -128 : i32, other_zero_point = -15 : i32, output_zero_point = -12 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    edge.yield %hn, %cn, %hn : tensor<1x2xi8>, tensor<1x2xi8>, tensor<1x2xi8>
  } -> final(tensor<1x2xi8>, tensor<1x2xi8>) stacked(tensor<6x1x2xi8>)
  func.return %y : tensor<6x1x2xi8>
}

// If only the last step is read, the output has no other.
// CHECK-LABEL: @last_step
// CHECK:         %[[h:.*]], %[[c:.*]] = cmopt.lstm {{.*}} -> (tensor<1x2xi8>, tensor<1x2xi8>)
// CHECK-NEXT:    func.return %[[h]], %[[c]]
func.func @last_step(%xs: tensor<6x1x3xi8>, %h0: tensor<1x2xi8>, %c0: tensor<1x2xi8>) -> (tensor<1x2xi8>, tensor<1x2xi8>) {
  %hl, %cl, %y = edge.scan {steps = 6 : i64} carried(%h0, %c0 : tensor<1x2xi8>, tensor<1x2xi8>) sequences(%xs : tensor<6x1x3xi8>) invariants() {
  ^bb0(%h: tensor<1x2xi8>, %c: tensor<1x2xi8>, %x: tensor<1x3xi8>):
    %wx = arith.constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [13, 14, 15], [16, 17, 18], [19, 20, 21], [22, 23, 24]]> : tensor<8x3xi8>
    %wh = arith.constant dense<1> : tensor<8x2xi8>
    %kx = arith.constant dense<[10, 20, 30, 40, 50, 60, 70, 80]> : tensor<8xi32>
    %bh = arith.constant dense<100> : tensor<8xi32>
    %ti = arith.constant dense<1> : tensor<256xi8>
    %tf = arith.constant dense<2> : tensor<256xi8>
    %tg = arith.constant dense<3> : tensor<256xi8>
    %to = arith.constant dense<4> : tensor<256xi8>
    %tc = arith.constant dense<5> : tensor<256xi8>
    %a = cortex_m.quantized_linear %x, %wx kernel_sum %kx : tensor<8xi32> {input_offset = -17 : i32, filter_offset = 0 : i32, output_offset = 5 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x3xi8>, tensor<8x3xi8>) -> tensor<1x8xi8>
    %b = cortex_m.quantized_linear %h, %wh bias %bh : tensor<8xi32> {input_offset = 12 : i32, filter_offset = 0 : i32, output_offset = 9 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x2xi8>, tensor<8x2xi8>) -> tensor<1x8xi8>
    %s = cortex_m.quantized_add %a, %b {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1073741824 : i32, self_shift = 0 : i32, other_multiplier = 1734270162 : i32, other_shift = -2 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 5 : i32, other_zero_point = 9 : i32, output_zero_point = 18 : i32} : (tensor<1x8xi8>, tensor<1x8xi8>) -> tensor<1x8xi8>
    %i = cortex_m.subview %s {offset = 0 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %f = cortex_m.subview %s {offset = 2 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %g = cortex_m.subview %s {offset = 4 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %o = cortex_m.subview %s {offset = 6 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %fs = cortex_m.quantized_activation %f lut %tf : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %fc = cortex_m.quantized_mul %fs, %c {self_zero_point = -128 : i32, other_zero_point = -18 : i32, output_zero_point = 9 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    %is = cortex_m.quantized_activation %i lut %ti : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %gt = cortex_m.quantized_activation %g lut %tg : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %ig = cortex_m.quantized_mul %is, %gt {self_zero_point = -127 : i32, other_zero_point = 3 : i32, output_zero_point = -4 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    %cn = cortex_m.quantized_add %fc, %ig {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1435522932 : i32, self_shift = -1 : i32, other_multiplier = 1073741824 : i32, other_shift = 0 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 9 : i32, other_zero_point = -4 : i32, output_zero_point = -18 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    %os = cortex_m.quantized_activation %o lut %to : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %ct = cortex_m.quantized_activation %cn lut %tc : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %hn = cortex_m.quantized_mul %os, %ct {self_zero_point = -128 : i32, other_zero_point = -15 : i32, output_zero_point = -12 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    edge.yield %hn, %cn, %hn : tensor<1x2xi8>, tensor<1x2xi8>, tensor<1x2xi8>
  } -> final(tensor<1x2xi8>, tensor<1x2xi8>) stacked(tensor<6x1x2xi8>)
  func.return %hl, %cl : tensor<1x2xi8>, tensor<1x2xi8>
}

// With all outputs, the last hidden state is a part of them: here the first, because the loop goes
// backwards.
// CHECK-LABEL: @backwards
// CHECK:         %[[y:.*]], %{{.*}} = cmopt.lstm {{.*}}reverse = true}
// CHECK-NEXT:    %[[h:.*]] = cortex_m.subview %[[y]] {offset = 0 : i64} : (tensor<6x1x2xi8>) -> tensor<1x2xi8>
// CHECK-NEXT:    func.return %[[h]], %[[y]]
func.func @backwards(%xs: tensor<6x1x3xi8>, %h0: tensor<1x2xi8>, %c0: tensor<1x2xi8>) -> (tensor<1x2xi8>, tensor<6x1x2xi8>) {
  %hl, %cl, %y = edge.scan {steps = 6 : i64, reverse} carried(%h0, %c0 : tensor<1x2xi8>, tensor<1x2xi8>) sequences(%xs : tensor<6x1x3xi8>) invariants() {
  ^bb0(%h: tensor<1x2xi8>, %c: tensor<1x2xi8>, %x: tensor<1x3xi8>):
    %wx = arith.constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [13, 14, 15], [16, 17, 18], [19, 20, 21], [22, 23, 24]]> : tensor<8x3xi8>
    %wh = arith.constant dense<1> : tensor<8x2xi8>
    %kx = arith.constant dense<[10, 20, 30, 40, 50, 60, 70, 80]> : tensor<8xi32>
    %bh = arith.constant dense<100> : tensor<8xi32>
    %ti = arith.constant dense<1> : tensor<256xi8>
    %tf = arith.constant dense<2> : tensor<256xi8>
    %tg = arith.constant dense<3> : tensor<256xi8>
    %to = arith.constant dense<4> : tensor<256xi8>
    %tc = arith.constant dense<5> : tensor<256xi8>
    %a = cortex_m.quantized_linear %x, %wx kernel_sum %kx : tensor<8xi32> {input_offset = -17 : i32, filter_offset = 0 : i32, output_offset = 5 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x3xi8>, tensor<8x3xi8>) -> tensor<1x8xi8>
    %b = cortex_m.quantized_linear %h, %wh bias %bh : tensor<8xi32> {input_offset = 12 : i32, filter_offset = 0 : i32, output_offset = 9 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x2xi8>, tensor<8x2xi8>) -> tensor<1x8xi8>
    %s = cortex_m.quantized_add %a, %b {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1073741824 : i32, self_shift = 0 : i32, other_multiplier = 1734270162 : i32, other_shift = -2 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 5 : i32, other_zero_point = 9 : i32, output_zero_point = 18 : i32} : (tensor<1x8xi8>, tensor<1x8xi8>) -> tensor<1x8xi8>
    %i = cortex_m.subview %s {offset = 0 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %f = cortex_m.subview %s {offset = 2 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %g = cortex_m.subview %s {offset = 4 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %o = cortex_m.subview %s {offset = 6 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %fs = cortex_m.quantized_activation %f lut %tf : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %fc = cortex_m.quantized_mul %fs, %c {self_zero_point = -128 : i32, other_zero_point = -18 : i32, output_zero_point = 9 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    %is = cortex_m.quantized_activation %i lut %ti : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %gt = cortex_m.quantized_activation %g lut %tg : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %ig = cortex_m.quantized_mul %is, %gt {self_zero_point = -127 : i32, other_zero_point = 3 : i32, output_zero_point = -4 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    %cn = cortex_m.quantized_add %fc, %ig {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1435522932 : i32, self_shift = -1 : i32, other_multiplier = 1073741824 : i32, other_shift = 0 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 9 : i32, other_zero_point = -4 : i32, output_zero_point = -18 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    %os = cortex_m.quantized_activation %o lut %to : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %ct = cortex_m.quantized_activation %cn lut %tc : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %hn = cortex_m.quantized_mul %os, %ct {self_zero_point = -128 : i32, other_zero_point = -15 : i32, output_zero_point = -12 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    edge.yield %hn, %cn, %hn : tensor<1x2xi8>, tensor<1x2xi8>, tensor<1x2xi8>
  } -> final(tensor<1x2xi8>, tensor<1x2xi8>) stacked(tensor<6x1x2xi8>)
  func.return %hl, %y : tensor<1x2xi8>, tensor<6x1x2xi8>
}

// A cell, where it is.
// CHECK-LABEL: @cell
// CHECK:         %[[h:.*]], %[[c:.*]] = cmopt.lstm {{.*}} : (tensor<1x1x3xi8>, {{.*}} -> (tensor<1x2xi8>, tensor<1x2xi8>)
// CHECK-NEXT:    func.return %[[h]], %[[c]]
func.func @cell(%x: tensor<1x3xi8>, %h: tensor<1x2xi8>, %c: tensor<1x2xi8>) -> (tensor<1x2xi8>, tensor<1x2xi8>) {
  %wx = arith.constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [13, 14, 15], [16, 17, 18], [19, 20, 21], [22, 23, 24]]> : tensor<8x3xi8>
  %wh = arith.constant dense<1> : tensor<8x2xi8>
  %kx = arith.constant dense<[10, 20, 30, 40, 50, 60, 70, 80]> : tensor<8xi32>
  %bh = arith.constant dense<100> : tensor<8xi32>
  %ti = arith.constant dense<1> : tensor<256xi8>
  %tf = arith.constant dense<2> : tensor<256xi8>
  %tg = arith.constant dense<3> : tensor<256xi8>
  %to = arith.constant dense<4> : tensor<256xi8>
  %tc = arith.constant dense<5> : tensor<256xi8>
  %a = cortex_m.quantized_linear %x, %wx kernel_sum %kx : tensor<8xi32> {input_offset = -17 : i32, filter_offset = 0 : i32, output_offset = 5 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x3xi8>, tensor<8x3xi8>) -> tensor<1x8xi8>
  %b = cortex_m.quantized_linear %h, %wh bias %bh : tensor<8xi32> {input_offset = 12 : i32, filter_offset = 0 : i32, output_offset = 9 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x2xi8>, tensor<8x2xi8>) -> tensor<1x8xi8>
  %s = cortex_m.quantized_add %a, %b {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1073741824 : i32, self_shift = 0 : i32, other_multiplier = 1734270162 : i32, other_shift = -2 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 5 : i32, other_zero_point = 9 : i32, output_zero_point = 18 : i32} : (tensor<1x8xi8>, tensor<1x8xi8>) -> tensor<1x8xi8>
  %i = cortex_m.subview %s {offset = 0 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
  %f = cortex_m.subview %s {offset = 2 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
  %g = cortex_m.subview %s {offset = 4 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
  %o = cortex_m.subview %s {offset = 6 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
  %fs = cortex_m.quantized_activation %f lut %tf : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %fc = cortex_m.quantized_mul %fs, %c {self_zero_point = -128 : i32, other_zero_point = -18 : i32, output_zero_point = 9 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
  %is = cortex_m.quantized_activation %i lut %ti : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %gt = cortex_m.quantized_activation %g lut %tg : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %ig = cortex_m.quantized_mul %is, %gt {self_zero_point = -127 : i32, other_zero_point = 3 : i32, output_zero_point = -4 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
  %cn = cortex_m.quantized_add %fc, %ig {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1435522932 : i32, self_shift = -1 : i32, other_multiplier = 1073741824 : i32, other_shift = 0 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 9 : i32, other_zero_point = -4 : i32, output_zero_point = -18 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
  %os = cortex_m.quantized_activation %o lut %to : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %ct = cortex_m.quantized_activation %cn lut %tc : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %hn = cortex_m.quantized_mul %os, %ct {self_zero_point = -128 : i32, other_zero_point = -15 : i32, output_zero_point = -12 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
  func.return %hn, %cn : tensor<1x2xi8>, tensor<1x2xi8>
}

// The operands of sums and products may be in any order; their numbers are put in order.
// CHECK-LABEL: @order
// CHECK:         cmopt.lstm %{{.*}} from %h, %c {{.*}}gate_sums = array<i64: 1734270162, -2, 1073741824, 0, 1757291558, -19, 18>, forget_product = array<i64: -128, -18, 
func.func @order(%x: tensor<1x3xi8>, %h: tensor<1x2xi8>, %c: tensor<1x2xi8>) -> (tensor<1x2xi8>, tensor<1x2xi8>) {
  %wx = arith.constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [13, 14, 15], [16, 17, 18], [19, 20, 21], [22, 23, 24]]> : tensor<8x3xi8>
  %wh = arith.constant dense<1> : tensor<8x2xi8>
  %kx = arith.constant dense<[10, 20, 30, 40, 50, 60, 70, 80]> : tensor<8xi32>
  %bh = arith.constant dense<100> : tensor<8xi32>
  %ti = arith.constant dense<1> : tensor<256xi8>
  %tf = arith.constant dense<2> : tensor<256xi8>
  %tg = arith.constant dense<3> : tensor<256xi8>
  %to = arith.constant dense<4> : tensor<256xi8>
  %tc = arith.constant dense<5> : tensor<256xi8>
  %a = cortex_m.quantized_linear %x, %wx kernel_sum %kx : tensor<8xi32> {input_offset = -17 : i32, filter_offset = 0 : i32, output_offset = 5 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x3xi8>, tensor<8x3xi8>) -> tensor<1x8xi8>
  %b = cortex_m.quantized_linear %h, %wh bias %bh : tensor<8xi32> {input_offset = 12 : i32, filter_offset = 0 : i32, output_offset = 9 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x2xi8>, tensor<8x2xi8>) -> tensor<1x8xi8>
  %s = cortex_m.quantized_add %b, %a {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1073741824 : i32, self_shift = 0 : i32, other_multiplier = 1734270162 : i32, other_shift = -2 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 9 : i32, other_zero_point = 5 : i32, output_zero_point = 18 : i32} : (tensor<1x8xi8>, tensor<1x8xi8>) -> tensor<1x8xi8>
  %i = cortex_m.subview %s {offset = 0 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
  %f = cortex_m.subview %s {offset = 2 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
  %g = cortex_m.subview %s {offset = 4 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
  %o = cortex_m.subview %s {offset = 6 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
  %fs = cortex_m.quantized_activation %f lut %tf : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %fc = cortex_m.quantized_mul %c, %fs {self_zero_point = -18 : i32, other_zero_point = -128 : i32, output_zero_point = 9 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
  %is = cortex_m.quantized_activation %i lut %ti : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %gt = cortex_m.quantized_activation %g lut %tg : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %ig = cortex_m.quantized_mul %is, %gt {self_zero_point = -127 : i32, other_zero_point = 3 : i32, output_zero_point = -4 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
  %cn = cortex_m.quantized_add %fc, %ig {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1435522932 : i32, self_shift = -1 : i32, other_multiplier = 1073741824 : i32, other_shift = 0 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 9 : i32, other_zero_point = -4 : i32, output_zero_point = -18 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
  %os = cortex_m.quantized_activation %o lut %to : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %ct = cortex_m.quantized_activation %cn lut %tc : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %hn = cortex_m.quantized_mul %os, %ct {self_zero_point = -128 : i32, other_zero_point = -15 : i32, output_zero_point = -12 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
  func.return %hn, %cn : tensor<1x2xi8>, tensor<1x2xi8>
}

// A loop that computes more stays, and its cell is a call.
// CHECK-LABEL: @more_in_the_loop
// CHECK:         edge.scan
// CHECK:           %[[h:.*]], %[[c:.*]] = cmopt.lstm %{{.*}} from
// CHECK-NEXT:      %[[t:.*]] = cortex_m.quantized_activation %[[h]]
// CHECK-NEXT:      edge.yield %[[h]], %[[c]], %[[t]]
func.func @more_in_the_loop(%xs: tensor<6x1x3xi8>, %h0: tensor<1x2xi8>, %c0: tensor<1x2xi8>) -> tensor<6x1x2xi8> {
  %hl, %cl, %y = edge.scan {steps = 6 : i64} carried(%h0, %c0 : tensor<1x2xi8>, tensor<1x2xi8>) sequences(%xs : tensor<6x1x3xi8>) invariants() {
  ^bb0(%h: tensor<1x2xi8>, %c: tensor<1x2xi8>, %x: tensor<1x3xi8>):
    %wx = arith.constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [13, 14, 15], [16, 17, 18], [19, 20, 21], [22, 23, 24]]> : tensor<8x3xi8>
    %wh = arith.constant dense<1> : tensor<8x2xi8>
    %kx = arith.constant dense<[10, 20, 30, 40, 50, 60, 70, 80]> : tensor<8xi32>
    %bh = arith.constant dense<100> : tensor<8xi32>
    %ti = arith.constant dense<1> : tensor<256xi8>
    %tf = arith.constant dense<2> : tensor<256xi8>
    %tg = arith.constant dense<3> : tensor<256xi8>
    %to = arith.constant dense<4> : tensor<256xi8>
    %tc = arith.constant dense<5> : tensor<256xi8>
    %a = cortex_m.quantized_linear %x, %wx kernel_sum %kx : tensor<8xi32> {input_offset = -17 : i32, filter_offset = 0 : i32, output_offset = 5 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x3xi8>, tensor<8x3xi8>) -> tensor<1x8xi8>
    %b = cortex_m.quantized_linear %h, %wh bias %bh : tensor<8xi32> {input_offset = 12 : i32, filter_offset = 0 : i32, output_offset = 9 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x2xi8>, tensor<8x2xi8>) -> tensor<1x8xi8>
    %s = cortex_m.quantized_add %a, %b {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1073741824 : i32, self_shift = 0 : i32, other_multiplier = 1734270162 : i32, other_shift = -2 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 5 : i32, other_zero_point = 9 : i32, output_zero_point = 18 : i32} : (tensor<1x8xi8>, tensor<1x8xi8>) -> tensor<1x8xi8>
    %i = cortex_m.subview %s {offset = 0 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %f = cortex_m.subview %s {offset = 2 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %g = cortex_m.subview %s {offset = 4 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %o = cortex_m.subview %s {offset = 6 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %fs = cortex_m.quantized_activation %f lut %tf : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %fc = cortex_m.quantized_mul %fs, %c {self_zero_point = -128 : i32, other_zero_point = -18 : i32, output_zero_point = 9 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    %is = cortex_m.quantized_activation %i lut %ti : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %gt = cortex_m.quantized_activation %g lut %tg : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %ig = cortex_m.quantized_mul %is, %gt {self_zero_point = -127 : i32, other_zero_point = 3 : i32, output_zero_point = -4 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    %cn = cortex_m.quantized_add %fc, %ig {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1435522932 : i32, self_shift = -1 : i32, other_multiplier = 1073741824 : i32, other_shift = 0 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 9 : i32, other_zero_point = -4 : i32, output_zero_point = -18 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    %os = cortex_m.quantized_activation %o lut %to : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %ct = cortex_m.quantized_activation %cn lut %tc : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %hn = cortex_m.quantized_mul %os, %ct {self_zero_point = -128 : i32, other_zero_point = -15 : i32, output_zero_point = -12 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    %z = cortex_m.quantized_activation %hn lut %ti : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    edge.yield %hn, %cn, %z : tensor<1x2xi8>, tensor<1x2xi8>, tensor<1x2xi8>
  } -> final(tensor<1x2xi8>, tensor<1x2xi8>) stacked(tensor<6x1x2xi8>)
  func.return %y : tensor<6x1x2xi8>
}

// A loop that stacks the cell state stays.
// CHECK-LABEL: @cell_states
// CHECK:         edge.scan
// CHECK:           cmopt.lstm
func.func @cell_states(%xs: tensor<6x1x3xi8>, %h0: tensor<1x2xi8>, %c0: tensor<1x2xi8>) -> tensor<6x1x2xi8> {
  %hl, %cl, %y = edge.scan {steps = 6 : i64} carried(%h0, %c0 : tensor<1x2xi8>, tensor<1x2xi8>) sequences(%xs : tensor<6x1x3xi8>) invariants() {
  ^bb0(%h: tensor<1x2xi8>, %c: tensor<1x2xi8>, %x: tensor<1x3xi8>):
    %wx = arith.constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [13, 14, 15], [16, 17, 18], [19, 20, 21], [22, 23, 24]]> : tensor<8x3xi8>
    %wh = arith.constant dense<1> : tensor<8x2xi8>
    %kx = arith.constant dense<[10, 20, 30, 40, 50, 60, 70, 80]> : tensor<8xi32>
    %bh = arith.constant dense<100> : tensor<8xi32>
    %ti = arith.constant dense<1> : tensor<256xi8>
    %tf = arith.constant dense<2> : tensor<256xi8>
    %tg = arith.constant dense<3> : tensor<256xi8>
    %to = arith.constant dense<4> : tensor<256xi8>
    %tc = arith.constant dense<5> : tensor<256xi8>
    %a = cortex_m.quantized_linear %x, %wx kernel_sum %kx : tensor<8xi32> {input_offset = -17 : i32, filter_offset = 0 : i32, output_offset = 5 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x3xi8>, tensor<8x3xi8>) -> tensor<1x8xi8>
    %b = cortex_m.quantized_linear %h, %wh bias %bh : tensor<8xi32> {input_offset = 12 : i32, filter_offset = 0 : i32, output_offset = 9 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x2xi8>, tensor<8x2xi8>) -> tensor<1x8xi8>
    %s = cortex_m.quantized_add %a, %b {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1073741824 : i32, self_shift = 0 : i32, other_multiplier = 1734270162 : i32, other_shift = -2 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 5 : i32, other_zero_point = 9 : i32, output_zero_point = 18 : i32} : (tensor<1x8xi8>, tensor<1x8xi8>) -> tensor<1x8xi8>
    %i = cortex_m.subview %s {offset = 0 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %f = cortex_m.subview %s {offset = 2 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %g = cortex_m.subview %s {offset = 4 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %o = cortex_m.subview %s {offset = 6 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
    %fs = cortex_m.quantized_activation %f lut %tf : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %fc = cortex_m.quantized_mul %fs, %c {self_zero_point = -128 : i32, other_zero_point = -18 : i32, output_zero_point = 9 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    %is = cortex_m.quantized_activation %i lut %ti : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %gt = cortex_m.quantized_activation %g lut %tg : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %ig = cortex_m.quantized_mul %is, %gt {self_zero_point = -127 : i32, other_zero_point = 3 : i32, output_zero_point = -4 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    %cn = cortex_m.quantized_add %fc, %ig {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1435522932 : i32, self_shift = -1 : i32, other_multiplier = 1073741824 : i32, other_shift = 0 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 9 : i32, other_zero_point = -4 : i32, output_zero_point = -18 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    %os = cortex_m.quantized_activation %o lut %to : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %ct = cortex_m.quantized_activation %cn lut %tc : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
    %hn = cortex_m.quantized_mul %os, %ct {self_zero_point = -128 : i32, other_zero_point = -15 : i32, output_zero_point = -12 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
    edge.yield %hn, %cn, %cn : tensor<1x2xi8>, tensor<1x2xi8>, tensor<1x2xi8>
  } -> final(tensor<1x2xi8>, tensor<1x2xi8>) stacked(tensor<6x1x2xi8>)
  func.return %y : tensor<6x1x2xi8>
}

// The kernel has no clamp in a layer.
// CHECK-LABEL: @clamped
// CHECK-NOT:     cmopt.lstm
// CHECK:         func.return
func.func @clamped(%x: tensor<1x3xi8>, %h: tensor<1x2xi8>, %c: tensor<1x2xi8>) -> (tensor<1x2xi8>, tensor<1x2xi8>) {
  %wx = arith.constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [13, 14, 15], [16, 17, 18], [19, 20, 21], [22, 23, 24]]> : tensor<8x3xi8>
  %wh = arith.constant dense<1> : tensor<8x2xi8>
  %kx = arith.constant dense<[10, 20, 30, 40, 50, 60, 70, 80]> : tensor<8xi32>
  %bh = arith.constant dense<100> : tensor<8xi32>
  %ti = arith.constant dense<1> : tensor<256xi8>
  %tf = arith.constant dense<2> : tensor<256xi8>
  %tg = arith.constant dense<3> : tensor<256xi8>
  %to = arith.constant dense<4> : tensor<256xi8>
  %tc = arith.constant dense<5> : tensor<256xi8>
  %a = cortex_m.quantized_linear %x, %wx kernel_sum %kx : tensor<8xi32> {input_offset = -17 : i32, filter_offset = 0 : i32, output_offset = 5 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -100 : i32} : (tensor<1x3xi8>, tensor<8x3xi8>) -> tensor<1x8xi8>
  %b = cortex_m.quantized_linear %h, %wh bias %bh : tensor<8xi32> {input_offset = 12 : i32, filter_offset = 0 : i32, output_offset = 9 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x2xi8>, tensor<8x2xi8>) -> tensor<1x8xi8>
  %s = cortex_m.quantized_add %a, %b {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1073741824 : i32, self_shift = 0 : i32, other_multiplier = 1734270162 : i32, other_shift = -2 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 5 : i32, other_zero_point = 9 : i32, output_zero_point = 18 : i32} : (tensor<1x8xi8>, tensor<1x8xi8>) -> tensor<1x8xi8>
  %i = cortex_m.subview %s {offset = 0 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
  %f = cortex_m.subview %s {offset = 2 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
  %g = cortex_m.subview %s {offset = 4 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
  %o = cortex_m.subview %s {offset = 6 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
  %fs = cortex_m.quantized_activation %f lut %tf : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %fc = cortex_m.quantized_mul %fs, %c {self_zero_point = -128 : i32, other_zero_point = -18 : i32, output_zero_point = 9 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
  %is = cortex_m.quantized_activation %i lut %ti : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %gt = cortex_m.quantized_activation %g lut %tg : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %ig = cortex_m.quantized_mul %is, %gt {self_zero_point = -127 : i32, other_zero_point = 3 : i32, output_zero_point = -4 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
  %cn = cortex_m.quantized_add %fc, %ig {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1435522932 : i32, self_shift = -1 : i32, other_multiplier = 1073741824 : i32, other_shift = 0 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 9 : i32, other_zero_point = -4 : i32, output_zero_point = -18 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
  %os = cortex_m.quantized_activation %o lut %to : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %ct = cortex_m.quantized_activation %cn lut %tc : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %hn = cortex_m.quantized_mul %os, %ct {self_zero_point = -128 : i32, other_zero_point = -15 : i32, output_zero_point = -12 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
  func.return %hn, %cn : tensor<1x2xi8>, tensor<1x2xi8>
}

// A gate that is read elsewhere has to be computed.
// CHECK-LABEL: @other_reader
// CHECK-NOT:     cmopt.lstm
// CHECK:         func.return
func.func @other_reader(%x: tensor<1x3xi8>, %h: tensor<1x2xi8>, %c: tensor<1x2xi8>) -> (tensor<1x2xi8>, tensor<1x2xi8>) {
  %wx = arith.constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [13, 14, 15], [16, 17, 18], [19, 20, 21], [22, 23, 24]]> : tensor<8x3xi8>
  %wh = arith.constant dense<1> : tensor<8x2xi8>
  %kx = arith.constant dense<[10, 20, 30, 40, 50, 60, 70, 80]> : tensor<8xi32>
  %bh = arith.constant dense<100> : tensor<8xi32>
  %ti = arith.constant dense<1> : tensor<256xi8>
  %tf = arith.constant dense<2> : tensor<256xi8>
  %tg = arith.constant dense<3> : tensor<256xi8>
  %to = arith.constant dense<4> : tensor<256xi8>
  %tc = arith.constant dense<5> : tensor<256xi8>
  %a = cortex_m.quantized_linear %x, %wx kernel_sum %kx : tensor<8xi32> {input_offset = -17 : i32, filter_offset = 0 : i32, output_offset = 5 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x3xi8>, tensor<8x3xi8>) -> tensor<1x8xi8>
  %b = cortex_m.quantized_linear %h, %wh bias %bh : tensor<8xi32> {input_offset = 12 : i32, filter_offset = 0 : i32, output_offset = 9 : i32, requantize_multipliers = array<i64: 1476514360>, requantize_shifts = array<i64: -7>, activation_max = 127 : i32, activation_min = -128 : i32} : (tensor<1x2xi8>, tensor<8x2xi8>) -> tensor<1x8xi8>
  %s = cortex_m.quantized_add %a, %b {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1073741824 : i32, self_shift = 0 : i32, other_multiplier = 1734270162 : i32, other_shift = -2 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 5 : i32, other_zero_point = 9 : i32, output_zero_point = 18 : i32} : (tensor<1x8xi8>, tensor<1x8xi8>) -> tensor<1x8xi8>
  %i = cortex_m.subview %s {offset = 0 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
  %f = cortex_m.subview %s {offset = 2 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
  %g = cortex_m.subview %s {offset = 4 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
  %o = cortex_m.subview %s {offset = 6 : i64} : (tensor<1x8xi8>) -> tensor<1x2xi8>
  %fs = cortex_m.quantized_activation %f lut %tf : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %fc = cortex_m.quantized_mul %fs, %c {self_zero_point = -128 : i32, other_zero_point = -18 : i32, output_zero_point = 9 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
  %is = cortex_m.quantized_activation %i lut %ti : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %gt = cortex_m.quantized_activation %g lut %tg : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %ig = cortex_m.quantized_mul %is, %gt {self_zero_point = -127 : i32, other_zero_point = 3 : i32, output_zero_point = -4 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
  %cn = cortex_m.quantized_add %fc, %ig {activation_min = -128 : i32, activation_max = 127 : i32, self_multiplier = 1435522932 : i32, self_shift = -1 : i32, other_multiplier = 1073741824 : i32, other_shift = 0 : i32, output_multiplier = 1757291558 : i32, output_shift = -19 : i32, self_zero_point = 9 : i32, other_zero_point = -4 : i32, output_zero_point = -18 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
  %os = cortex_m.quantized_activation %o lut %to : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %ct = cortex_m.quantized_activation %cn lut %tc : (tensor<1x2xi8>, tensor<256xi8>) -> tensor<1x2xi8>
  %hn = cortex_m.quantized_mul %os, %ct {self_zero_point = -128 : i32, other_zero_point = -15 : i32, output_zero_point = -12 : i32, output_multiplier = 1501064061 : i32, output_shift = -7 : i32} : (tensor<1x2xi8>, tensor<1x2xi8>) -> tensor<1x2xi8>
  func.return %hn, %os : tensor<1x2xi8>, tensor<1x2xi8>
}
