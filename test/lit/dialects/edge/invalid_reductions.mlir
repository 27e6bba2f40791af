// RUN: DIAGNOSTICS

%x = "test.op"() : () -> tensor<2x3xf32>
// expected-error@+1 {{'edge.mean' op dims [1, 0] must be ascending dimensions of rank 2}}
%0 = edge.mean %x {dims = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<1x1xf32>

// -----

%x = "test.op"() : () -> tensor<2x3xf32>
// expected-error@+1 {{'edge.sum' op dims [] must be ascending dimensions of rank 2}}
%0 = edge.sum %x {dims = array<i64>} : (tensor<2x3xf32>) -> tensor<2x3xf32>

// -----

%x = "test.op"() : () -> tensor<2x3xf32>
// expected-error@+1 {{'edge.amax' op dims [2] must be ascending dimensions of rank 2}}
%0 = edge.amax %x {dims = array<i64: 2>} : (tensor<2x3xf32>) -> tensor<2x3xf32>

// -----

%x = "test.op"() : () -> tensor<2x3xf32>
// expected-error@+1 {{'edge.amin' op result shape [2] should be [2, 1]}}
%0 = edge.amin %x {dims = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2xf32>

// -----

%x = "test.op"() : () -> tensor<0x3xf32>
// expected-error@+1 {{'edge.mean' op reduces no elements}}
%0 = edge.mean %x {dims = array<i64: 0>} : (tensor<0x3xf32>) -> tensor<1x3xf32>
