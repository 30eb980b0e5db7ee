/* SPDX-License-Identifier: MIT */
/* A file's attributes: what the kernel asks, and sets */
#ifndef STPLR_QNX_FILES_ATTR_H
#define STPLR_QNX_FILES_ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "call.h"

/* What the manager says, as far as the kernel can take it: there are no devices behind a mount. */
bool take_stat(const struct call *call, size_t len, fuse_ino_t node, struct stat *stat);

void folder_getattr(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *info);
void folder_setattr(fuse_req_t fuse, fuse_ino_t node, struct stat *stat, int what,
		    struct fuse_file_info *info);
void folder_access(fuse_req_t fuse, fuse_ino_t node, int mask);

#endif
