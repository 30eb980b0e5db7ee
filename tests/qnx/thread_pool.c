// SPDX-License-Identifier: MIT
/*
 * A pool of threads that dispatch messages; several clients at once keep some of them busy, and a
 * pulse tells it that they are through.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREAD_POOL_PARAM_T dispatch_context_t
#include <sys/dispatch.h>
#include <sys/iofunc.h>

#define MY_WORK (_IO_MAX + 1)
#define CLIENTS 6
#define ROUNDS 5

struct work {
	uint16_t type;
	uint16_t subtype;
	int number;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int busy, busiest, through;

static int on_work(message_context_t *ctp, int code, unsigned flags, void *handle)
{
	struct work *work = (struct work *)ctp->msg;
	int square = work->number * work->number;

	(void)flags;
	if (code != MY_WORK || handle != &busy) {
		MsgError(ctp->rcvid, EINVAL);
		return 0;
	}
	pthread_mutex_lock(&lock);
	if (++busy > busiest)
		busiest = busy;
	pthread_mutex_unlock(&lock);
	delay(10);
	pthread_mutex_lock(&lock);
	busy--;
	pthread_mutex_unlock(&lock);
	MsgReply(ctp->rcvid, EOK, &square, sizeof(square));
	return 0;
}

static int on_through(message_context_t *ctp, int code, unsigned flags, void *handle)
{
	(void)code;
	(void)flags;
	(void)handle;
	pthread_mutex_lock(&lock);
	through += ctp->msg->pulse.value.sival_int;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	return 0;
}

static int pulse_code;

static void *client(void *argument)
{
	dispatch_t *dpp = argument;
	struct work work;
	int coid, i, square;

	coid = message_connect(dpp, MSG_FLAG_SIDE_CHANNEL);
	memset(&work, 0, sizeof(work));
	for (i = 1; i <= ROUNDS; i++) {
		work.type = MY_WORK;
		work.number = i;
		if (MsgSend(coid, &work, sizeof(work), &square, sizeof(square)) || square != i * i)
			exit(EXIT_FAILURE);
	}
	work.type = MY_WORK + 1; /* nobody's */
	if (MsgSend(coid, &work, sizeof(work), NULL, 0) != -1 || errno != ENOSYS)
		exit(EXIT_FAILURE);
	if (MsgSendPulse(coid, SIGEV_PULSE_PRIO_INHERIT, pulse_code, 1))
		exit(EXIT_FAILURE);
	ConnectDetach(coid);
	return NULL;
}

int main(void)
{
	thread_pool_attr_t pool_attr;
	message_attr_t attr;
	thread_pool_t *tpp;
	dispatch_t *dpp;
	pthread_t threads[CLIENTS];
	int i;

	dpp = dispatch_create();
	memset(&attr, 0, sizeof(attr));
	attr.nparts_max = 1;
	attr.msg_max_size = 4096;
	if (message_attach(dpp, &attr, MY_WORK, MY_WORK, on_work, &busy) == -1) {
		perror("message_attach");
		return EXIT_FAILURE;
	}
	pulse_code = pulse_attach(dpp, MSG_FLAG_ALLOC_PULSE, 0, on_through, NULL);
	if (pulse_code == -1) {
		perror("pulse_attach");
		return EXIT_FAILURE;
	}

	memset(&pool_attr, 0, sizeof(pool_attr));
	pool_attr.handle = dpp;
	pool_attr.context_alloc = dispatch_context_alloc;
	pool_attr.block_func = dispatch_block;
	pool_attr.unblock_func = dispatch_unblock;
	pool_attr.handler_func = dispatch_handler;
	pool_attr.context_free = dispatch_context_free;
	pool_attr.lo_water = 2;
	pool_attr.hi_water = 4;
	pool_attr.increment = 1;
	pool_attr.maximum = 10;
	tpp = thread_pool_create(&pool_attr, 0);
	if (tpp == NULL || thread_pool_start(tpp) == -1) {
		perror("thread_pool");
		return EXIT_FAILURE;
	}

	for (i = 0; i < CLIENTS; i++)
		pthread_create(&threads[i], NULL, client, dpp);
	for (i = 0; i < CLIENTS; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_lock(&lock);
	while (through < CLIENTS)
		pthread_cond_wait(&changed, &lock);
	printf("%d clients through, %s\n", through,
	       busiest > 1 ? "several at once" : "one at a time");
	pthread_mutex_unlock(&lock);
	thread_pool_destroy(tpp);
	dispatch_destroy(dpp);
	return busiest > 1 && busiest <= 10 ? EXIT_SUCCESS : EXIT_FAILURE;
}
