// RUN: DIAGNOSTICS

func.func @f(%x: tensor<4x3xi8>) {
  // expected-error@+1 {{'cortex_m.subview' op elements 10..13 are outside 12}}
  %0 = cortex_m.subview %x {offset = 10 : i64} : (tensor<4x3xi8>) -> tensor<3xi8>
  func.return
}

// -----

func.func @f(%x: tensor<4x3xi8>) {
  // expected-error@+1 {{'cortex_m.subview' op must keep the element type}}
  %0 = cortex_m.subview %x {offset = 0 : i64} : (tensor<4x3xi8>) -> tensor<3xf32>
  func.return
}

// -----

func.func @f(%x: tensor<8xi8, #cortex_m.place<arena, 16>>) {
  // expected-error@+1 {{'cortex_m.subview' op must begin 4 bytes into its input}}
  %0 = cortex_m.subview %x {offset = 4 : i64} : (tensor<8xi8, #cortex_m.place<arena, 16>>) -> tensor<4xi8, #cortex_m.place<arena, 16>>
  func.return
}

// -----

func.func @f(%x: tensor<3xi8>, %y: tensor<3xi8>) {
  // expected-error@+1 {{'cortex_m.join' op the operands do not make up tensor<7xi8>}}
  %0 = cortex_m.join %x, %y : (tensor<3xi8>, tensor<3xi8>) -> tensor<7xi8>
  func.return
}

// -----

func.func @f(%x: tensor<3xi8>, %y: tensor<3xi32>) {
  // expected-error@+1 {{'cortex_m.join' op operands and result must be of one element type}}
  %0 = cortex_m.join %x, %y : (tensor<3xi8>, tensor<3xi32>) -> tensor<6xi8>
  func.return
}

// -----

func.func @f(%x: tensor<3xi8, #cortex_m.place<arena, 0>>, %y: tensor<3xi8, #cortex_m.place<arena, 4>>) {
  // expected-error@+1 {{'cortex_m.join' op an operand does not begin 3 bytes into the result}}
  %0 = cortex_m.join %x, %y : (tensor<3xi8, #cortex_m.place<arena, 0>>, tensor<3xi8, #cortex_m.place<arena, 4>>) -> tensor<6xi8, #cortex_m.place<arena, 0>>
  func.return
}
