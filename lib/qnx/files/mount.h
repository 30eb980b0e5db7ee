/* SPDX-License-Identifier: MIT */
/* Mount points, which are made where there is nothing, and go with the path */
#ifndef STPLR_QNX_FILES_MOUNT_H
#define STPLR_QNX_FILES_MOUNT_H

#include <stdbool.h>

#include "session.h"

/* Mounts the session's path, whose kernel's end is made: 0, or the negative of an errno. */
int mount_make(struct session *session, bool folder);
void mount_end(struct session *session);
/* Whether users other than this process's may be let in. */
bool mount_for_all(void);

#endif
