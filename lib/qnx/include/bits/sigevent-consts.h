/* SPDX-License-Identifier: MIT */
/* The values of sigev_notify: QNX's. */
#pragma GCC system_header
#ifndef _BITS_SIGEVENT_CONSTS_H
#define _BITS_SIGEVENT_CONSTS_H 1

#define SIGEV_NONE 0
#define SIGEV_SIGNAL 1
#define SIGEV_SIGNAL_CODE 2
#define SIGEV_SIGNAL_THREAD 3
#define SIGEV_PULSE 4
#define SIGEV_UNBLOCK 5
#define SIGEV_INTR 6
#define SIGEV_THREAD 7
#define SIGEV_SEM 8

#endif
