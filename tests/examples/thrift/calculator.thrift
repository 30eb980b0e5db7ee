// SPDX-License-Identifier: MIT
// Arithmetic. What has no result (division by zero, a result that is no i32) is answered with an
// application exception.

include "example.thrift"

namespace cpp stplr.examples

service calculator extends example.example {
  i32 add(1: i32 arg1, 2: i32 arg2),
  i32 subtract(1: i32 arg1, 2: i32 arg2),
  i32 multiply(1: i32 arg1, 2: i32 arg2),
  i32 divide(1: i32 arg1, 2: i32 arg2)
}
