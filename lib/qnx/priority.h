/* SPDX-License-Identifier: MIT */
/* QNX's priorities */
#ifndef STPLR_QNX_PRIORITY_H
#define STPLR_QNX_PRIORITY_H

/* QNX's priority, 0 to 255 or -1 (the thread's own), as the kernel's; and back. */
int priority_to_kernel(int priority);
int priority_from_kernel(int priority);
/* The calling thread's, as the kernel's. */
int priority_own(void);

#endif
