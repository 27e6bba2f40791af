// RUN: DIAGNOSTICS

%x = "test.op"() : () -> tensor<4x4x3xi8>
// expected-error@+1 {{'tosa.max_pool2d' op input must have rank 4, got tensor<4x4x3xi8>}}
%0 = tosa.max_pool2d %x {kernel = array<i64: 2, 2>, stride = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>} : (tensor<4x4x3xi8>) -> tensor<2x2x3xi8>

// -----

%x = "test.op"() : () -> tensor<1x4x4x3xi32>
// expected-error@+1 {{'tosa.max_pool2d' op works on i8 and i16, got tensor<1x4x4x3xi32>}}
%0 = tosa.max_pool2d %x {kernel = array<i64: 2, 2>, stride = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>} : (tensor<1x4x4x3xi32>) -> tensor<1x2x2x3xi32>

// -----

%x = "test.op"() : () -> tensor<1x4x4x3xi8>
// expected-error@+1 {{'tosa.max_pool2d' op result should be tensor<1x2x2x3xi8>, not of i16}}
%0 = tosa.max_pool2d %x {kernel = array<i64: 2, 2>, stride = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>} : (tensor<1x4x4x3xi8>) -> tensor<1x2x2x3xi16>

// -----

%x = "test.op"() : () -> tensor<1x4x4x3xi8>
// expected-error@+1 {{'tosa.max_pool2d' op kernel must be 2 integers ≥ 1, got [0, 2]}}
%0 = tosa.max_pool2d %x {kernel = array<i64: 0, 2>, stride = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>} : (tensor<1x4x4x3xi8>) -> tensor<1x2x2x3xi8>

// -----

%x = "test.op"() : () -> tensor<1x4x4x3xi8>
// expected-error@+1 {{'tosa.max_pool2d' op padding [2, 0, 0, 0] must be below the kernel [2, 2]}}
%0 = tosa.max_pool2d %x {kernel = array<i64: 2, 2>, stride = array<i64: 2, 2>, pad = array<i64: 2, 0, 0, 0>} : (tensor<1x4x4x3xi8>) -> tensor<1x2x2x3xi8>

// -----

%x = "test.op"() : () -> tensor<1x4x4x3xi8>
// expected-error@+1 {{'tosa.max_pool2d' op windows of 3, stride 2, do not fill 4 with padding 0, 0}}
%0 = tosa.max_pool2d %x {kernel = array<i64: 3, 2>, stride = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>} : (tensor<1x4x4x3xi8>) -> tensor<1x2x2x3xi8>

// -----

%x = "test.op"() : () -> tensor<1x4x4x3xi8>
// expected-error@+1 {{'tosa.max_pool2d' op result shape [1, 2, 3, 3] should be [1, 2, 2, 3]}}
%0 = tosa.max_pool2d %x {kernel = array<i64: 2, 2>, stride = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>} : (tensor<1x4x4x3xi8>) -> tensor<1x2x3x3xi8>

// -----

%x, %z = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<1xi32>)
// expected-error@+1 {{'tosa.avg_pool2d' op input_zp must be tensor<1xi8>, got tensor<1xi32>}}
%0 = tosa.avg_pool2d %x, %z, %z {kernel = array<i64: 2, 2>, stride = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, acc_type = i32} : (tensor<1x4x4x3xi8>, tensor<1xi32>, tensor<1xi32>) -> tensor<1x2x2x3xi8>

// -----

%x, %z = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<1xi8>)
// expected-error@+1 {{'tosa.avg_pool2d' op integers are summed in i32, not in i16}}
%0 = tosa.avg_pool2d %x, %z, %z {kernel = array<i64: 2, 2>, stride = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, acc_type = i16} : (tensor<1x4x4x3xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x3xi8>

// -----

%a = "test.op"() : () -> tensor<2xi8>
// expected-error@+1 {{'tosa.reduce_sum' op works on i32, got tensor<2xi8>}}
%0 = tosa.reduce_sum %a {axis = 0 : i32} : (tensor<2xi8>) -> tensor<1xi8>

// -----

%a = "test.op"() : () -> tensor<2xi32>
// expected-error@+1 {{'tosa.reduce_max' op axis 1 is outside rank 1}}
%0 = tosa.reduce_max %a {axis = 1 : i32} : (tensor<2xi32>) -> tensor<1xi32>

// -----

%a = "test.op"() : () -> tensor<2xi8>
// expected-error@+1 {{'tosa.reduce_min' op result should be tensor<1xi8>, not of i32}}
%0 = tosa.reduce_min %a {axis = 0 : i32} : (tensor<2xi8>) -> tensor<1xi32>

// -----

%a = "test.op"() : () -> tensor<2x3xi32>
// expected-error@+1 {{'tosa.reduce_max' op result shape [2] should be [2, 1]}}
%0 = tosa.reduce_max %a {axis = 1 : i32} : (tensor<2x3xi32>) -> tensor<2xi32>

// -----

%a = "test.op"() : () -> tensor<2x3xi48>
// expected-error@+1 {{'tosa.reduce_min' op works on i8 and i16 and i32, got tensor<2x3xi48>}}
%0 = tosa.reduce_min %a {axis = 0 : i32} : (tensor<2x3xi48>) -> tensor<1x3xi48>

// -----

%x, %w, %b, %i, %z = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<2x3x3x4xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>)
// expected-error@+1 {{'tosa.conv2d' op weight [2, 3, 3, 4] does not fit 3 input channels}}
%0 = tosa.conv2d %x, %w, %b, %i, %z {acc_type = i32, stride = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>} : (tensor<1x4x4x3xi8>, tensor<2x3x3x4xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32>

// -----

%x, %w, %b, %i, %z = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<3xi32>, tensor<1xi8>, tensor<1xi8>)
// expected-error@+1 {{'tosa.conv2d' op bias must have 2 elements or one}}
%0 = tosa.conv2d %x, %w, %b, %i, %z {acc_type = i32, stride = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>} : (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<3xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32>

// -----

%x, %w, %b, %i, %z = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi32>, tensor<1xi8>)
// expected-error@+1 {{'tosa.conv2d' op input_zp must be tensor<1xi8>, got tensor<1xi32>}}
%0 = tosa.conv2d %x, %w, %b, %i, %z {acc_type = i32, stride = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>} : (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x2x2x2xi32>

// -----

%x, %w, %b, %i, %z = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi32>)
// expected-error@+1 {{'tosa.conv2d' op weight_zp must be tensor<1xi8>, got tensor<1xi32>}}
%0 = tosa.conv2d %x, %w, %b, %i, %z {acc_type = i32, stride = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>} : (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi32>) -> tensor<1x2x2x2xi32>

