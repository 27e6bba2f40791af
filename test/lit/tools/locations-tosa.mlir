// RUN: cm-opt %s --mlir-print-debuginfo | filecheck %s
// RUN: cm-opt %s --mlir-print-debuginfo | cm-opt --mlir-print-debuginfo | filecheck %s

// An op of TOSA prints its location once, so that it is read back.
// CHECK: tosa.resize {{.*}} -> tensor<1x4x6x4xi8> loc("up"("model.py":41:0))
// CHECK-NEXT: func.return
func.func @f(%x: tensor<1x2x3x4xi8>) -> tensor<1x4x6x4xi8> {
  %scale = tosa.const_shape {values = dense<[4, 2, 4, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %offset = tosa.const_shape {values = dense<0> : tensor<2xindex>} : () -> !tosa.shape<2>
  %border = tosa.const_shape {values = dense<2> : tensor<2xindex>} : () -> !tosa.shape<2>
  %0 = tosa.resize %x, %scale, %offset, %border {mode = NEAREST_NEIGHBOR} : (tensor<1x2x3x4xi8>, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<1x4x6x4xi8> loc("up"("model.py":41:0))
  func.return %0 : tensor<1x4x6x4xi8>
}
