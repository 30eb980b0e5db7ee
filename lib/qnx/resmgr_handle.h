/* SPDX-License-Identifier: MIT */
/* What dispatch_handler() asks about messages for files */
#ifndef STPLR_QNX_RESMGR_HANDLE_H
#define STPLR_QNX_RESMGR_HANDLE_H

#include <stdbool.h>
#include <sys/resmgr.h>

/* Whether the message is for a file; then it is handled, and that is the result. */
bool resmgr_handle(resmgr_context_t *ctp, int *result);
/* The same, of one that no file and no other handler is for. */
bool resmgr_handle_other(resmgr_context_t *ctp, int *result);
/* Whether a client of a file wants to go; then its handler says what becomes of it. */
bool resmgr_handle_unblock(resmgr_context_t *ctp);

#endif
