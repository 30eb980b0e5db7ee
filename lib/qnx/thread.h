/* SPDX-License-Identifier: MIT */
/* Threads whose ends are told */
#ifndef STPLR_QNX_THREAD_H
#define STPLR_QNX_THREAD_H

struct thread_end {
	void (*function)(int tid); /* called by the thread that ends */
	struct thread_end *next;
};

/* The calling thread may receive or send: its end is to be told. */
void thread_seen(void);
/* Tells the ends of all that were seen from now on; for constructors. */
void thread_at_end(struct thread_end *told);

/* A thread of the library's own, which blocks all signals and is detached: 0, or -errno. */
int thread_start(void *(*run)(void *));

#endif
