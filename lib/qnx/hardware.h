/* SPDX-License-Identifier: MIT */
/* The processor's ports */
#ifndef STPLR_QNX_HARDWARE_H
#define STPLR_QNX_HARDWARE_H

/* Lets the calling thread at all of them: 0 or -errno. */
int hardware_ports(void);

#endif
