/* SPDX-License-Identifier: MIT */
/* Errors that go from server to client as numbers that Linux does not have, or has for others. */
#ifndef STPLR_QNX_ERRORS_H
#define STPLR_QNX_ERRORS_H

/* ESRVRFAULT, as the native API says it. */
#define WIRE_SRVRFAULT EREMOTEIO
/* MsgError(rcvid, -1): what the client was to be unblocked for, which only it knows. */
#define WIRE_UNBLOCKED 511

#endif
