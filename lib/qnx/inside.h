/* SPDX-License-Identifier: MIT */
/*
 * Threads that are in a handler of an open file
 *
 * That may be closed meanwhile, if the request that a thread is there for was ended by others: then
 * by the last thread that is in there.
 */
#ifndef STPLR_QNX_INSIDE_H
#define STPLR_QNX_INSIDE_H

#include <stdbool.h>

#include "files.h"

struct inside;

/* The caller goes in; NULL: there is no memory. */
struct inside *inside_enter(const struct bound *bound);
/* It goes out: whether it is to close the file, which is bound so. */
bool inside_leave(struct inside *self, struct bound *bound);
/* The file is to be closed: whether somebody who is in there does so. */
bool inside_defers_close(const struct bound *bound);

#endif
