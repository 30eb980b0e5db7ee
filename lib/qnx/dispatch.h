/* SPDX-License-Identifier: MIT */
/* What names and resource managers need of dispatch handles */
#ifndef STPLR_QNX_DISPATCH_H
#define STPLR_QNX_DISPATCH_H

#include <stdbool.h>
#include <sys/dispatch.h>

/* The handle's channel; 0: it has none yet. */
int dispatch_chid(dispatch_t *dpp);
/* Gives a handle without a channel one, which goes with it. */
dispatch_t *dispatch_adopt(dispatch_t *dpp, int chid);
/* The handle's channel, which is made now if it has none: -1 and errno. */
int dispatch_need_channel(dispatch_t *dpp);

/* What is asked about messages for files. */
struct dispatch_files {
	/* Whether it was one; then it is handled, and that is the result. */
	bool (*handle)(resmgr_context_t *ctp, int *result);
	/* The same, of one that nobody else knows. */
	bool (*other)(resmgr_context_t *ctp, int *result);
	/* Whether the message is one, whose client wants to be unblocked. */
	bool (*unblock)(resmgr_context_t *ctp);
	/* The handle goes. */
	void (*end)(dispatch_t *dpp);
};
/* Contexts have so many parts and bytes from now on: 0, -EINVAL where there are smaller ones. */
int dispatch_use_files(dispatch_t *dpp, const struct dispatch_files *files, unsigned nparts,
		       unsigned size);

#endif
