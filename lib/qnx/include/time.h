/* SPDX-License-Identifier: MIT */
/* The system's <time.h>, whose timers take QNX's events. */
#pragma GCC system_header
#include_next <time.h>

#if defined CLOCK_REALTIME && !defined __STPLR_QNX_TIME_H
#define __STPLR_QNX_TIME_H
#include <features.h>
#include <stdint.h>

/* Counts while the processor sleeps or not: on Linux it is all the same. */
#define CLOCK_SOFTTIME CLOCK_REALTIME

__BEGIN_DECLS
struct sigevent;
extern int __REDIRECT_NTH(timer_create,
			  (clockid_t __clock, struct sigevent *__restrict __event,
			   timer_t *__restrict __id),
			  stplr_qnx_timer_create);
extern int __REDIRECT_NTH(timer_delete, (timer_t __id), stplr_qnx_timer_delete);
extern int __REDIRECT_NTH(timer_settime,
			  (timer_t __id, int __flags, const struct itimerspec *__restrict __value,
			   struct itimerspec *__restrict __old),
			  stplr_qnx_timer_settime);
extern int __REDIRECT_NTH(timer_gettime, (timer_t __id, struct itimerspec *__value),
			  stplr_qnx_timer_gettime);
extern int __REDIRECT_NTH(timer_getoverrun, (timer_t __id), stplr_qnx_timer_getoverrun);

/* TimerTimeout() with the time in another form. */
extern int timer_timeout(clockid_t __clock, int __flags, const struct sigevent *__notify,
			 const struct timespec *__time, struct timespec *__old);
extern int timer_timeout_r(clockid_t __clock, int __flags, const struct sigevent *__notify,
			   const struct timespec *__time, struct timespec *__old);

/* Time in nanoseconds. */
extern void nsec2timespec(struct timespec *__time, uint64_t __ns);
extern uint64_t timespec2nsec(const struct timespec *__time);

/* Waiting without giving way: 0, or an error's number. */
extern int nanospin(const struct timespec *__time);
extern int nanospin_ns(unsigned long __ns);
extern unsigned long nanospin_ns_to_count(unsigned long __ns);
extern void nanospin_count(unsigned long __count);
extern int nanospin_calibrate(int __disable);
__END_DECLS
#endif
