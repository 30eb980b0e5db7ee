/* SPDX-License-Identifier: GPL-2.0 */
/* What it costs here that a thread sleeps and is woken. */
#ifndef STPLR_BASE_SLEEP_COST_H
#define STPLR_BASE_SLEEP_COST_H

extern unsigned int stplr_sleep_us;

void stplr_sleep_cost_measure(void);

#endif /* STPLR_BASE_SLEEP_COST_H */
