/* SPDX-License-Identifier: MIT */
/*
 * Resource managers are not part of this library; the header is there for programs that include it
 * with <sys/dispatch.h>.
 */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_RESMGR_H
#define __STPLR_QNX_SYS_RESMGR_H

#include <fcntl.h>
#include <sys/dispatch.h>
#include <sys/stat.h>

#endif
