/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/* What the drivers "echo" and "echo2" and the program "echoes" know of each other. */
#ifndef ECHO_H
#define ECHO_H

#define ECHO_NAME "echo" /* of the ring set, if nothing else is said */

/*
 * Every record comes back as it was, of whatever type and length, in its order. There is nothing
 * else to know.
 */

#endif
