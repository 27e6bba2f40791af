// RUN: DIAGNOSTICS

// expected-error@+1 {{quant.uniform: the storage type is i8, i16 or i32}}
"test.op"() {t = !quant.uniform<f32:f32, 0.1>} : () -> ()

// -----

// expected-error@+1 {{quant.uniform: storage type i4 is not i8, i16, i32}}
"test.op"() {t = !quant.uniform<i4:f32, 0.1>} : () -> ()

// -----

// expected-error@+1 {{quant.uniform: storage type ui8 is not i8, i16, i32}}
"test.op"() {t = !quant.uniform<ui8:f32, 0.1>} : () -> ()

// -----

// expected-error@+1 {{quant.uniform: the expressed type is f32}}
"test.op"() {t = !quant.uniform<i8:f16, 0.1>} : () -> ()

// -----

// expected-error@+1 {{quant.uniform: storage range 5:5 is empty or outside i8}}
"test.op"() {t = !quant.uniform<i8<5:5>:f32, 0.1:5>} : () -> ()

// -----

// expected-error@+1 {{quant.uniform: storage range -129:127 is empty or outside i8}}
"test.op"() {t = !quant.uniform<i8<-129:127>:f32, 0.1>} : () -> ()

// -----

// expected-error@+1 {{quant.uniform: storage range -128:128 is empty or outside i8}}
"test.op"() {t = !quant.uniform<i8<-128:128>:f32, 0.1>} : () -> ()

// -----

// expected-error@+1 {{quant.uniform: several scales need an axis (`i8:f32:0, {…}`)}}
"test.op"() {t = !quant.uniform<i8:f32, {0.1, 0.2}>} : () -> ()

// -----

// expected-error@+1 {{quant.uniform: every scale must be positive and finite}}
"test.op"() {t = !quant.uniform<i8:f32:0, {}>} : () -> ()

// -----

// expected-error@+1 {{quant.uniform: every scale must be positive and finite}}
"test.op"() {t = !quant.uniform<i8:f32, 0.0>} : () -> ()

// -----

// expected-error@+1 {{quant.uniform: every scale must be positive and finite}}
"test.op"() {t = !quant.uniform<i8:f32:0, {0.1, -0.1}>} : () -> ()

// -----

// expected-error@+1 {{quant.uniform: every scale and its inverse must be normal numbers of float32}}
"test.op"() {t = !quant.uniform<i8:f32, 1.0e-46>} : () -> ()

// -----

// expected-error@+1 {{quant.uniform: every scale and its inverse must be normal numbers of float32}}
"test.op"() {t = !quant.uniform<i8:f32, 1.0e300>} : () -> ()

// -----

// expected-error@+1 {{1e-46 is not a number; write 1.0e-46}}
"test.op"() {t = !quant.uniform<i8:f32, 1e-46>} : () -> ()

// -----

// expected-error@+1 {{quant.uniform: zero point outside i8}}
"test.op"() {t = !quant.uniform<i8:f32:0, {0.1, 0.1:128}>} : () -> ()

// -----

// expected-error@+1 {{quant.uniform: zero point 100000000000000000000 has more than 64 bits}}
"test.op"() {t = !quant.uniform<i8:f32, 0.1:100000000000000000000>} : () -> ()