// -----

%x, %w, %b, %i, %z = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>)
// expected-error@+1 {{'tosa.conv2d' op i8 by i8 is not accumulated in i48}}
%0 = tosa.conv2d %x, %w, %b, %i, %z {acc_type = i48, stride = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>} : (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32>

// -----

%x, %w, %b, %i, %z = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>)
// expected-error@+1 {{'tosa.conv2d' op result should be tensor<1x2x2x2xi32>, not of i8}}
%0 = tosa.conv2d %x, %w, %b, %i, %z {acc_type = i32, stride = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>} : (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi8>

// -----

%x, %w, %b, %i, %z = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>)
// expected-error@+1 {{'tosa.conv2d' op result shape [1, 2, 2, 2] should be [1, 3, 2, 2]}}
%0 = tosa.conv2d %x, %w, %b, %i, %z {acc_type = i32, stride = array<i64: 1, 1>, pad = array<i64: 1, 0, 0, 0>, dilation = array<i64: 1, 1>} : (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32>

// -----

%x, %w, %b, %i, %z = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>)
// expected-error@+1 {{'tosa.conv2d' op pad must be 4 integers ≥ 0, got [-1, 0, 0, 0]}}
%0 = tosa.conv2d %x, %w, %b, %i, %z {acc_type = i32, stride = array<i64: 1, 1>, pad = array<i64: -1, 0, 0, 0>, dilation = array<i64: 1, 1>} : (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32>

// -----

%x, %w, %b, %i, %z = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<3x3x2x1xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>)
// expected-error@+1 {{'tosa.depthwise_conv2d' op weight [3, 3, 2, 1] does not fit 3 input channels}}
%0 = tosa.depthwise_conv2d %x, %w, %b, %i, %z {acc_type = i32, stride = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>} : (tensor<1x4x4x3xi8>, tensor<3x3x2x1xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32>

// -----

%x, %w, %b, %i, %z = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<3x3x3x2xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>)
// expected-error@+1 {{'tosa.depthwise_conv2d' op bias must have 6 elements or one}}
%0 = tosa.depthwise_conv2d %x, %w, %b, %i, %z {acc_type = i32, stride = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>} : (tensor<1x4x4x3xi8>, tensor<3x3x3x2xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x6xi32>

// -----

%x, %w, %b, %i, %z = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<2x3x3x4xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>)
// expected-error@+1 {{'tosa.transpose_conv2d' op weight [2, 3, 3, 4] does not fit 3 input channels}}
%0 = tosa.transpose_conv2d %x, %w, %b, %i, %z {acc_type = i32, stride = array<i64: 1, 1>, out_pad = array<i64: 0, 0, 0, 0>} : (tensor<1x4x4x3xi8>, tensor<2x3x3x4xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32>

// -----

%x, %w, %b, %i, %z = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>)
// expected-error@+1 {{'tosa.transpose_conv2d' op out_pad [-3, 0, 0, 0] must be four sizes above -kernel}}
%0 = tosa.transpose_conv2d %x, %w, %b, %i, %z {acc_type = i32, stride = array<i64: 1, 1>, out_pad = array<i64: -3, 0, 0, 0>} : (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32>

// -----

%x, %w, %b, %i, %z = "test.op"() : () -> (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>)
// expected-error@+1 {{'tosa.transpose_conv2d' op result shape [1, 2, 2, 2] should be [1, 6, 6, 2]}}
%0 = tosa.transpose_conv2d %x, %w, %b, %i, %z {acc_type = i32, stride = array<i64: 1, 1>, out_pad = array<i64: 0, 0, 0, 0>} : (tensor<1x4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32>

// -----

%x, %w, %b, %i, %z = "test.op"() : () -> (tensor<4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>)
// expected-error@+1 {{'tosa.conv2d' op input and weight must have rank 4}}
%0 = tosa.conv2d %x, %w, %b, %i, %z {acc_type = i32, stride = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>} : (tensor<4x4x3xi8>, tensor<2x3x3x3xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32>
