// RUN: ROUNDTRIP

// CHECK-LABEL: @one
func.func @one(%x: tensor<2x3xi8>) -> tensor<2x3xi8> {
  // CHECK: %{{.*}} = ethos_u.delegate "ethos-u55-128"(%{{.*}}) {
  // CHECK-NEXT: ^{{.*}}(%[[A:.*]]: tensor<2x3xi8>):
  // CHECK-NEXT: %[[Y:.*]] = tosa.reverse %[[A]] {axis = 0 : i32} : (tensor<2x3xi8>) -> tensor<2x3xi8>
  // CHECK-NEXT: ethos_u.yield %[[Y]] : tensor<2x3xi8>
  // CHECK-NEXT: } : (tensor<2x3xi8>) -> tensor<2x3xi8>
  %0 = ethos_u.delegate "ethos-u55-128"(%x) {
  ^bb0(%a: tensor<2x3xi8>):
    %y = tosa.reverse %a {axis = 0 : i32} : (tensor<2x3xi8>) -> tensor<2x3xi8>
    ethos_u.yield %y : tensor<2x3xi8>
  } : (tensor<2x3xi8>) -> tensor<2x3xi8>
  return %0 : tensor<2x3xi8>
}

// CHECK-LABEL: @two
func.func @two(%x: tensor<4xi8>, %y: tensor<4xi8>) -> (tensor<4xi8>, tensor<4xi8>) {
  // CHECK: %{{.*}}, %{{.*}} = ethos_u.delegate "ethos-u85-256"(%{{.*}}, %{{.*}}) {
  // CHECK: ethos_u.yield %{{.*}}, %{{.*}} : tensor<4xi8>, tensor<4xi8>
  // CHECK-NEXT: } : (tensor<4xi8>, tensor<4xi8>) -> (tensor<4xi8>, tensor<4xi8>)
  %0, %1 = ethos_u.delegate "ethos-u85-256"(%x, %y) {
  ^bb0(%a: tensor<4xi8>, %b: tensor<4xi8>):
    %c = tosa.reverse %a {axis = 0 : i32} : (tensor<4xi8>) -> tensor<4xi8>
    %d = tosa.reverse %b {axis = 0 : i32} : (tensor<4xi8>) -> tensor<4xi8>
    ethos_u.yield %d, %c : tensor<4xi8>, tensor<4xi8>
  } : (tensor<4xi8>, tensor<4xi8>) -> (tensor<4xi8>, tensor<4xi8>)
  return %0, %1 : tensor<4xi8>, tensor<4xi8>
}
