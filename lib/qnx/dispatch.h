/* SPDX-License-Identifier: MIT */
/* What names need of dispatch handles */
#ifndef STPLR_QNX_DISPATCH_H
#define STPLR_QNX_DISPATCH_H

#include <sys/dispatch.h>

/* The handle's channel; 0: it has none yet. */
int dispatch_chid(dispatch_t *dpp);
/* Gives a handle without a channel one, which goes with it. */
dispatch_t *dispatch_adopt(dispatch_t *dpp, int chid);

#endif
