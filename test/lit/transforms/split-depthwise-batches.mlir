// RUN: cm-opt %s -p split-depthwise-batches | filecheck %s

// Two items, two convolutions, joined along the batch.
// CHECK-LABEL: func.func @two_items
// CHECK:         %[[A:.*]] = edge.slice %x {dim = 0 : i64, start = 0 : i64} : {{.*}} -> tensor<1x4x4x3x
// CHECK-NEXT:    %[[B:.*]] = edge.conv2d %[[A]], {{.*}} groups = 3 : i64
// CHECK-NEXT:    %[[C:.*]] = edge.slice %x {dim = 0 : i64, start = 1 : i64}
// CHECK-NEXT:    %[[D:.*]] = edge.conv2d %[[C]]
// CHECK-NEXT:    edge.cat %[[B]], %[[D]] {dim = 0 : i64} : {{.*}} -> tensor<2x4x4x3x
func.func @two_items(%x: tensor<2x4x4x3x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x4x4x3x!quant.uniform<i8:f32, 0.25>> {
  %c = arith.constant dense<1> : tensor<3x1x1x1xi8>
  %w = quant.scast %c : tensor<3x1x1x1xi8> to tensor<3x1x1x1x!quant.uniform<i8:f32, 0.1>>
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 3 : i64, data_format = "NHWC"} : (tensor<2x4x4x3x!quant.uniform<i8:f32, 0.5>>, tensor<3x1x1x1x!quant.uniform<i8:f32, 0.1>>) -> tensor<2x4x4x3x!quant.uniform<i8:f32, 0.25>>
  func.return %0 : tensor<2x4x4x3x!quant.uniform<i8:f32, 0.25>>
}

// One item, or one group, stays as it is.
// CHECK-LABEL: func.func @one_item
// CHECK-NOT:     edge.slice
func.func @one_item(%x: tensor<1x4x4x3x!quant.uniform<i8:f32, 0.5>>, %y: tensor<2x4x4x3x!quant.uniform<i8:f32, 0.5>>) -> (tensor<1x4x4x3x!quant.uniform<i8:f32, 0.25>>, tensor<2x4x4x3x!quant.uniform<i8:f32, 0.25>>) {
  %c = arith.constant dense<1> : tensor<3x1x1x1xi8>
  %w = quant.scast %c : tensor<3x1x1x1xi8> to tensor<3x1x1x1x!quant.uniform<i8:f32, 0.1>>
  %d = arith.constant dense<1> : tensor<3x1x1x3xi8>
  %v = quant.scast %d : tensor<3x1x1x3xi8> to tensor<3x1x1x3x!quant.uniform<i8:f32, 0.1>>
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 3 : i64, data_format = "NHWC"} : (tensor<1x4x4x3x!quant.uniform<i8:f32, 0.5>>, tensor<3x1x1x1x!quant.uniform<i8:f32, 0.1>>) -> tensor<1x4x4x3x!quant.uniform<i8:f32, 0.25>>
  %1 = edge.conv2d %y, %v {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 1 : i64, data_format = "NHWC"} : (tensor<2x4x4x3x!quant.uniform<i8:f32, 0.5>>, tensor<3x1x1x3x!quant.uniform<i8:f32, 0.1>>) -> tensor<2x4x4x3x!quant.uniform<i8:f32, 0.25>>
  func.return %0, %1 : tensor<1x4x4x3x!quant.uniform<i8:f32, 0.25>>, tensor<2x4x4x3x!quant.uniform<i8:f32, 0.25>>
}

// A batch without items has no parts.
// CHECK-LABEL: func.func @no_items
// CHECK-NOT:     edge.cat
func.func @no_items(%x: tensor<0x4x4x3x!quant.uniform<i8:f32, 0.5>>) -> tensor<0x4x4x3x!quant.uniform<i8:f32, 0.25>> {
  %c = arith.constant dense<1> : tensor<3x1x1x1xi8>
  %w = quant.scast %c : tensor<3x1x1x1xi8> to tensor<3x1x1x1x!quant.uniform<i8:f32, 0.1>>
  %0 = edge.conv2d %x, %w {stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, groups = 3 : i64, data_format = "NHWC"} : (tensor<0x4x4x3x!quant.uniform<i8:f32, 0.5>>, tensor<3x1x1x1x!quant.uniform<i8:f32, 0.1>>) -> tensor<0x4x4x3x!quant.uniform<i8:f32, 0.25>>
  func.return %0 : tensor<0x4x4x3x!quant.uniform<i8:f32, 0.25>>
}
