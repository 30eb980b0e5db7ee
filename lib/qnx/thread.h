/* SPDX-License-Identifier: MIT */
/* Threads whose deaths are told */
#ifndef STPLR_QNX_THREAD_H
#define STPLR_QNX_THREAD_H

/* The calling thread may receive or send: its death is to be told. */
void thread_seen(void);

#endif
