// RUN: DIAGNOSTICS

%x = "test.op"() : () -> tensor<4xf32>
// expected-error@+1 {{'quant.qcast' op tensor<4xi8> has no !quant.uniform element type}}
%0 = quant.qcast %x : tensor<4xf32> to tensor<4xi8>

// -----

%x = "test.op"() : () -> tensor<4xi8>
// expected-error@+1 {{'quant.dcast' op tensor<4xi8> has no !quant.uniform element type}}
%0 = quant.dcast %x : tensor<4xi8> to tensor<4xf32>

// -----

%x = "test.op"() : () -> tensor<4xi8>
// expected-error@+1 {{'quant.qcast' op expected element type f32, got tensor<4xi8>}}
%0 = quant.qcast %x : tensor<4xi8> to tensor<4x!quant.uniform<i8:f32, 0.1>>

// -----

%x = "test.op"() : () -> tensor<4x!quant.uniform<i8:f32, 0.1>>
// expected-error@+1 {{'quant.dcast' op expected element type f32, got tensor<4xf16>}}
%0 = quant.dcast %x : tensor<4x!quant.uniform<i8:f32, 0.1>> to tensor<4xf16>

// -----

%x = "test.op"() : () -> tensor<4xi8>
// expected-error@+1 {{'quant.scast' op neither side has a !quant.uniform element type}}
%0 = quant.scast %x : tensor<4xi8> to tensor<4xi8>

// -----

%x = "test.op"() : () -> tensor<4xi16>
// expected-error@+1 {{'quant.scast' op expected element type i8, got tensor<4xi16>}}
%0 = quant.scast %x : tensor<4xi16> to tensor<4x!quant.uniform<i8:f32, 0.1>>

// -----

// A cast between two quantized types must go through storage.
%x = "test.op"() : () -> tensor<4x!quant.uniform<i8:f32, 0.1>>
// expected-error@+1 {{'quant.scast' op expected element type i8, got tensor<4x!quant.uniform<i8:f32, 0.1>>}}
%0 = quant.scast %x : tensor<4x!quant.uniform<i8:f32, 0.1>> to tensor<4x!quant.uniform<i8:f32, 0.2>>

// -----

%x = "test.op"() : () -> tensor<4xf32>
// expected-error@+1 {{'quant.qcast' op tensor<2x2x!quant.uniform<i8:f32, 0.1>> and tensor<4xf32> differ in shape}}
%0 = quant.qcast %x : tensor<4xf32> to tensor<2x2x!quant.uniform<i8:f32, 0.1>>

// -----

%x = "test.op"() : () -> tensor<2x2xf32, #edge.dim_order<[1, 0]>>
// expected-error@+1 {{'quant.qcast' op tensor<2x2x!quant.uniform<i8:f32, 0.1>> and tensor<2x2xf32, #edge.dim_order<[1, 0]>> differ in their encoding}}
%0 = quant.qcast %x : tensor<2x2xf32, #edge.dim_order<[1, 0]>> to tensor<2x2x!quant.uniform<i8:f32, 0.1>>

// -----

%x = "test.op"() : () -> tensor<3x4xi8>
// expected-error@+1 {{'quant.scast' op 2 scales on axis 0 do not fit shape [3, 4]}}
%0 = quant.scast %x : tensor<3x4xi8> to tensor<3x4x!quant.uniform<i8:f32:0, {0.1, 0.2}>>

// -----

%x = "test.op"() : () -> tensor<3x4xi8>
// expected-error@+1 {{'quant.scast' op 4 scales on axis 2 do not fit shape [3, 4]}}
%0 = quant.scast %x : tensor<3x4xi8> to tensor<3x4x!quant.uniform<i8:f32:2, {0.1, 0.2, 0.3, 0.4}>>
