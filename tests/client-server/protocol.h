/* SPDX-License-Identifier: MIT */
/*
 * What client1 and client2 say to server
 *
 * Every message begins with struct request; the payload follows. Client and server run on one
 * machine, so numbers are in its own byte order.
 *
 *	TEXT	one way; the payload is a line to print
 *	START	begins a digest on this connection, and forgets one that was not finished; no
 * payload DATA	the payload goes on at @offset, which must be where the last ended FINISH	ends
 * the digest; @offset is the length of it all; no payload
 *
 * START and DATA are answered with struct progress, FINISH with struct result. Refusals are errnos:
 *
 *	EBADMSG	no request of this protocol
 *	EBUSY	the server follows as many clients as it can; try again later
 *	ESTALE	no digest is under way on this connection
 *	EPROTO	@offset is not where the last payload ended
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stdint.h>

#define DEFAULT_NAME "stplr-demo"

#define DIGEST_SIZE 32

enum request_type {
	REQUEST_TEXT = 1,
	REQUEST_START,
	REQUEST_DATA,
	REQUEST_FINISH,
};

struct request {
	uint32_t type;
	uint32_t reserved;
	uint64_t offset;
};

/* @digested: bytes of this digest so far */
struct progress {
	uint64_t digested;
};

struct result {
	uint64_t digested;
	uint8_t digest[DIGEST_SIZE];
};

#endif /* PROTOCOL_H */
