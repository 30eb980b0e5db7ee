/* SPDX-License-Identifier: MIT */
/* The system's <mqueue.h>, whose mq_notify() takes QNX's events. */
#pragma GCC system_header
#include_next <mqueue.h>

#ifndef __STPLR_QNX_MQUEUE_H
#define __STPLR_QNX_MQUEUE_H
#include <sys/siginfo.h>

__BEGIN_DECLS
extern int __REDIRECT_NTH(mq_notify, (mqd_t __queue, const struct sigevent *__event),
			  stplr_qnx_mq_notify);
__END_DECLS
#endif
