// SPDX-License-Identifier: MIT
/*
 * What a service is called on the bus, and the types of what is sent (D-Bus signatures)
 *
 * Each service is a bus name of its own with one object. The object has the service's interface and
 * org.stplr.Example, as in the Thrift IDL each service extends example.
 */
#ifndef EXAMPLES_DBUS_NAMES_H
#define EXAMPLES_DBUS_NAMES_H

#define EXAMPLE_INTERFACE "org.stplr.Example"
#define PING_INTERFACE "org.stplr.Ping"
#define CALCULATOR_INTERFACE "org.stplr.Calculator"
#define TIMER_INTERFACE "org.stplr.Timer"

/* A service's bus name is its interface's. */
#define OBJECT_PATH "/org/stplr/service"

#define ERROR_CALCULATOR "org.stplr.Error.Calculator"
#define ERROR_TIMER "org.stplr.Error.Timer"

/* version_struct: major, minor, micro */
#define VERSION_SIGNATURE "(iii)"
/* test_struct: op; bool i8 i16 i32 i64 double string binary; map<i8,string> list<i16> set<i32> */
#define TEST_SIGNATURE "(ibynixdsaya{ys}anai)"
/* operation of ping.thrift: op of a test_struct */
#define OPERATION_PING 0
#define OPERATION_PONG 1
/* signal Tick: timer_id, and the timestamp's counter and abstime */
#define TICK_SIGNATURE "xxx"

#endif
