/* SPDX-License-Identifier: MIT */
/*
 * The system's <signal.h>, with QNX's sigevents (bits/, <sys/siginfo.h>).
 *
 * A handler that signal() sets interrupts calls, as on QNX; the C library's restarts them.
 */
#pragma GCC system_header
#include_next <signal.h>

#ifndef __STPLR_QNX_SIGNAL_H
#define __STPLR_QNX_SIGNAL_H
#include <features.h>

__BEGIN_DECLS
extern __sighandler_t __REDIRECT_NTH(signal, (int __signo, __sighandler_t __handler),
				     stplr_qnx_signal);
__END_DECLS

#include <sys/siginfo.h>
#endif
