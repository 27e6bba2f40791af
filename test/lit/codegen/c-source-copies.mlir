// Portable operators that move elements are copies; where each element comes from is PyTorch's own.
// RUN: cm-compile %s --name net -o %t/ > /dev/null && filecheck %s < %t/net.c

func.func @forward(%x: tensor<2x3xi8>) -> (tensor<4x3xi8>, tensor<3x2xi8>, tensor<2xi8>) {
  // CHECK-LABEL: aten.cat.default: int8 [2, 3], int8 [2, 3] -> int8 [4, 3]
  // CHECK:      memcpy(arena + {{[0-9]+}}, arena + {{[0-9]+}}, 6);
  // CHECK-NEXT: memcpy(arena + {{[0-9]+}}, arena + {{[0-9]+}}, 6);
  %a = edge.call "aten.cat.default"(%x, %x) {arguments = [[#edge.operand<0>, #edge.operand<1>], 0]}
    : (tensor<2x3xi8>, tensor<2x3xi8>) -> tensor<4x3xi8>
  // CHECK-LABEL: permute_copy
  // CHECK:      static const cmopt_copy_plan plan_0 = {.run = 1, .count = {1, 1, 1, 3, 2}, .in_step = {0, 0, 0,
  // CHECK-NEXT:   1, 3}, .out_step = {0, 0, 0, 2, 1}};
  %b = edge.call "aten.permute_copy.default"(%x) {arguments = [#edge.operand<0>, [1, 0]]}
    : (tensor<2x3xi8>) -> tensor<3x2xi8>
  // CHECK-LABEL: index_select
  // CHECK:      cmopt_copy(arena + 2, &plan_0, arena + {{[0-9]+}});
  %i = arith.constant dense<2> : tensor<1xi64>
  %c = edge.call "aten.index_select.default"(%x, %i)
    {arguments = [#edge.operand<0>, 1 : i64, #edge.operand<1>]}
    : (tensor<2x3xi8>, tensor<1xi64>) -> tensor<2x1xi8>
  %d = cortex_m.view %c : (tensor<2x1xi8>) -> tensor<2xi8>
  func.return %a, %b, %d : tensor<4x3xi8>, tensor<3x2xi8>, tensor<2xi8>
}
