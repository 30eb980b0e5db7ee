// SPDX-License-Identifier: MIT
// The tests' service: every type, exceptions, one-way calls, inheritance.

namespace cpp suite

typedef map<string, list<map<i32, set<string>>>> nest

enum colour {
  RED = 1,
  GREEN = 2
}

struct inner {
  1: required i32 number,
  2: optional string text
}

struct every_type {
  1: bool bool_value,
  2: i8 i8_value,
  3: i16 i16_value,
  4: i32 i32_value,
  5: i64 i64_value,
  6: double double_value,
  7: string string_value,
  8: binary binary_value,
  9: colour enum_value,
  10: inner struct_value,
  11: list<i64> list_value,
  12: set<i16> set_value,
  13: map<string, inner> map_value,
  14: nest nest_value,
  15: optional i32 absent_value
}

union choice {
  1: i32 number,
  2: string text,
  3: list<inner> many
}

exception refused {
  1: i32 code,
  2: string why
}

exception broken {
  1: string part
}

service base {
  // How many calls of note() have been executed.
  i32 noted()
}

service suite extends base {
  every_type echo(1: every_type value),
  choice pick(1: choice value),
  binary blob(1: binary bytes),
  // So many bytes.
  binary make(1: i32 size),
  i32 add(1: i32 a, 2: i32 b),
  // Throws: 1 refused, 2 broken, 3 something that is not declared; 0 does not.
  void refuse(1: i32 code) throws (1: refused refused_, 2: broken broken_),
  void nap(1: i32 ms),
  oneway void note(1: i32 number, 2: i32 nap_ms, 3: binary ballast),
  // The numbers noted, in order.
  list<i32> notes()
}
