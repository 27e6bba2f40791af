// RUN: DIAGNOSTICS

// expected-error@+1 {{'tosa.const' op values are tensor<2xi8>, not tensor<3xi8>}}
%0 = "tosa.const"() <{values = dense<0> : tensor<2xi8>}> : () -> tensor<3xi8>

// -----

// expected-error@+1 {{'tosa.const_shape' op values are vector<2xf32>, not tensor<2xindex>}}
%0 = tosa.const_shape {values = dense<[1, 2]> : vector<2xf32>} : () -> !tosa.shape<2>

// -----

// expected-error@+1 {{'tosa.const_shape' op values are tensor<2xindex>, not tensor<3xindex>}}
%0 = tosa.const_shape {values = dense<[1, 2]> : tensor<2xindex>} : () -> !tosa.shape<3>

// -----

%x, %s = "test.op"() : () -> (tensor<4xi8>, !tosa.shape<1>)
// expected-error@+1 {{'tosa.reshape' op a shape operand must be a tosa.const_shape}}
%0 = tosa.reshape %x, %s : (tensor<4xi8>, !tosa.shape<1>) -> tensor<4xi8>

// -----

%x = "test.op"() : () -> tensor<4xi8>
%s = tosa.const_shape {values = dense<[5]> : tensor<1xindex>} : () -> !tosa.shape<1>
// expected-error@+1 {{'tosa.reshape' op tensor<4xi8> cannot take the shape [5]}}
%0 = tosa.reshape %x, %s : (tensor<4xi8>, !tosa.shape<1>) -> tensor<5xi8>

// -----

%x = "test.op"() : () -> tensor<4xi8>
%s = tosa.const_shape {values = dense<[2, 2]> : tensor<2xindex>} : () -> !tosa.shape<2>
// expected-error@+1 {{'tosa.reshape' op result shape [4, 1] should be [2, 2]}}
%0 = tosa.reshape %x, %s : (tensor<4xi8>, !tosa.shape<2>) -> tensor<4x1xi8>

// -----

%x = "test.op"() : () -> tensor<4xi8>
%s = tosa.const_shape {values = dense<[4]> : tensor<1xindex>} : () -> !tosa.shape<1>
// expected-error@+1 {{'tosa.reshape' op result should be tensor<4xi8>, not of i16}}
%0 = tosa.reshape %x, %s : (tensor<4xi8>, !tosa.shape<1>) -> tensor<4xi16>

// -----

%x = "test.op"() : () -> tensor<4x2xi8>
// expected-error@+1 {{'tosa.transpose' op perm [0, 0] is not a permutation of rank 2}}
%0 = tosa.transpose %x {perms = array<i32: 0, 0>} : (tensor<4x2xi8>) -> tensor<4x4xi8>

// -----

%x = "test.op"() : () -> tensor<4xi8>
%z = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
%s = tosa.const_shape {values = dense<[1]> : tensor<1xindex>} : () -> !tosa.shape<1>
// expected-error@+1 {{'tosa.pad' op padding must hold 2 sizes, got [1]}}
%0 = tosa.pad %x, %s, %z : (tensor<4xi8>, !tosa.shape<1>, tensor<1xi8>) -> tensor<5xi8>

// -----

%x = "test.op"() : () -> tensor<4xi8>
%z = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
%s = tosa.const_shape {values = dense<[1, -1]> : tensor<2xindex>} : () -> !tosa.shape<2>
// expected-error@+1 {{'tosa.pad' op padding [1, -1] must not be negative}}
%0 = tosa.pad %x, %s, %z : (tensor<4xi8>, !tosa.shape<2>, tensor<1xi8>) -> tensor<4xi8>

// -----

