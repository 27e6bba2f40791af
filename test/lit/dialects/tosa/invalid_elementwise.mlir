// RUN: DIAGNOSTICS

%a, %b = "test.op"() : () -> (tensor<2xi8>, tensor<2xi8>)
// expected-error@+1 {{'tosa.add' op works on i32, got tensor<2xi8>}}
%0 = tosa.add %a, %b : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>

// -----

%a, %b = "test.op"() : () -> (tensor<2xi32>, tensor<3xi32>)
// expected-error@+1 {{'tosa.sub' op shapes [2] and [3] do not broadcast}}
%0 = tosa.sub %a, %b : (tensor<2xi32>, tensor<3xi32>) -> tensor<2xi32>

// -----

%a, %b = "test.op"() : () -> (tensor<2xi32>, tensor<1x2xi32>)
// expected-error@+1 {{'tosa.maximum' op shapes [2] and [1, 2] do not broadcast}}
%0 = tosa.maximum %a, %b : (tensor<2xi32>, tensor<1x2xi32>) -> tensor<2xi32>

// -----

%a, %b = "test.op"() : () -> (tensor<2xi32>, tensor<1xi32>)
// expected-error@+1 {{'tosa.minimum' op result shape [1] should be [2]}}
%0 = tosa.minimum %a, %b : (tensor<2xi32>, tensor<1xi32>) -> tensor<1xi32>

// -----

%a, %b = "test.op"() : () -> (tensor<2xi32>, tensor<2xi8>)
// expected-error@+1 {{'tosa.logical_left_shift' op operands must be of one element type}}
%0 = tosa.logical_left_shift %a, %b : (tensor<2xi32>, tensor<2xi8>) -> tensor<2xi32>

// -----

%a, %b = "test.op"() : () -> (tensor<2xi32>, tensor<2xi32>)
// expected-error@+1 {{'tosa.arithmetic_right_shift' op result should be tensor<2xi32>, not of i16}}
%0 = tosa.arithmetic_right_shift %a, %b {round = true} : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi16>

// -----

%a = "test.op"() : () -> tensor<2xi8>
%z = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
// expected-error@+1 {{'tosa.mul' op result should be tensor<2xi32>, not of i8}}
%0 = tosa.mul %a, %a, %z : (tensor<2xi8>, tensor<2xi8>, tensor<1xi8>) -> tensor<2xi8>

// -----

%a = "test.op"() : () -> tensor<2xi8>
// expected-error@+1 {{'tosa.mul' op shift must be tensor<1xi8>, got tensor<2xi8>}}
%0 = tosa.mul %a, %a, %a : (tensor<2xi8>, tensor<2xi8>, tensor<2xi8>) -> tensor<2xi32>

// -----

%a, %b = "test.op"() : () -> (tensor<2xi8>, tensor<3xi8>)
%z = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
// expected-error@+1 {{'tosa.mul' op shapes [2] and [3] do not broadcast}}
%0 = tosa.mul %a, %b, %z : (tensor<2xi8>, tensor<3xi8>, tensor<1xi8>) -> tensor<2xi32>

// -----

%a = "test.op"() : () -> tensor<2xi32>
// expected-error@+1 {{'tosa.clamp' op works on i8 and i16, got tensor<2xi32>}}
%0 = tosa.clamp %a {min_val = 0 : i32, max_val = 1 : i32} : (tensor<2xi32>) -> tensor<2xi32>

// -----

%a = "test.op"() : () -> tensor<2xi8>
// expected-error@+1 {{'tosa.clamp' op bounds must be of type i8}}
%0 = tosa.clamp %a {min_val = 0 : i16, max_val = 1 : i8} : (tensor<2xi8>) -> tensor<2xi8>

// -----

%a = "test.op"() : () -> tensor<2xi8>
// expected-error@+1 {{'tosa.clamp' op min_val 1 is above max_val 0}}
%0 = tosa.clamp %a {min_val = 1 : i8, max_val = 0 : i8} : (tensor<2xi8>) -> tensor<2xi8>

// -----

%a = "test.op"() : () -> tensor<2xi8>
// expected-error@+1 {{'tosa.clamp' op result shape [3] should be [2]}}
%0 = tosa.clamp %a {min_val = 0 : i8, max_val = 1 : i8} : (tensor<2xi8>) -> tensor<3xi8>

// -----

%a = "test.op"() : () -> tensor<2xi8>
// expected-error@+1 {{'tosa.clz' op works on i32, got tensor<2xi8>}}
%0 = tosa.clz %a : (tensor<2xi8>) -> tensor<2xi8>

// -----

%a = "test.op"() : () -> tensor<2xi8>
// expected-error@+1 {{'tosa.cast' op result shape [3] should be [2]}}
%0 = tosa.cast %a : (tensor<2xi8>) -> tensor<3xi32>

// -----

%a, %t = "test.op"() : () -> (tensor<2xi8>, tensor<255xi8>)
// expected-error@+1 {{'tosa.table' op tensor<255xi8> is not a table for i8}}
%0 = tosa.table %a, %t : (tensor<2xi8>, tensor<255xi8>) -> tensor<2xi8>

// -----

