/* SPDX-License-Identifier: MIT */
/* Calls that a thread may be cancelled in */
#ifndef STPLR_QNX_CANCEL_H
#define STPLR_QNX_CANCEL_H

#include "stplr.h"

/* Ends a message that the server has: 0 if it was answered meanwhile, or -1 and errno. */
int send_drop(int fd, struct stplr_msg_send *args);
int cancellable_send(int connection, struct stplr_msg_send *args);
int cancellable_receive(int channel, struct stplr_msg_receive *args);

#endif