%x, %z = "test.op"() : () -> (tensor<4xi8>, tensor<1xi32>)
%s = tosa.const_shape {values = dense<[1, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
// expected-error@+1 {{'tosa.pad' op pad_const must be tensor<1xi8>, got tensor<1xi32>}}
%0 = tosa.pad %x, %s, %z : (tensor<4xi8>, !tosa.shape<2>, tensor<1xi32>) -> tensor<5xi8>

// -----

%x = "test.op"() : () -> tensor<4xi8>
%s = tosa.const_shape {values = dense<[3]> : tensor<1xindex>} : () -> !tosa.shape<1>
%n = tosa.const_shape {values = dense<[2]> : tensor<1xindex>} : () -> !tosa.shape<1>
// expected-error@+1 {{'tosa.slice' op slice [3], [2] is not inside [4]}}
%0 = tosa.slice %x, %s, %n : (tensor<4xi8>, !tosa.shape<1>, !tosa.shape<1>) -> tensor<2xi8>

// -----

%x = "test.op"() : () -> tensor<4xi8>
%s = tosa.const_shape {values = dense<[0]> : tensor<1xindex>} : () -> !tosa.shape<1>
// expected-error@+1 {{'tosa.tile' op multiples [0] must be positive}}
%0 = tosa.tile %x, %s : (tensor<4xi8>, !tosa.shape<1>) -> tensor<4xi8>

// -----

%x = "test.op"() : () -> tensor<4xi8>
// expected-error@+1 {{'tosa.reverse' op axis 1 is outside rank 1}}
%0 = tosa.reverse %x {axis = 1 : i32} : (tensor<4xi8>) -> tensor<4xi8>

// -----

// expected-error@+1 {{'tosa.concat' op needs at least one operand}}
%0 = tosa.concat {axis = 0 : i32} : () -> tensor<4xi8>

// -----

%x = "test.op"() : () -> tensor<4xi8>
// expected-error@+1 {{'tosa.concat' op axis 1 is outside rank 1}}
%0 = tosa.concat %x, %x {axis = 1 : i32} : (tensor<4xi8>, tensor<4xi8>) -> tensor<8xi8>

// -----

%x, %y = "test.op"() : () -> (tensor<4x2xi8>, tensor<4x3xi8>)
// expected-error@+1 {{'tosa.concat' op [4, 3] does not join [4, 2] on axis 0}}
%0 = tosa.concat %x, %y {axis = 0 : i32} : (tensor<4x2xi8>, tensor<4x3xi8>) -> tensor<8x2xi8>

// -----

%x, %y = "test.op"() : () -> (tensor<4xi8>, tensor<4xi16>)
// expected-error@+1 {{'tosa.concat' op must keep the element type}}
%0 = tosa.concat %x, %y {axis = 0 : i32} : (tensor<4xi8>, tensor<4xi16>) -> tensor<8xi8>

// -----

%x = "test.op"() : () -> tensor<4xi8>
// expected-error@+1 {{'tosa.concat' op result shape [7] should be [8]}}
%0 = tosa.concat %x, %x {axis = 0 : i32} : (tensor<4xi8>, tensor<4xi8>) -> tensor<7xi8>

// -----

%x = "test.op"() : () -> tensor<1x2x2x1xi8>
%s = tosa.const_shape {values = dense<[2, 1, 2, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
%o = tosa.const_shape {values = dense<[0, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
%b = tosa.const_shape {values = dense<[0, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
// expected-error@+1 {{'tosa.resize' op result should be tensor<1x3x3x1xi32>, not of i8}}
%0 = tosa.resize %x, %s, %o, %b {mode = BILINEAR} : (tensor<1x2x2x1xi8>, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<1x3x3x1xi8>

// -----

%x = "test.op"() : () -> tensor<1x2x2x1xi8>
%s = tosa.const_shape {values = dense<[0, 1, 2, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
%o = tosa.const_shape {values = dense<[0, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
%b = tosa.const_shape {values = dense<[0, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
// expected-error@+1 {{'tosa.resize' op scale 0/1 must be 1…2048 over 1…16·0 - 1}}
%0 = tosa.resize %x, %s, %o, %b {mode = NEAREST_NEIGHBOR} : (tensor<1x2x2x1xi8>, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<1x3x3x1xi8>

// -----

%x = "test.op"() : () -> tensor<1x2x2x1xi8>
%s = tosa.const_shape {values = dense<[2, 1, 2, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
%o = tosa.const_shape {values = dense<[0, -3]> : tensor<2xindex>} : () -> !tosa.shape<2>
%b = tosa.const_shape {values = dense<[0, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
// expected-error@+1 {{'tosa.resize' op offset -3 or border 0 is too far for a scale of 2}}
%0 = tosa.resize %x, %s, %o, %b {mode = NEAREST_NEIGHBOR} : (tensor<1x2x2x1xi8>, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<1x3x3x1xi8>

// -----

%x = "test.op"() : () -> tensor<1x2x2x1xi8>
%s = tosa.const_shape {values = dense<[2, 3, 2, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
%o = tosa.const_shape {values = dense<[0, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
%b = tosa.const_shape {values = dense<[0, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
// expected-error@+1 {{'tosa.resize' op steps of 3 do not end at the last of 2 elements: 2}}
%0 = tosa.resize %x, %s, %o, %b {mode = NEAREST_NEIGHBOR} : (tensor<1x2x2x1xi8>, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<1x3x3x1xi8>

// -----

%x = "test.op"() : () -> tensor<1x2x2x1xi8>
%s = tosa.const_shape {values = dense<[2, 1, 2, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
%o = tosa.const_shape {values = dense<[0, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
%b = tosa.const_shape {values = dense<[0, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
// expected-error@+1 {{'tosa.resize' op result shape [1, 3, 4, 1] should be [1, 3, 3, 1]}}
%0 = tosa.resize %x, %s, %o, %b {mode = NEAREST_NEIGHBOR} : (tensor<1x2x2x1xi8>, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<1x3x4x1xi8>

// -----

%x = "test.op"() : () -> tensor<2x2x1xi8>
%s = tosa.const_shape {values = dense<[1, 1, 1, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
%o = tosa.const_shape {values = dense<[0, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
// expected-error@+1 {{'tosa.resize' op input must have rank 4, got tensor<2x2x1xi8>}}
%0 = tosa.resize %x, %s, %o, %o {mode = BILINEAR} : (tensor<2x2x1xi8>, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<2x2x1xi32>
