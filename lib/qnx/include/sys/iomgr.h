/* SPDX-License-Identifier: MIT */
/* Who a message of type _IO_MSG is for: struct _io_msg.mgrid (QNX <sys/iomgr.h>) */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_IOMGR_H
#define __STPLR_QNX_SYS_IOMGR_H

/* Those that programs may choose among themselves. */
#define _IOMGR_PRIVATE_BASE 0xf000
#define _IOMGR_PRIVATE_MAX 0xffff

#endif
