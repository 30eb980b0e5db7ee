// SPDX-License-Identifier: MIT
// The service of the C/GLib tests: every type, nested containers, a union, exceptions, one-way calls, inheritance.

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
  14: map<string, list<map<i32, string>>> nest_value,
  15: optional i32 absent_value
}

union choice {
  1: i32 number,
  2: string text,
  3: inner structure
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
  i32 add(1: i32 a, 2: i32 b),
  // 1: refused; 0: nothing.
  void refuse(1: i32 code) throws (1: refused refused_, 2: broken broken_),
  // An application exception if that is negative.
  void nap(1: i32 ms),
  oneway void note(1: i32 number, 2: i32 nap_ms, 3: binary ballast),
  // The numbers noted, in order.
  list<i32> notes()
}
