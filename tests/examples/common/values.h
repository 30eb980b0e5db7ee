// SPDX-License-Identifier: MIT
/* What the services answer, and what the clients send */
#ifndef EXAMPLES_VALUES_H
#define EXAMPLES_VALUES_H

/* version() of every service; name() is the service's name in the IDL. */
enum { VERSION_MAJOR = 1, VERSION_MINOR = 0, VERSION_MICRO = 0 };

/* operation of ping.thrift */
enum { OPERATION_PING = 0, OPERATION_PONG = 1 };

/* test_struct, and hello's text, unless a size is asked for */
#define I8_VALUE (-8)
#define I16_VALUE (-1600)
#define I32_VALUE (-320000)
#define I64_VALUE (-64000000000)
#define DOUBLE_VALUE 0.5
#define STRING_VALUE "a string"
#define BINARY_SIZE 8
#define BINARY_BYTE(at) ((unsigned char)((at)*7 + 1))
/* a map from 0, 1, ... to these */
#define MAP_VALUES "zero", "one", "two"
#define LIST_VALUES 16, -16, 1600
#define SET_VALUES 32, -32, 3200
#define TEXT_VALUE "hello, world"

#endif
