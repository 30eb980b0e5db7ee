// SPDX-License-Identifier: MIT
/*
 * What handlers do with their message, and loops with their context: the same as MsgRead() and
 * dispatch_block() and their siblings, of which dispatch_*() has replaced some
 */
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/neutrino.h>
#include <sys/resmgr.h>

#include "result.h"

static int length(ssize_t n)
{
	return n < 0 ? outcome((int)n) : n > INT_MAX ? INT_MAX : (int)n;
}

int resmgr_msgread(resmgr_context_t *ctp, void *msg, size_t bytes, size_t offset)
{
	return length(MsgRead_r(ctp->rcvid, msg, bytes, ctp->offset + offset));
}

int resmgr_msgreadv(resmgr_context_t *ctp, iov_t *iov, int parts, size_t offset)
{
	return length(MsgReadv_r(ctp->rcvid, iov, (size_t)parts, ctp->offset + offset));
}

int resmgr_msgwrite(resmgr_context_t *ctp, const void *msg, size_t bytes, size_t offset)
{
	return length(MsgWrite_r(ctp->rcvid, msg, bytes, offset));
}

int resmgr_msgwritev(resmgr_context_t *ctp, const iov_t *iov, int parts, size_t offset)
{
	return length(MsgWritev_r(ctp->rcvid, iov, (size_t)parts, offset));
}

int resmgr_msgget(resmgr_context_t *ctp, void *msg, size_t bytes, size_t offset)
{
	if (ctp->info.msglen > 0 && offset + bytes <= (size_t)ctp->info.msglen) {
		memcpy(msg, (char *)ctp->msg + offset, bytes);
		return (int)bytes;
	}
	return resmgr_msgread(ctp, msg, bytes, offset);
}

int resmgr_msggetv(resmgr_context_t *ctp, iov_t *iov, int parts, size_t offset)
{
	return resmgr_msgreadv(ctp, iov, parts, offset);
}

int resmgr_msgreply(resmgr_context_t *ctp, const void *msg, size_t bytes)
{
	return MsgReply(ctp->rcvid, ctp->status, msg, bytes);
}

int resmgr_msgreplyv(resmgr_context_t *ctp, iov_t *iov, int parts)
{
	return MsgReplyv(ctp->rcvid, ctp->status, iov, (size_t)parts);
}

/* What dispatch_*() has replaced */

resmgr_context_t *resmgr_context_alloc(dispatch_t *dpp)
{
	dispatch_context_t *context = dispatch_context_alloc(dpp);

	return context ? &context->resmgr_context : NULL;
}

void resmgr_context_free(resmgr_context_t *ctp)
{
	dispatch_context_free((dispatch_context_t *)ctp);
}

resmgr_context_t *resmgr_block(resmgr_context_t *ctp)
{
	return dispatch_block((dispatch_context_t *)ctp) ? ctp : NULL;
}

void resmgr_unblock(resmgr_context_t *ctp)
{
	dispatch_unblock((dispatch_context_t *)ctp);
}

int resmgr_handler(resmgr_context_t *ctp)
{
	return dispatch_handler((dispatch_context_t *)ctp);
}

int _resmgr_handler(resmgr_context_t *ctp)
{
	return resmgr_handler(ctp);
}
