// SPDX-License-Identifier: MIT
// What every service of the examples answers.

namespace cpp stplr.examples

struct version_struct {
  1: i32 major,
  2: i32 minor,
  3: i32 micro
}

service example {
  string name(),
  version_struct version()
}
