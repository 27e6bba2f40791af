// RUN: DIAGNOSTICS

%x = "test.op"() : () -> tensor<2xi8>
// expected-error@+1 {{'ethos_u.delegate' op must end in ethos_u.yield}}
%0 = "ethos_u.delegate"(%x) <{npu = "ethos-u55-128"}> ({
^bb0(%a: tensor<2xi8>):
  "test.termop"(%a) : (tensor<2xi8>) -> ()
}) : (tensor<2xi8>) -> tensor<2xi8>

// -----

%x = "test.op"() : () -> tensor<2xi8>
// expected-error@+1 {{'ethos_u.delegate' op the region's arguments are not of the op's types}}
%0 = ethos_u.delegate "ethos-u55-128"(%x) {
^bb0(%a: tensor<3xi8>):
  ethos_u.yield %a : tensor<3xi8>
} : (tensor<2xi8>) -> tensor<3xi8>

// -----

%x = "test.op"() : () -> tensor<2xi8>
// expected-error@+1 {{'ethos_u.delegate' op the region's results are not of the op's types}}
%0 = ethos_u.delegate "ethos-u55-128"(%x) {
^bb0(%a: tensor<2xi8>):
  ethos_u.yield %a : tensor<2xi8>
} : (tensor<2xi8>) -> tensor<3xi8>

// -----

// expected-error@+1 {{'ethos_u.delegate' op computes nothing}}
ethos_u.delegate "ethos-u55-128"() {
  ethos_u.yield
} : () -> ()

// -----

%x = "test.op"() : () -> tensor<2xi16>
// expected-error@+1 {{'ethos_u.delegate' op tosa.logical_left_shift: takes i32, not i16}}
%0 = ethos_u.delegate "ethos-u55-128"(%x) {
^bb0(%a: tensor<2xi16>):
  %y = tosa.logical_left_shift %a, %a : (tensor<2xi16>, tensor<2xi16>) -> tensor<2xi16>
  ethos_u.yield %y : tensor<2xi16>
} : (tensor<2xi16>) -> tensor<2xi16>

// -----

%x, %y = "test.op"() : () -> (tensor<1x65537x3xi8>, tensor<1x3x2xi8>)
// expected-error@+1 {{'ethos_u.delegate' op tosa.matmul: an axis of 65537 is longer than 65536}}
%0 = ethos_u.delegate "ethos-u65-256"(%x, %y) {
^bb0(%a: tensor<1x65537x3xi8>, %b: tensor<1x3x2xi8>):
  %z = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %m = tosa.matmul %a, %b, %z, %z : (tensor<1x65537x3xi8>, tensor<1x3x2xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x65537x2xi32>
  ethos_u.yield %m : tensor<1x65537x2xi32>
} : (tensor<1x65537x3xi8>, tensor<1x3x2xi8>) -> tensor<1x65537x2xi32>

// -----

%x, %y = "test.op"() : () -> (tensor<1x2x3xi16>, tensor<1x3x2xi16>)
// expected-error@+1 {{'ethos_u.delegate' op tosa.matmul: takes i8, not i16}}
%0 = ethos_u.delegate "ethos-u65-256"(%x, %y) {
^bb0(%a: tensor<1x2x3xi16>, %b: tensor<1x3x2xi16>):
  %z = "tosa.const"() <{values = dense<0> : tensor<1xi16>}> : () -> tensor<1xi16>
  %m = tosa.matmul %a, %b, %z, %z : (tensor<1x2x3xi16>, tensor<1x3x2xi16>, tensor<1xi16>, tensor<1xi16>) -> tensor<1x2x2xi48>
  ethos_u.yield %m : tensor<1x2x2xi48>
} : (tensor<1x2x3xi16>, tensor<1x3x2xi16>) -> tensor<1x2x2xi48>

// -----

%x = "test.op"() : () -> tensor<2xi32>
// expected-error@+1 {{'ethos_u.delegate' op tosa.arithmetic_right_shift: shifts to the right are rounded}}
%0 = ethos_u.delegate "ethos-u55-128"(%x) {
^bb0(%a: tensor<2xi32>):
  %y = tosa.arithmetic_right_shift %a, %a {round = false} : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  ethos_u.yield %y : tensor<2xi32>
} : (tensor<2xi32>) -> tensor<2xi32>
