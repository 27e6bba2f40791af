// RUN: ROUNDTRIP
// RUN: cm-opt %s --split-input-file --mlir-elide-elementsattrs-if-larger=4 | filecheck %s --check-prefix=ELIDE

// Up to 64 elements are listed.
// CHECK: dense<[1, 2, 3, 4]> : tensor<4xi8>
// ELIDE: dense<[1, 2, 3, 4]> : tensor<4xi8>
"test.op"() {value = dense<[1, 2, 3, 4]> : tensor<4xi8>} : () -> ()

// CHECK: dense<{{\[\[}}1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
// ELIDE: dense_resource<__elided__> : tensor<2x3xi8>
"test.op"() {value = dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>} : () -> ()

// More are one hexadecimal string.
// CHECK: dense<"0x000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F40"> : tensor<65xi8>
// ELIDE: dense_resource<__elided__> : tensor<65xi8>
"test.op"() {value = dense<"0x000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F40"> : tensor<65xi8>} : () -> ()

// A constant of equal elements is written once, and never elided.
// CHECK: dense<-7> : tensor<64x64x16xi8>
// ELIDE: dense<-7> : tensor<64x64x16xi8>
"test.op"() {value = dense<-7> : tensor<64x64x16xi8>} : () -> ()

// CHECK: dense<1.500000e+00> : tensor<100xf32>
// ELIDE: dense<1.500000e+00> : tensor<100xf32>
"test.op"() {value = dense<1.5> : tensor<100xf32>} : () -> ()

// A float without a short decimal form, and NaN, are written as bits.
// CHECK: dense<"0x0000C07F"> : tensor<100xf32>
"test.op"() {value = dense<"0x0000C07F"> : tensor<100xf32>} : () -> ()
// CHECK: dense<"0xA379EB4C0000803F000080FF"> : tensor<3xf32>
"test.op"() {value = dense<"0xA379EB4C0000803F000080FF"> : tensor<3xf32>} : () -> ()

// Equal means equal bits.
// CHECK: dense<"0x0000000000000080"> : tensor<2xf32>
"test.op"() {value = dense<[0.0, -0.0]> : tensor<2xf32>} : () -> ()

// CHECK: dense<> : tensor<0xi8>
"test.op"() {value = dense<> : tensor<0xi8>} : () -> ()
