/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that no forked child keeps
 *
 * As long as anybody has the kernel's end of a path, that is there; and as long as anybody has a
 * watcher's socket, that believes that the manager lives. So a child closes them, from whatever
 * moment it has them.
 */
#ifndef STPLR_QNX_FILES_OWN_H
#define STPLR_QNX_FILES_OWN_H

/* open(2) for reading and writing; to be ended by own_end(). */
int own_open(const char *path);
/* socketpair(2), of stream sockets; to be closed by own_close(). */
int own_socketpair(int ends[2]);
void own_close(int fd);

/*
 * Between these, if the first succeeds, a library opens /dev/fuse for us, which is to be ended by
 * own_end(); -1: it has not. The first returns 0, or the negative of an errno.
 */
int own_opening(void);
void own_opened(int fd);

/* It is of nothing any more, and still to be closed, by who believes to own it. */
void own_end(int fd);

/* In a child, with files_lock */
void own_forget(void);

#endif
