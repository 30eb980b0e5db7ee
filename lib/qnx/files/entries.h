/* SPDX-License-Identifier: MIT */
/* Reading folders */
#ifndef STPLR_QNX_FILES_ENTRIES_H
#define STPLR_QNX_FILES_ENTRIES_H

#include "call.h"

void folder_readdir(fuse_req_t fuse, fuse_ino_t node, size_t size, off_t offset,
		    struct fuse_file_info *info);

#endif
