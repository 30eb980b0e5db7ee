/* SPDX-License-Identifier: MIT */
/* Folders, and files elsewhere than below /dev: mounted, by FUSE */
#ifndef STPLR_QNX_FILES_FOLDER_H
#define STPLR_QNX_FILES_FOLDER_H

#include <stdbool.h>

#include "session.h"

/* 0, or the negative of an errno. */
int folder_attach(struct session *session, bool folder);

#endif
