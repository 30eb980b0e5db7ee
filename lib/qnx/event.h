/* SPDX-License-Identifier: MIT */
/* Events that are registered with the kernel */
#ifndef STPLR_QNX_EVENT_H
#define STPLR_QNX_EVENT_H

/* The descriptor's connection is gone, or is another one. */
void events_forget_connection(int fd);

#endif
