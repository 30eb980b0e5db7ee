// SPDX-License-Identifier: MIT
// A structure with a field of each type, there and back; and a call without an answer.

include "example.thrift"

namespace cpp stplr.examples

enum operation {
  PING = 0,
  PONG = 1
}

struct test_struct {
  1: operation op,
  2: bool bool_value,
  3: i8 i8_value,
  4: i16 i16_value,
  5: i32 i32_value,
  6: i64 i64_value,
  7: double double_value,
  8: string string_value,
  9: binary binary_value,
  10: map<i8, string> map_value,
  11: list<i16> list_value,
  12: set<i32> set_value
}

service ping extends example.example {
  // The argument, with op set to PONG.
  test_struct ping(1: test_struct arg),
  oneway void hello(1: string text)
}
