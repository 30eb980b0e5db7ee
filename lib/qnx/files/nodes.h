/* SPDX-License-Identifier: MIT */
/*
 * Nodes: what the kernel knows of a folder's files
 *
 * The kernel names a file by a number, QNX's messages by its path. A node is a file's name in its
 * folder's node; it stays as long as the kernel, or a node below, has to do with it.
 */
#ifndef STPLR_QNX_FILES_NODES_H
#define STPLR_QNX_FILES_NODES_H

#include <fuse3/fuse_lowlevel.h>

struct nodes;

struct nodes *nodes_make(void);
void nodes_free(struct nodes *nodes);
/* The path from the mount point on, of a node or of a name in it: the caller's, or NULL. */
char *node_path(struct nodes *nodes, fuse_ino_t node, const char *name);
/* The kernel knows the file from now on, once more; 0: there is no memory. */
fuse_ino_t node_enter(struct nodes *nodes, fuse_ino_t folder, const char *name);
/* So often it has forgotten it. */
void node_forget(struct nodes *nodes, fuse_ino_t node, uint64_t times);
/* The name is another's now, or nobody's. */
void node_remove(struct nodes *nodes, fuse_ino_t folder, const char *name);
void node_rename(struct nodes *nodes, fuse_ino_t folder, const char *name, fuse_ino_t to,
		 const char *new_name);

#endif
