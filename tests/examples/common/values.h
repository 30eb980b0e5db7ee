// SPDX-License-Identifier: MIT
/* What the services answer, and what the clients send */
#ifndef EXAMPLES_VALUES_H
#define EXAMPLES_VALUES_H

/* version() of every service; name() is the service's name in the IDL. */
enum { VERSION_MAJOR = 1, VERSION_MINOR = 0, VERSION_MICRO = 0 };

/* timer's INVALID_TIMER: Thrift's compiler for C/GLib has no such constants. */
#define NO_TIMER (-1)

/* test_struct; binary_value and hello's text have the length asked for */
#define I8_VALUE (-8)
#define I16_VALUE (-1600)
#define I32_VALUE 320000
#define I64_VALUE (-6400000000)
#define DOUBLE_VALUE 0.125
#define STRING_VALUE "text"
#define BINARY_BYTE(at) ((unsigned char)((at)*31))
#define MAP_KEYS 1, -2, 3
#define MAP_VALUES "one", "minus two", "three"
#define LIST_VALUES 1, 2, 3
#define SET_VALUES 10, 20, 30

#endif