%a, %b = "test.op"() : () -> (tensor<1x2x3xi8>, tensor<1x2x3xi8>)
%z = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
// expected-error@+1 {{'tosa.matmul' op [1, 2, 3] and [1, 2, 3] are not [N,H,C] and [N,C,W]}}
%0 = tosa.matmul %a, %b, %z, %z : (tensor<1x2x3xi8>, tensor<1x2x3xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x3xi32>

// -----

%a, %b = "test.op"() : () -> (tensor<1x2x3xi8>, tensor<1x3x2xi8>)
%z = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
// expected-error@+1 {{'tosa.matmul' op result should be tensor<1x2x2xi32>, not of i8}}
%0 = tosa.matmul %a, %b, %z, %z : (tensor<1x2x3xi8>, tensor<1x3x2xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2xi8>

// -----

%a, %b, %z = "test.op"() : () -> (tensor<1x2x3xi8>, tensor<1x3x2xi8>, tensor<2xi8>)
// expected-error@+1 {{'tosa.matmul' op a_zp must be tensor<1xi8>, got tensor<2xi8>}}
%0 = tosa.matmul %a, %b, %z, %z : (tensor<1x2x3xi8>, tensor<1x3x2xi8>, tensor<2xi8>, tensor<2xi8>) -> tensor<1x2x2xi32>

// -----

%x, %m, %s, %i, %o = "test.op"() : () -> (tensor<2x3xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi8>)
// expected-error@+1 {{'tosa.rescale' op shift must be tensor<1xi8>, got tensor<1xi32>}}
%0 = tosa.rescale %x, %m, %s, %i, %o {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = SINGLE_ROUND, scale32 = true} : (tensor<2x3xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi8>) -> tensor<2x3xi8>

// -----

%x, %m, %s, %i, %o = "test.op"() : () -> (tensor<2x3xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>)
// expected-error@+1 {{'tosa.rescale' op multiplier must be tensor<3xi32>, got tensor<1xi32>}}
%0 = tosa.rescale %x, %m, %s, %i, %o {input_unsigned = false, output_unsigned = false, per_channel = true, rounding_mode = SINGLE_ROUND, scale32 = true} : (tensor<2x3xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<2x3xi8>

// -----

%x, %m, %s, %i, %o = "test.op"() : () -> (tensor<2x3xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>)
// expected-error@+1 {{'tosa.rescale' op multiplier must be tensor<1xi16>, got tensor<1xi32>}}
%0 = tosa.rescale %x, %m, %s, %i, %o {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = SINGLE_ROUND, scale32 = false} : (tensor<2x3xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<2x3xi8>

// -----

%x, %m, %s, %i, %o = "test.op"() : () -> (tensor<i8>, tensor<1xi32>, tensor<1xi8>, tensor<1xi8>, tensor<1xi8>)
// expected-error@+1 {{'tosa.rescale' op per_channel needs a tensor with dimensions}}
%0 = tosa.rescale %x, %m, %s, %i, %o {input_unsigned = false, output_unsigned = false, per_channel = true, rounding_mode = SINGLE_ROUND, scale32 = true} : (tensor<i8>, tensor<1xi32>, tensor<1xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<i8>

// -----

%x, %m, %s, %i, %o = "test.op"() : () -> (tensor<2xi48>, tensor<1xi32>, tensor<1xi8>, tensor<1xi48>, tensor<1xi8>)
// expected-error@+1 {{'tosa.rescale' op an i48 is scaled by i16 multipliers: scale32 must be false}}
%0 = tosa.rescale %x, %m, %s, %i, %o {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = SINGLE_ROUND, scale32 = true} : (tensor<2xi48>, tensor<1xi32>, tensor<1xi8>, tensor<1xi48>, tensor<1xi8>) -> tensor<2xi8>

// -----

%x, %m, %s, %i, %o = "test.op"() : () -> (tensor<2x3xi32>, tensor<1xi16>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>)
// expected-error@+1 {{'tosa.rescale' op DOUBLE_ROUND needs scale32}}
%0 = tosa.rescale %x, %m, %s, %i, %o {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = DOUBLE_ROUND, scale32 = false} : (tensor<2x3xi32>, tensor<1xi16>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<2x3xi8>

// -----

%x, %m, %s, %i, %o = "test.op"() : () -> (tensor<2x3xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>)
// expected-error@+1 {{'tosa.rescale' op only one of input and result may be unsigned, and both must be i8 or i16}}
%0 = tosa.rescale %x, %m, %s, %i, %o {input_unsigned = false, output_unsigned = true, per_channel = false, rounding_mode = SINGLE_ROUND, scale32 = true} : (tensor<2x3xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<2x3xi8>

// -----

%x, %m, %s, %i, %o = "test.op"() : () -> (tensor<2x3xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi8>, tensor<1xi8>)
// expected-error@+1 {{'tosa.rescale' op input_zp must be tensor<1xi32>, got tensor<1xi8>}}
%0 = tosa.rescale %x, %m, %s, %i, %o {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = SINGLE_ROUND, scale32 = true} : (tensor<2x3xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<2x3xi8>

// -----

%x, %m, %s, %i, %o = "test.op"() : () -> (tensor<2x3xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi32>)
// expected-error@+1 {{'tosa.rescale' op output_zp must be tensor<1xi8>, got tensor<1xi32>}}
%0 = tosa.rescale %x, %m, %s, %i, %o {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = SINGLE_ROUND, scale32 = true} : (tensor<2x3xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi32>) -> tensor<2x3xi8>

// -----

%x, %m, %s, %i, %o = "test.op"() : () -> (tensor<2x3xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>)
// expected-error@+1 {{'tosa.rescale' op result shape [3, 2] should be [2, 3]}}
%0 = tosa.rescale %x, %m, %s, %i, %o {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = SINGLE_ROUND, scale32 = true} : (tensor<2x3xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<3x2xi8>
