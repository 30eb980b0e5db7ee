/* SPDX-License-Identifier: MIT */
/*
 * The system's <dirent.h>, and QNX's names of what a manager writes for each file of a folder. What
 * readdir() returns has the file's kind where a manager writes the name's length.
 */
#pragma GCC system_header
#include_next <dirent.h>

#ifndef d_offset
#define d_offset d_off
#define d_namelen d_type
#endif
