// SPDX-License-Identifier: MIT
// The handler of the tests' service (suite.thrift), and values of it.
#pragma once

#include <thrift/c_glib/processor/thrift_dispatch_processor.h>
#include <thrift/c_glib/thrift_struct.h>

extern "C" {
#include "gen-c_glib/suite.h"
}

// Keeps the numbers that note() was told.
extern "C" GType test_handler_get_type(void);

// A structure with something in every field, nested ones too; the caller owns it.
every_type *new_every_type();

// Fails the test where a field differs.
void expect_equal(const every_type *a, const every_type *b);
