/* SPDX-License-Identifier: MIT */
/* Who logs (QNX <sys/slogcodes.h>) */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_SLOGCODES_H
#define __STPLR_QNX_SYS_SLOGCODES_H

#define _SLOGC_PRIVATE_START 10000
#define _SLOGC_PRIVATE_END 19999
#define _SLOGC_TEST 9999

#endif
