/* SPDX-License-Identifier: MIT */
/* The file server of this process */
#ifndef STPLR_QNX_FILES_LOAD_H
#define STPLR_QNX_FILES_LOAD_H

#include "files.h"

/* NULL: its library is not there. */
const struct file_server *files_server(void);

#endif
