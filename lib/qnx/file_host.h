/* SPDX-License-Identifier: MIT */
#ifndef STPLR_QNX_FILE_HOST_H
#define STPLR_QNX_FILE_HOST_H

#include "files.h"

extern const struct file_host file_host;
/* With a reference: the file's request of that number, or NULL. */
struct file_request *file_request_get(int rcvid);

#endif
