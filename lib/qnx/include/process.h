/* SPDX-License-Identifier: MIT */
/* The calls for processes, where QNX programs look for them (QNX <process.h>) */
#pragma GCC system_header
#ifndef __STPLR_QNX_PROCESS_H
#define __STPLR_QNX_PROCESS_H

#include <spawn.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#endif
