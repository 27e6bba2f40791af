// RUN: cm-opt %s | cm-opt | filecheck %s
// RUN: cm-opt %s -p 'convert-edge-to-cortex-m{target=cortex-m55}' | filecheck %s --check-prefix=KERNEL

// CHECK:  %0 = edge.bitcast %x : (tensor<3xui8>) -> tensor<3xi8>
// KERNEL: %0 = cortex_m.view %x : (tensor<3xui8>) -> tensor<3xi8>
func.func @bytes(%x: tensor<3xui8>) -> tensor<3xi8> {
  %0 = edge.bitcast %x : (tensor<3xui8>) -> tensor<3xi8>
  func.return %0 : tensor<3xi8>
}
