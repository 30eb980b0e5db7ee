/* SPDX-License-Identifier: MIT */
/* The paths that resource managers attach (QNX <sys/pathmgr.h>) */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_PATHMGR_H
#define __STPLR_QNX_SYS_PATHMGR_H

#include <stdint.h>
#include <sys/ftype.h>
#include <sys/types.h>

__BEGIN_DECLS
/* A symbolic link that is made and removed; 0, or -1 and errno. */
extern int pathmgr_symlink(const char *__path, const char *__link);
extern int pathmgr_unlink(const char *__link);
__END_DECLS
#endif
