// RUN: DIAGNOSTICS

// On the same line.
"test.unknown"() : () -> () // expected-error {{unknown operation 'test.unknown'}}

// -----

// expected-error@+1 {{there is no dialect 'nowhere'}}
"nowhere.op"() : () -> ()

// -----

"nowhere.op"() : () -> ()
// expected-error@-1 {{unknown operation 'nowhere.op'}}

// -----

// expected-error@below {{unknown operation 'nowhere.op'}}
"nowhere.op"() : () -> ()

// -----

"nowhere.op"() : () -> ()
// expected-error@above {{unknown operation 'nowhere.op'}}

// -----

// An op with a location in another file has no line here.
// expected-error@unknown {{'func.return' op}}
func.func @f() -> i32 {
  func.return loc("model.py":41:0)
}

// -----

// A chunk that expects nothing must report nothing.
"test.op"() : () -> ()
