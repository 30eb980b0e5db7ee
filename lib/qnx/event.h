/* SPDX-License-Identifier: MIT */
/* Events that are registered with the kernel */
#ifndef STPLR_QNX_EVENT_H
#define STPLR_QNX_EVENT_H

#include <stdint.h>

/* The descriptor's connection is gone, or is another one. */
void events_forget_connection(int fd);

/* A client's event that is no program's: it polls the file with the number that the value is. */
#define SIGEV_FILE_READY 0x7f
/* Tells it; for whoever serves files. */
extern void (*event_file_ready)(uint32_t file);

#endif
