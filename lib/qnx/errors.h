/* SPDX-License-Identifier: MIT */
/* What goes from server to client as an error that is none. */
#ifndef STPLR_QNX_ERRORS_H
#define STPLR_QNX_ERRORS_H

/* MsgError(rcvid, -1): what the client was to be unblocked for, which only it knows. */
#define WIRE_UNBLOCKED 511

#endif
