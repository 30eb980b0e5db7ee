/* SPDX-License-Identifier: MIT */
/* Whose a process is, as the system tells */
#ifndef STPLR_QNX_CREDENTIALS_H
#define STPLR_QNX_CREDENTIALS_H

#include "stplr.h"

/*
 * As stplr_client_info() for a thread, by its id: as many groups as there is room for, and how many
 * there are. 0, or -ESRCH.
 */
int credentials_of(pid_t tid, struct stplr_client_info *info);

#endif
