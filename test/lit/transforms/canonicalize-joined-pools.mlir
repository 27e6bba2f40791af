// RUN: cm-opt %s -p canonicalize | filecheck %s

!q = !quant.uniform<i8:f32, 0.1>

// Four windows, each a slice and a pool, are one pool.
// CHECK-LABEL: @grid
// CHECK-NEXT:    %[[CUT:.*]] = edge.slice %x {dim = 3 : i64, start = 1 : i64} : {{.*}} -> tensor<1x2x5x5x
// CHECK-NEXT:    %[[POOL:.*]] = edge.avg_pool2d %[[CUT]] {kernel_size = array<i64: 2, 2>, stride = array<i64: 3, 3>
// CHECK-SAME:    -> tensor<1x2x2x2x
// CHECK-NEXT:    func.return %[[POOL]]
func.func @grid(%x: tensor<1x2x5x6x!q>) -> tensor<1x2x2x2x!q> {
  %top = edge.slice %x {dim = 2 : i64, start = 0 : i64} : (tensor<1x2x5x6x!q>) -> tensor<1x2x2x6x!q>
  %0 = edge.slice %top {dim = 3 : i64, start = 1 : i64} : (tensor<1x2x2x6x!q>) -> tensor<1x2x2x2x!q>
  %1 = edge.avg_pool2d %0 {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x2x2x!q>) -> tensor<1x2x1x1x!q>
  %2 = edge.slice %top {dim = 3 : i64, start = 4 : i64} : (tensor<1x2x2x6x!q>) -> tensor<1x2x2x2x!q>
  %3 = edge.avg_pool2d %2 {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x2x2x!q>) -> tensor<1x2x1x1x!q>
  %4 = edge.cat %1, %3 {dim = 3 : i64} : (tensor<1x2x1x1x!q>, tensor<1x2x1x1x!q>) -> tensor<1x2x1x2x!q>
  %bottom = edge.slice %x {dim = 2 : i64, start = 3 : i64} : (tensor<1x2x5x6x!q>) -> tensor<1x2x2x6x!q>
  %5 = edge.slice %bottom {dim = 3 : i64, start = 1 : i64} : (tensor<1x2x2x6x!q>) -> tensor<1x2x2x2x!q>
  %6 = edge.avg_pool2d %5 {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x2x2x!q>) -> tensor<1x2x1x1x!q>
  %7 = edge.slice %bottom {dim = 3 : i64, start = 4 : i64} : (tensor<1x2x2x6x!q>) -> tensor<1x2x2x2x!q>
  %8 = edge.avg_pool2d %7 {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x2x2x!q>) -> tensor<1x2x1x1x!q>
  %9 = edge.cat %6, %8 {dim = 3 : i64} : (tensor<1x2x1x1x!q>, tensor<1x2x1x1x!q>) -> tensor<1x2x1x2x!q>
  %10 = edge.cat %4, %9 {dim = 2 : i64} : (tensor<1x2x1x2x!q>, tensor<1x2x1x2x!q>) -> tensor<1x2x2x2x!q>
  func.return %10 : tensor<1x2x2x2x!q>
}

// Windows that are not evenly apart, and a window of another height, stay.
// CHECK-LABEL: @uneven
// CHECK-COUNT-3: edge.avg_pool2d
// CHECK:         edge.cat
func.func @uneven(%x: tensor<1x2x6x1x!q>) -> tensor<1x2x3x1x!q> {
  %0 = edge.slice %x {dim = 2 : i64, start = 0 : i64} : (tensor<1x2x6x1x!q>) -> tensor<1x2x2x1x!q>
  %1 = edge.avg_pool2d %0 {kernel_size = array<i64: 2, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x2x1x!q>) -> tensor<1x2x1x1x!q>
  %2 = edge.slice %x {dim = 2 : i64, start = 1 : i64} : (tensor<1x2x6x1x!q>) -> tensor<1x2x2x1x!q>
  %3 = edge.avg_pool2d %2 {kernel_size = array<i64: 2, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x2x1x!q>) -> tensor<1x2x1x1x!q>
  %4 = edge.slice %x {dim = 2 : i64, start = 4 : i64} : (tensor<1x2x6x1x!q>) -> tensor<1x2x2x1x!q>
  %5 = edge.avg_pool2d %4 {kernel_size = array<i64: 2, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x2x1x!q>) -> tensor<1x2x1x1x!q>
  %6 = edge.cat %1, %3, %5 {dim = 2 : i64} : (tensor<1x2x1x1x!q>, tensor<1x2x1x1x!q>, tensor<1x2x1x1x!q>) -> tensor<1x2x3x1x!q>
  func.return %6 : tensor<1x2x3x1x!q>
}

// A part that something else reads stays.
// CHECK-LABEL: @read_twice
// CHECK-COUNT-2: edge.avg_pool2d
// CHECK:         edge.cat
func.func @read_twice(%x: tensor<1x2x4x1x!q>) -> (tensor<1x2x2x1x!q>, tensor<1x2x1x1x!q>) {
  %0 = edge.slice %x {dim = 2 : i64, start = 0 : i64} : (tensor<1x2x4x1x!q>) -> tensor<1x2x2x1x!q>
  %1 = edge.avg_pool2d %0 {kernel_size = array<i64: 2, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x2x1x!q>) -> tensor<1x2x1x1x!q>
  %2 = edge.slice %x {dim = 2 : i64, start = 2 : i64} : (tensor<1x2x4x1x!q>) -> tensor<1x2x2x1x!q>
  %3 = edge.avg_pool2d %2 {kernel_size = array<i64: 2, 1>, stride = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x2x1x!q>) -> tensor<1x2x1x1x!q>
  %4 = edge.cat %1, %3 {dim = 2 : i64} : (tensor<1x2x1x1x!q>, tensor<1x2x1x1x!q>) -> tensor<1x2x2x1x!q>
  func.return %4, %1 : tensor<1x2x2x1x!q>, tensor<1x2x1x1x!q>
}
