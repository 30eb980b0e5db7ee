// SPDX-License-Identifier: MIT
/* Nodes, by their folder and name. The kernel's number of one is its address. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nodes.h"

#define BUCKETS 1024

struct node {
	struct node *folder; /* NULL: the root, or it has no name any more */
	char *name;
	uint64_t lookups; /* the kernel's */
	unsigned below;   /* nodes that it is the folder of */
	struct node *next;
	struct node *after, **link; /* among all, with a name or without */
};

struct nodes {
	pthread_mutex_t lock; /* guards all nodes */
	struct node root;
	struct node *all;
	struct node *buckets[BUCKETS];
};

struct nodes *nodes_make(void)
{
	struct nodes *nodes = calloc(1, sizeof(*nodes));

	if (nodes)
		pthread_mutex_init(&nodes->lock, NULL);
	return nodes;
}

static struct node *node_of(struct nodes *nodes, fuse_ino_t number)
{
	return number == FUSE_ROOT_ID ? &nodes->root : (struct node *)(uintptr_t)number;
}

static struct node **place_of(struct nodes *nodes, const struct node *folder, const char *name)
{
	uint64_t hash = (uintptr_t)folder / sizeof(*folder);
	struct node **place;
	const char *at;

	for (at = name; *at; at++)
		hash = hash * 31 + (unsigned char)*at;
	place = &nodes->buckets[hash % BUCKETS];
	while (*place && ((*place)->folder != folder || strcmp((*place)->name, name)))
		place = &(*place)->next;
	return place;
}

/* Takes its name away. */
static void unname(struct nodes *nodes, struct node *node)
{
	struct node **place;

	if (!node->folder)
		return;
	place = place_of(nodes, node->folder, node->name);
	*place = node->next;
	node->next = NULL;
	free(node->name);
	node->name = NULL;
}

/* Nobody may need it any more, nor its folder then. */
static void release(struct nodes *nodes, struct node *node)
{
	struct node *folder;

	while (node != &nodes->root && !node->lookups && !node->below) {
		folder = node->folder;
		unname(nodes, node);
		*node->link = node->after;
		if (node->after)
			node->after->link = node->link;
		free(node);
		if (!folder)
			return;
		folder->below--;
		node = folder;
	}
}

static void leave_folder(struct nodes *nodes, struct node *node)
{
	struct node *folder = node->folder;

	unname(nodes, node);
	node->folder = NULL;
	if (!folder)
		return;
	folder->below--;
	release(nodes, folder);
}

void nodes_free(struct nodes *nodes)
{
	struct node *node;

	if (!nodes)
		return;
	while ((node = nodes->all)) {
		nodes->all = node->after;
		free(node->name);
		free(node);
	}
	pthread_mutex_destroy(&nodes->lock);
	free(nodes);
}

char *node_path(struct nodes *nodes, fuse_ino_t number, const char *name)
{
	char buffer[PATH_MAX], *at = buffer + sizeof(buffer) - 1, *path = NULL;
	struct node *node;
	size_t len;

	*at = 0;
	if (name) {
		len = strlen(name);
		if (len >= sizeof(buffer))
			return NULL;
		at -= len;
		memcpy(at, name, len);
	}
	pthread_mutex_lock(&nodes->lock);
	for (node = node_of(nodes, number); node != &nodes->root; node = node->folder) {
		if (!node->folder)
			goto unlock; /* removed meanwhile */
		len = strlen(node->name);
		if (len + 1 > (size_t)(at - buffer))
			goto unlock;
		if (*at)
			*--at = '/';
		at -= len;
		memcpy(at, node->name, len);
	}
	path = strdup(at);
unlock:
	pthread_mutex_unlock(&nodes->lock);
	return path;
}

/* One of that name, at its place; NULL: there is no memory. */
static struct node *make(struct nodes *nodes, struct node *folder, const char *name,
			 struct node **place)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->name = strdup(name);
	if (!node->name) {
		free(node);
		return NULL;
	}
	node->folder = folder;
	folder->below++;
	*place = node;
	node->after = nodes->all;
	node->link = &nodes->all;
	if (node->after)
		node->after->link = &node->after;
	nodes->all = node;
	return node;
}

fuse_ino_t node_enter(struct nodes *nodes, fuse_ino_t number, const char *name)
{
	struct node *folder, **place, *node;

	pthread_mutex_lock(&nodes->lock);
	folder = node_of(nodes, number);
	place = place_of(nodes, folder, name);
	node = *place;
	if (!node)
		node = make(nodes, folder, name, place);
	if (node)
		node->lookups++;
	pthread_mutex_unlock(&nodes->lock);
	return (uintptr_t)node;
}

void node_forget(struct nodes *nodes, fuse_ino_t number, uint64_t times)
{
	struct node *node = node_of(nodes, number);

	if (node == &nodes->root)
		return;
	pthread_mutex_lock(&nodes->lock);
	node->lookups = times < node->lookups ? node->lookups - times : 0;
	release(nodes, node);
	pthread_mutex_unlock(&nodes->lock);
}

void node_remove(struct nodes *nodes, fuse_ino_t folder, const char *name)
{
	struct node *node;

	pthread_mutex_lock(&nodes->lock);
	node = *place_of(nodes, node_of(nodes, folder), name);
	if (node)
		leave_folder(nodes, node);
	pthread_mutex_unlock(&nodes->lock);
}

void node_rename(struct nodes *nodes, fuse_ino_t folder, const char *name, fuse_ino_t to,
		 const char *new_name)
{
	struct node *node, *replaced, **place;
	char *copy = strdup(new_name);

	pthread_mutex_lock(&nodes->lock);
	node = *place_of(nodes, node_of(nodes, folder), name);
	replaced = *place_of(nodes, node_of(nodes, to), new_name);
	if (replaced)
		leave_folder(nodes, replaced);
	if (node && copy) {
		struct node *new_folder = node_of(nodes, to);

		new_folder->below++;
		leave_folder(nodes, node);
		node->name = copy;
		node->folder = new_folder;
		place = place_of(nodes, new_folder, copy);
		*place = node;
		copy = NULL;
	} else if (node) {
		leave_folder(nodes, node); /* it is looked up anew */
	}
	pthread_mutex_unlock(&nodes->lock);
	free(copy);
}
