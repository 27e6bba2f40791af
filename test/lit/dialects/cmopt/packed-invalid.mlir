// RUN: DIAGNOSTICS

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<1x4x4x5xi8>, tensor<270xi8>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>)
// expected-error@+1 {{'cmopt.packed_conv2d' op 270 weights are in 135 bytes, got tensor<270xi8>}}
%0 = cmopt.packed_conv2d %x, %w sums %b requantize %m, %m scratch %t {kernel_size = array<i64: 3, 3>, groups = 1 : i32, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x5xi8>, tensor<270xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>) -> tensor<1x4x4x6xi8>

// -----

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<1x4x4x5xi8>, tensor<6x3x3x5xi8>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>)
// expected-error@+1 {{'cmopt.packed_conv2d' op weight must have rank 1, got tensor<6x3x3x5xi8>}}
%0 = cmopt.packed_conv2d %x, %w sums %b requantize %m, %m scratch %t {kernel_size = array<i64: 3, 3>, groups = 1 : i32, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x5xi8>, tensor<6x3x3x5xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>) -> tensor<1x4x4x6xi8>

// -----

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<1x4x4x5xi8>, tensor<135xi4>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>)
// expected-error@+1 {{'cmopt.packed_conv2d' op weight must be a tensor of i8, got tensor<135xi4>}}
%0 = cmopt.packed_conv2d %x, %w sums %b requantize %m, %m scratch %t {kernel_size = array<i64: 3, 3>, groups = 1 : i32, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x5xi8>, tensor<135xi4>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>) -> tensor<1x4x4x6xi8>

// -----

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<236xi8>)
// expected-error@+1 {{'cmopt.packed_conv2d' op scratch must have 237 bytes at least, got tensor<236xi8>}}
%0 = cmopt.packed_conv2d %x, %w sums %b requantize %m, %m scratch %t {kernel_size = array<i64: 3, 3>, groups = 1 : i32, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<236xi8>) -> tensor<1x4x4x6xi8>

// -----

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<1x4x4x5xi8>, tensor<15xi8>, tensor<6xi32>, tensor<6xi32>, tensor<4xi8>)
// expected-error@+1 {{'cmopt.packed_conv2d' op scratch must have 5 bytes at least, got tensor<4xi8>}}
%0 = cmopt.packed_conv2d %x, %w sums %b requantize %m, %m scratch %t {kernel_size = array<i64: 1, 1>, groups = 1 : i32, stride = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x5xi8>, tensor<15xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<4xi8>) -> tensor<1x4x4x6xi8>

// -----

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>)
// expected-error@+1 {{'cmopt.packed_conv2d' op 5 and 6 channels do not have 2 groups}}
%0 = cmopt.packed_conv2d %x, %w sums %b requantize %m, %m scratch %t {kernel_size = array<i64: 3, 3>, groups = 2 : i32, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>) -> tensor<1x4x4x6xi8>

// -----

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<1x4x4x6xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>)
// expected-error@+1 {{'cmopt.packed_conv2d' op 6 and 6 channels do not have 0 groups}}
%0 = cmopt.packed_conv2d %x, %w sums %b requantize %m, %m scratch %t {kernel_size = array<i64: 3, 3>, groups = 0 : i32, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x6xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>) -> tensor<1x4x4x6xi8>

// -----

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>)
// expected-error@+1 {{'cmopt.packed_conv2d' op kernel_size must be two integers in 1..65535}}
%0 = cmopt.packed_conv2d %x, %w sums %b requantize %m, %m scratch %t {kernel_size = array<i64: 3, 0>, groups = 1 : i32, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>) -> tensor<1x4x4x6xi8>

// -----

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>)
// expected-error@+1 {{'cmopt.packed_conv2d' op kernel_size must be two integers in 1..65535}}
%0 = cmopt.packed_conv2d %x, %w sums %b requantize %m, %m scratch %t {kernel_size = array<i64: 3>, groups = 1 : i32, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>) -> tensor<1x4x4x6xi8>

// -----

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>)
// expected-error@+1 {{'cmopt.packed_conv2d' op a filter bank has 1 to 2147483647 weights}}
%0 = cmopt.packed_conv2d %x, %w sums %b requantize %m, %m scratch %t {kernel_size = array<i64: 65535, 65535>, groups = 1 : i32, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>) -> tensor<1x4x4x6xi8>

// -----

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi64>, tensor<6xi32>, tensor<237xi8>)
// expected-error@+1 {{'cmopt.packed_conv2d' op sums must be a tensor of i32, got tensor<6xi64>}}
%0 = cmopt.packed_conv2d %x, %w sums %b requantize %m, %m scratch %t {kernel_size = array<i64: 3, 3>, groups = 1 : i32, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi64>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>) -> tensor<1x4x4x6xi8>

// -----

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<5xi32>, tensor<6xi32>, tensor<237xi8>)
// expected-error@+1 {{'cmopt.packed_conv2d' op sums shape [5] should be [6]}}
%0 = cmopt.packed_conv2d %x, %w sums %b requantize %m, %m scratch %t {kernel_size = array<i64: 3, 3>, groups = 1 : i32, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<5xi32>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>) -> tensor<1x4x4x6xi8>

// -----

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>)
// expected-error@+1 {{'cmopt.packed_conv2d' op input_offset must be in -127..128, got -128}}
%0 = cmopt.packed_conv2d %x, %w sums %b requantize %m, %m scratch %t {kernel_size = array<i64: 3, 3>, groups = 1 : i32, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = -128 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>) -> tensor<1x4x4x6xi8>

// -----

%x, %w, %b, %m, %t = "test.op"() : () -> (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>)
// expected-error@+1 {{'cmopt.packed_conv2d' op output height 9 does not fit input 4, kernel 3, stride 1, padding 1, dilation 1}}
%0 = cmopt.packed_conv2d %x, %w sums %b requantize %m, %m scratch %t {kernel_size = array<i64: 3, 3>, groups = 1 : i32, stride = array<i64: 1, 1>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, input_offset = 0 : i32, output_offset = 0 : i32, activation_min = -128 : i32, activation_max = 127 : i32} : (tensor<1x4x4x5xi8>, tensor<135xi8>, tensor<6xi32>, tensor<6xi32>, tensor<6xi32>, tensor<237xi8>) -> tensor<1x9x4x6xi8>
