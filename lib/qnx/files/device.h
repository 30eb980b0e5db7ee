/* SPDX-License-Identifier: MIT */
/* Paths below /dev: character devices, by CUSE */
#ifndef STPLR_QNX_FILES_DEVICE_H
#define STPLR_QNX_FILES_DEVICE_H

#include "session.h"

/* 0, or the negative of an errno. */
int device_attach(struct session *session, const char *name);

#endif
