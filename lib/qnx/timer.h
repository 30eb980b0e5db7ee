/* SPDX-License-Identifier: MIT */
/* Timers: called with service_lock */
#ifndef STPLR_QNX_TIMER_H
#define STPLR_QNX_TIMER_H

void timer_expired(unsigned timer);
void timers_forget(void);

#endif
