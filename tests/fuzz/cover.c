// SPDX-License-Identifier: MIT
/*
 * What the programs reach in the module, by KCOV: each lane has a list of its own that the kernel
 * writes to, opened once and inherited. Only the module is built to tell (see Kbuild). What a
 * process does in dying is not told: KCOV has left it by then.
 */
#include <linux/kcov.h>

#include "program.h"

#define LIST_SIZE (32 << 10)
#define TEXT_MAX (1 << 20)
#define EDGES (1 << 16)

static struct shared {
	unsigned char blocks[TEXT_MAX];
	unsigned char edges[EDGES];
	struct coverage total;
} * shared;

static uint64_t text; /* where the module's code is */
static int fds[LANES_MAX];
static uint64_t *lists[LANES_MAX];

bool cover_share(void)
{
	FILE *file = fopen("/sys/module/stplr/sections/.text", "r");

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (!file || access("/sys/kernel/debug/kcov", F_OK))
		return false;
	if (fscanf(file, "%lx", &text) != 1)
		text = 0;
	fclose(file);
	return text;
}

void cover_open(void)
{
	for (unsigned int i = 0; i < LANES_MAX && text; i++) {
		fds[i] = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
		if (fds[i] < 0 || ioctl(fds[i], KCOV_INIT_TRACE, LIST_SIZE)) {
			perror("kcov");
			exit(2);
		}
		lists[i] = mmap(NULL, LIST_SIZE * sizeof(uint64_t), PROT_READ | PROT_WRITE,
				MAP_SHARED, fds[i], 0);
	}
}

void cover_start(unsigned int lane)
{
	if (lists[lane])
		ioctl(fds[lane], KCOV_ENABLE, KCOV_TRACE_PC);
}

struct coverage cover_collect(void)
{
	struct coverage fresh = {0, 0};

	for (unsigned int lane = 0; lane < LANES_MAX && lists[lane]; lane++) {
		uint64_t *list = lists[lane], before = 0;

		for (uint64_t i = 1; i <= list[0] && i < LIST_SIZE; i++) {
			uint64_t block = list[i] - text, edge;

			if (block >= TEXT_MAX)
				continue;
			edge = (before * 0x9e3779b1 ^ block) % EDGES;
			before = block;
			fresh.blocks +=
				!__atomic_exchange_n(&shared->blocks[block], 1, __ATOMIC_RELAXED);
			if (!shared->edges[edge])
				fresh.edges += !__atomic_exchange_n(&shared->edges[edge], 1,
								    __ATOMIC_RELAXED);
		}
		list[0] = 0;
	}
	__atomic_add_fetch(&shared->total.blocks, fresh.blocks, __ATOMIC_RELAXED);
	__atomic_add_fetch(&shared->total.edges, fresh.edges, __ATOMIC_RELAXED);
	return fresh;
}

struct coverage cover_total(void)
{
	return shared->total;
}
