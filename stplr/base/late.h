/* SPDX-License-Identifier: GPL-2.0 */
/* What is done late, by a thread of the kernel's. */
#ifndef STPLR_BASE_LATE_H
#define STPLR_BASE_LATE_H

struct delayed_work;
struct work_struct;

int stplr_late_init(void);
void stplr_late_exit(void);
void stplr_late_flush(void);
void stplr_queue_late(struct work_struct *work);
void stplr_queue_late_after(struct delayed_work *work, unsigned long ticks);

#endif /* STPLR_BASE_LATE_H */
