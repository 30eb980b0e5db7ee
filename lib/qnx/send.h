/* SPDX-License-Identifier: MIT */
/* What server and client have in common */
#ifndef STPLR_QNX_SEND_H
#define STPLR_QNX_SEND_H

/* MsgError(rcvid, -1): what the client was to be unblocked for, which only it knows. */
#define WIRE_UNBLOCKED 511

#endif
