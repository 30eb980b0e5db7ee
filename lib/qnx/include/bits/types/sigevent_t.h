/* SPDX-License-Identifier: MIT */
/*
 * struct sigevent as QNX programs know it, instead of the C library's.
 *
 * It is as long as the C library's, and what both have lies at the same place, so that structures
 * that contain one (struct aiocb) stay as the C library expects them. The values of sigev_notify
 * are QNX's: calls that take a sigevent are translated (<time.h>, <mqueue.h>).
 */
#pragma GCC system_header
#ifndef __sigevent_t_defined
#define __sigevent_t_defined 1

#include <bits/types.h>
#include <bits/types/__sigval_t.h>

#ifndef __have_pthread_attr_t
typedef union pthread_attr_t pthread_attr_t;
#define __have_pthread_attr_t 1
#endif

typedef struct sigevent {
	__sigval_t sigev_value;
	union {
		int sigev_signo; /* signals */
		int sigev_coid;  /* pulses: the connection to send it over */
		int sigev_id;
	};
	int sigev_notify; /* SIGEV_* and SIGEV_FLAG_* */
	union {
		struct {
			void (*sigev_notify_function)(__sigval_t);
			pthread_attr_t *sigev_notify_attributes;
		};
		struct {
			short sigev_code;
			short sigev_priority; /* pulses */
		};
		void *sigev_semaphore; /* sem_t */
		int __sigev_room[4];
	};
	/* The library's: what the kernel calls the event, so that a server can have it delivered.
	 */
	unsigned int __sigev_event;
	int __sigev_registrar; /* the descriptor it was registered on */
	int __sigev_local;     /* one more than the number of what only the process itself can do */
	int __sigev_thread;
	unsigned int __sigev_check; /* tells an event that was changed since */
	int __sigev_zero[3];
} sigevent_t;

#endif
