/* SPDX-License-Identifier: MIT */
/*
 * The server's digests under way: at most one a connection, in a table of fixed size
 *
 * The module does not yet tell a server that a client has gone. So a place is taken over when its
 * client's process is dead, or has been silent for TRANSFER_IDLE seconds, and somebody needs it; a
 * client that vanishes costs a place until then and never memory.
 */
#ifndef TRANSFERS_H
#define TRANSFERS_H

#include <stddef.h>
#include <stdint.h>

#include <stplr.h>

#include "protocol.h"

#define TRANSFER_IDLE 60

struct transfers;

/* A table of @count places, to be freed with transfers_free(); NULL: out of memory. */
struct transfers *transfers_new(size_t count);
void transfers_free(struct transfers *transfers);

/*
 * Each call is for the connection that @client names, and returns 0 or the errno for the client
 * (protocol.h). transfer_add() may be called many times for the payload of one message;
 * transfer_finish() frees the place.
 */
int transfer_start(struct transfers *transfers, const struct stplr_msg_info *client);
int transfer_check(struct transfers *transfers, const struct stplr_msg_info *client,
		   uint64_t offset);
int transfer_add(struct transfers *transfers, const struct stplr_msg_info *client, const void *data,
		 size_t len, uint64_t *digested);
int transfer_finish(struct transfers *transfers, const struct stplr_msg_info *client,
		    struct result *result);

#endif /* TRANSFERS_H */
