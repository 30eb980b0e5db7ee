/* SPDX-License-Identifier: MIT */
/* The system's <sys/types.h>, and QNX's names of integers. */
#pragma GCC system_header
#include_next <sys/types.h>

#ifndef __STPLR_QNX_SYS_TYPES_H
#define __STPLR_QNX_SYS_TYPES_H

typedef __INT8_TYPE__ _Int8t;
typedef __INT16_TYPE__ _Int16t;
typedef __INT32_TYPE__ _Int32t;
typedef __INT64_TYPE__ _Int64t;
typedef __INTPTR_TYPE__ _Intptrt;
typedef __UINT8_TYPE__ _Uint8t;
typedef __UINT16_TYPE__ _Uint16t;
typedef __UINT32_TYPE__ _Uint32t;
typedef __UINT64_TYPE__ _Uint64t;
typedef __UINTPTR_TYPE__ _Uintptrt;
#endif
