// SPDX-License-Identifier: MIT
#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "common.h"
#include "transfers.h"

/* The context is made with the first use of a place and kept for the next. */
struct transfer {
	EVP_MD_CTX *context;
	bool used;
	uint32_t scoid;
	uint32_t coid;
	int32_t pid;
	uint64_t digested;
	double last_use;
};

struct transfers {
	size_t count;
	struct transfer places[];
};

struct transfers *transfers_new(size_t count)
{
	struct transfers *transfers =
		calloc(1, sizeof(*transfers) + count * sizeof(transfers->places[0]));

	if (transfers)
		transfers->count = count;
	return transfers;
}

void transfers_free(struct transfers *transfers)
{
	size_t i;

	for (i = 0; i < transfers->count; i++)
		EVP_MD_CTX_free(transfers->places[i].context);
	free(transfers);
}

static struct transfer *find(struct transfers *transfers, const struct stplr_msg_info *client)
{
	struct transfer *place = transfers->places;

	for (; place < transfers->places + transfers->count; place++)
		if (place->used && place->coid == client->coid && place->scoid == client->scoid)
			return place;
	return NULL;
}

/* A process of another pid namespace has no number here (0): only its silence tells. */
static bool abandoned(const struct transfer *place)
{
	if (place->pid > 0 && kill(place->pid, 0) && errno == ESRCH)
		return true;
	return now() - place->last_use > TRANSFER_IDLE;
}

static struct transfer *find_free(struct transfers *transfers)
{
	struct transfer *place;

	for (place = transfers->places; place < transfers->places + transfers->count; place++)
		if (!place->used)
			return place;
	for (place = transfers->places; place < transfers->places + transfers->count; place++)
		if (abandoned(place))
			return place;
	return NULL;
}

int transfer_start(struct transfers *transfers, const struct stplr_msg_info *client)
{
	struct transfer *place = find(transfers, client);

	if (!place)
		place = find_free(transfers);
	if (!place)
		return EBUSY;
	place->used = false;
	if (!place->context)
		place->context = EVP_MD_CTX_new();
	if (!place->context || !EVP_DigestInit_ex(place->context, EVP_sha256(), NULL))
		return ENOMEM;
	place->used = true;
	place->scoid = client->scoid;
	place->coid = client->coid;
	place->pid = client->pid;
	place->digested = 0;
	place->last_use = now();
	return 0;
}

int transfer_check(struct transfers *transfers, const struct stplr_msg_info *client,
		   uint64_t offset)
{
	struct transfer *place = find(transfers, client);

	if (!place)
		return ESTALE;
	return place->digested == offset ? 0 : EPROTO;
}

int transfer_add(struct transfers *transfers, const struct stplr_msg_info *client, const void *data,
		 size_t len, uint64_t *digested)
{
	struct transfer *place = find(transfers, client);

	if (!place)
		return ESTALE;
	if (!EVP_DigestUpdate(place->context, data, len))
		return EIO;
	place->digested += len;
	place->last_use = now();
	*digested = place->digested;
	return 0;
}

int transfer_finish(struct transfers *transfers, const struct stplr_msg_info *client,
		    struct result *result)
{
	struct transfer *place = find(transfers, client);

	if (!place)
		return ESTALE;
	place->used = false;
	if (!EVP_DigestFinal_ex(place->context, result->digest, NULL))
		return EIO;
	result->digested = place->digested;
	return 0;
}
