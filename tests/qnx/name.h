/* SPDX-License-Identifier: MIT */
/* What name_server and name_client say to each other */
#ifndef NAME_H
#define NAME_H

#include <sys/iomsg.h>
#include <sys/neutrino.h>

#define ATTACH_POINT "qnx/adder"

/* As long as a pulse at least, so that pulses fit. */
typedef struct _pulse msg_header_t;

#define MY_ADD (_IO_MAX + 1)

typedef struct {
	msg_header_t hdr;
	int a;
	int b;
} my_data_t;

#endif
