/* SPDX-License-Identifier: MIT */
/*
 * What the fuzzer's programs do beside the module's calls; also the head of the C programs that it
 * writes, so it needs nothing else of the fuzzer
 *
 * Every function takes up to four numbers and returns what a system call does.
 */
#ifndef FUZZ_ENV_H
#define FUZZ_ENV_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/stplr.h>
#include <linux/stplr_ring.h>

#include "stplr_kclient.h"
#include "stplr_kserver.h"

#define LANES_MAX 6

typedef long env_function(long a, long b, long c, long d);

#define ENV(name)                                                                                  \
	static inline long name(long a __attribute__((unused)), long b __attribute__((unused)),    \
				long c __attribute__((unused)), long d __attribute__((unused)))

/* Weak, for there is one of each, whichever files of the fuzzer include this. */
#define ONE __attribute__((weak))

/*
 * Memory: at one address in every process. What is there first, by offset:
 *
 *	0		64 KiB	private, touched
 *	0x10000		64 KiB	private, not touched
 *	0x20000		64 KiB	read-only
 *	0x30000		64 KiB	shared with children
 *	0x40000		64 KiB	a file's
 *	0x50000		64 KiB	nothing
 *	0x60000		32 MiB	private, not touched: for big messages
 *	0x2060000	1 MiB	nothing: where rings are mapped
 */
#define MEMORY ((char *)0x200000000000)
#define MEMORY_SIZE 0x2160000
#define RINGS_OFFSET 0x2060000
#define AT(offset) ((uintptr_t)MEMORY + (offset))

ONE int memory_changed; /* it has to be set up anew */

static inline char *memory_piece(size_t offset, size_t size, int protection, int flags, int fd)
{
	return mmap(MEMORY + offset, size, protection, flags | MAP_FIXED | MAP_NORESERVE, fd, 0);
}

static inline void memory_setup(void)
{
	int private = MAP_PRIVATE | MAP_ANONYMOUS, file = memfd_create("memory", MFD_CLOEXEC);

	if (ftruncate(file, 0x10000) ||
	    memory_piece(0, MEMORY_SIZE, PROT_READ | PROT_WRITE, private, -1) == MAP_FAILED)
		_exit(99);
	memset(MEMORY, 'm', 0x10000);
	memory_piece(0x20000, 0x10000, PROT_READ, private, -1);
	memory_piece(0x30000, 0x10000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	memory_piece(0x40000, 0x10000, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	munmap(MEMORY + 0x50000, 0x10000);
	munmap(MEMORY + RINGS_OFFSET, MEMORY_SIZE - RINGS_OFFSET);
	close(file);
	memory_changed = 0;
}

static inline uint64_t soon(long us)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec + us * 1000ULL;
}

static const char *const names[] __attribute__((unused)) = {
	"a",
	"b",
	"fuzz.name-1_2",
	"",
	"bad/name",
	"nul\0inside",
	"a-name-of-63-bytes.--------------------------------------------",
	"a-name-of-64-bytes.---------------------------------------------",
	"@42",
	"@042"};
#define NAMES 10

/* Lanes */

/* Shared by all processes of a program. */
struct lanes {
	int tids[LANES_MAX];
	int pids[LANES_MAX];
	int started[LANES_MAX];
	int sockets[2];
};
void run_lane(unsigned int lane); /* of the program */

/* A thread for each lane but 0, made once: they cost more than most programs. */
struct lane_thread {
	pthread_t thread;
	sem_t go;
	int made;
	int busy;
};

ONE struct lanes *lanes;
ONE struct lane_thread lane_threads[LANES_MAX];
ONE int first_fd; /* those below are not the programs' */
ONE __thread int fail_fd;
ONE __thread int priority_changed;

static inline void on_signal(int signo)
{
	(void)signo;
}

/* Of a process that runs programs. */
static inline void process_setup(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	memory_setup();
	lanes = mmap(NULL, sizeof(*lanes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (lanes == MAP_FAILED ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, lanes->sockets))
		_exit(99);
	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR2, &action, NULL);
	sigaction(SIGRTMIN, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	memset(lane_threads, 0, sizeof(lane_threads));
	first_fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
	close(first_fd);
}

/* Not a stack's memory, of which the kernel complains, nor a futex, of which libc does. */
static inline void fail_none(void)
{
	if (fail_fd && write(fail_fd, "0", 1) != 1)
		close(fail_fd);
}

static inline void lane_enter(unsigned int lane)
{
	struct sched_param none = {0};

	lanes->pids[lane] = getpid();
	__atomic_store_n(&lanes->tids[lane], gettid(), __ATOMIC_RELEASE);
	run_lane(lane);
	fail_none();
	__atomic_store_n(&lanes->tids[lane], 0, __ATOMIC_RELEASE);
	if (fail_fd)
		close(fail_fd);
	fail_fd = 0;
	if (priority_changed) {
		sched_setscheduler(0, SCHED_OTHER, &none);
		setpriority(PRIO_PROCESS, 0, 0);
	}
	priority_changed = 0;
}

static inline void *lane_thread(void *arg)
{
	unsigned int lane = (uintptr_t)arg;

	for (;;) {
		while (sem_wait(&lane_threads[lane].go)) {
		}
		lane_enter(lane);
		__atomic_store_n(&lane_threads[lane].busy, 0, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Each lane runs once. */
static inline int lane_claim(long lane)
{
	int none = 0;

	return lane > 0 && lane < LANES_MAX &&
	       __atomic_compare_exchange_n(&lanes->started[lane], &none, 1, 0, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

ENV(env_thread)
{
	struct lane_thread *thread = &lane_threads[a];

	fail_none();
	if (!lane_claim(a))
		return -1;
	if (!thread->made) {
		sem_init(&thread->go, 0, 0);
		if (pthread_create(&thread->thread, NULL, lane_thread, (void *)a))
			return -1;
		thread->made = 1;
	}
	thread->busy = 1;
	return sem_post(&thread->go);
}

/* Waits for the threads that the process has begun; those that block are sent signals. */
static inline void lanes_join(void)
{
	for (int i = 0; i < LANES_MAX; i++) {
		for (int ms = 0; __atomic_load_n(&lane_threads[i].busy, __ATOMIC_ACQUIRE); ms++) {
			if (ms > 20)
				pthread_kill(lane_threads[i].thread, SIGUSR1);
			usleep(ms ? 1000 : 100);
		}
	}
}

ENV(env_fork)
{
	int pid;

	fail_none();
	if (!lane_claim(a))
		return -1;
	pid = fork();
	if (pid)
		return pid;
	memset(lane_threads, 0, sizeof(lane_threads));
	fail_fd = 0;
	lane_enter(a);
	lanes_join();
	_exit(0);
}

static inline int lane_tid(long lane)
{
	return lane >= 0 && lane < LANES_MAX ? lanes->tids[lane] : 0;
}

/* b: 0 a handler that interrupts, 1 one that restarts, 2 a queued one, 3 death */
ENV(env_signal)
{
	const int signals[] = {SIGUSR1, SIGUSR2, SIGRTMIN, SIGKILL};
	int tid = lane_tid(a);

	return tid ? syscall(SYS_tgkill, lanes->pids[a], tid, signals[b & 3]) : -1;
}

ENV(env_pid)
{
	return getpid();
}

/* Stops another lane's process for some us. */
ENV(env_stop)
{
	int tid = lane_tid(a), result;

	if (!tid || lanes->pids[a] == getpid())
		return -1;
	result = kill(lanes->pids[a], SIGSTOP);
	usleep(b);
	kill(lanes->pids[a], SIGCONT);
	return result;
}

/* Descriptors */

/* Programs that run beside each other have devices of their own; the first is everybody's. */
#ifndef OWN_DEVICE
#define OWN_DEVICE 1
#endif
ONE unsigned int own_device = OWN_DEVICE;

ENV(env_open)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/stplr-%u", a ? 0 : own_device);
	return open(path, O_RDWR | O_CLOEXEC | (b ? O_NONBLOCK : 0));
}

ENV(env_close)
{
	return a >= first_fd ? close(a) : -1;
}

ENV(env_dup)
{
	return fcntl(a, F_DUPFD_CLOEXEC, 3);
}

ENV(env_dup2)
{
	return b >= first_fd ? dup3(a, b, O_CLOEXEC) : -1;
}

ENV(env_nonblock)
{
	return fcntl(a, F_SETFL, b ? O_NONBLOCK : 0);
}

ENV(env_eventfd)
{
	return eventfd(a, EFD_CLOEXEC | EFD_NONBLOCK);
}

union fd_message {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

ENV(env_pass)
{
	char byte = 'f';
	struct iovec part = {&byte, 1};
	union fd_message control = {.header = {.cmsg_level = SOL_SOCKET,
					       .cmsg_type = SCM_RIGHTS,
					       .cmsg_len = CMSG_LEN(sizeof(int))}};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int fd = a;

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(lanes->sockets[0], &message, MSG_DONTWAIT);
}

ENV(env_take)
{
	char byte;
	struct iovec part = {&byte, 1};
	union fd_message control = {0};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int fd;

	if (recvmsg(lanes->sockets[1], &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1 ||
	    control.header.cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

ENV(env_poll)
{
	struct pollfd poll_fd = {.fd = a, .events = b};

	return poll(&poll_fd, 1, c);
}

ENV(env_epoll)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLPRI | (b ? EPOLLET : 0)};
	int fd = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(fd, EPOLL_CTL_ADD, a, &event);
	epoll_wait(fd, &event, 1, c);
	return fd;
}

static inline long read_all(const char *path)
{
	char bytes[1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	while (read(fd, bytes, sizeof(bytes)) > 0) {
	}
	close(fd);
	return 0;
}

ENV(env_fdinfo)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%ld", a);
	return read_all(path);
}

ENV(env_debugfs)
{
	static const char *const files[] = {"channels", "connections", "blocked", "pools",
					    "counters", "servers",     "links",   "rings"};
	char path[64];

	snprintf(path, sizeof(path), "/sys/kernel/debug/stplr/stplr-%u/%s", own_device,
		 files[a & 7]);
	return read_all(path);
}

/* What another program, executed, can do with a descriptor that it inherits. */
static inline void held(int fd)
{
	char bytes[64];
	struct stplr_version version = {0};
	struct stplr_ring_info info;
	struct stplr_msg_send send = {.send = {(uintptr_t)bytes, 8}, .clock = CLOCK_MONOTONIC};
	struct stplr_msg_receive receive = {.buffer = {(uintptr_t)bytes, 64}, .clock = 1};

	memset(bytes, 'h', sizeof(bytes));
	ioctl(fd, STPLR_VERSION, &version);
	ioctl(fd, STPLR_MSG_SEND, &send);
	if (!ioctl(fd, STPLR_MSG_RECEIVE, &receive)) {
		struct stplr_msg_reply reply = {.rcvid = receive.info.rcvid};

		ioctl(fd, STPLR_MSG_REPLY, &reply);
	}
	if (!ioctl(fd, STPLR_RING_INFO, &info) &&
	    mmap(NULL, 0x1000, PROT_WRITE, MAP_SHARED, fd, STPLR_RING_MAP_OWN) != MAP_FAILED)
		ioctl(fd, STPLR_RING_WAKE);
	_exit(0);
}

/* Whoever has this for its program's name is what a process has executed. */
#define HELD "held"

ENV(env_exec)
{
	char number[16];

	fail_none();
	fcntl(a, F_SETFD, 0);
	snprintf(number, sizeof(number), "%ld", a);
	return execl("/proc/self/exe", HELD, number, NULL);
}

/* Memory: whole pages, and none but ours */

static inline int pages_of(long *offset, long *size)
{
	memory_changed = 1;
	*offset &= ~0xfffL;
	*size = (*size + 0xfff) & ~0xfffL;
	return *offset >= 0 && *size > 0 && *offset + *size <= MEMORY_SIZE;
}

ENV(env_unmap)
{
	return pages_of(&a, &b) ? munmap(MEMORY + a, b) : -1;
}

ENV(env_map)
{
	return pages_of(&a, &b) && memory_piece(a, b, PROT_READ | PROT_WRITE,
						(c ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS,
						-1) != MAP_FAILED
		       ? 0
		       : -1;
}

ENV(env_protect)
{
	return pages_of(&a, &b) ? mprotect(MEMORY + a, b, c & (PROT_READ | PROT_WRITE)) : -1;
}

ENV(env_discard)
{
	static const int advices[] = {MADV_DONTNEED, MADV_FREE, MADV_PAGEOUT, MADV_HUGEPAGE};

	return pages_of(&a, &b) ? madvise(MEMORY + a, b, advices[c & 3]) : -1;
}

/*
 * Rings: an end's regions have their places in MEMORY, so that anything can be done with them that
 * is done with other memory. What is read and written there is by the kernel's hand, which no page
 * that is missing kills.
 */

#define RING_PLACES 4
#define RING_DATA_MAX 0x10000

struct ring_place {
	int fd;
	struct stplr_ring_info info;
};
ONE struct ring_place ring_places[RING_PLACES];
ONE int rings_mapped;

enum ring_piece { RING_KERNEL, RING_OWN, RING_PEER, RING_OUT, RING_IN };

static inline size_t ring_offset(long place, enum ring_piece piece)
{
	static const size_t offsets[] = {0, 0x1000, 0x2000, 0x10000, 0x20000};

	return RINGS_OFFSET + (place & 3) * 0x40000 + offsets[piece];
}

static inline int peek(size_t offset, void *to, size_t size)
{
	struct iovec mine = {to, size}, there = {MEMORY + offset, size};

	return process_vm_readv(getpid(), &mine, 1, &there, 1, 0) == (ssize_t)size ? 0 : -1;
}

static inline int poke(size_t offset, const void *from, size_t size)
{
	struct iovec mine = {(void *)from, size}, there = {MEMORY + offset, size};

	return process_vm_writev(getpid(), &mine, 1, &there, 1, 0) == (ssize_t)size ? 0 : -1;
}

static inline int ring_piece(int fd, long place, enum ring_piece piece, size_t size, int protection)
{
	if (!size)
		return 0;
	if (size > RING_DATA_MAX)
		size = RING_DATA_MAX;
	return mmap(MEMORY + ring_offset(place, piece), size, protection, MAP_SHARED | MAP_FIXED,
		    fd, (off_t)piece << 28) == MAP_FAILED
		       ? -1
		       : 0;
}

/* All of an end, at a place, which it returns. */
ENV(env_ring_map)
{
	struct ring_place *place = &ring_places[b & 3];
	struct stplr_ring_info info;

	if (ioctl(a, STPLR_RING_INFO, &info))
		return -1;
	rings_mapped = 1;
	if (ring_piece(a, b, RING_KERNEL, 0x1000, PROT_READ) ||
	    ring_piece(a, b, RING_OWN, 0x1000, PROT_READ | PROT_WRITE) ||
	    ring_piece(a, b, RING_OUT, 2 * info.out_bytes, PROT_READ | PROT_WRITE) ||
	    ring_piece(a, b, RING_IN, 2 * info.in_bytes, PROT_READ))
		return -1;
	ring_piece(a, b, RING_PEER, 0x1000, PROT_READ); /* which not all have */
	*place = (struct ring_place){a, info};
	return b & 3;
}

/* Any part of the file, after the last place: region b / 4 and beyond; b & 1 read-only, 2 private.
 */
ENV(env_ring_window)
{
	size_t at = ring_offset(RING_PLACES - 1, RING_IN) + RING_DATA_MAX;
	void *window;

	rings_mapped = 1;
	window = mmap(MEMORY + at, d, PROT_READ | (b & 1 ? 0 : PROT_WRITE),
		      (b & 2 ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED, a, ((b >> 2) << 28) + c);
	return window == MAP_FAILED ? -1 : 0;
}

/* What can be done with the memory of a piece. */
ENV(env_ring_memory)
{
	static const int advices[] = {MADV_DONTNEED, MADV_DOFORK, MADV_PAGEOUT,
				      MADV_DODUMP,   MADV_FREE,   MADV_REMOVE};
	char *at = MEMORY + ring_offset(a, b % 5);
	size_t size = 0x1000;

	switch (c) {
	case 0:
		return munmap(at, size);
	case 1:
		return mprotect(at, size, PROT_READ | PROT_WRITE);
	case 2:
		return mprotect(at, size, PROT_READ);
	case 3:
		return mlock(at, size);
	}
	return madvise(at, size, advices[(c - 4) % 6]);
}

/*
 * A batch on a channel: up to b messages, each with c bytes of room, and then what was received is
 * answered by another one, with up to d more. What the first one gave is in memory, too, for
 * others.
 */
ENV(env_batch)
{
	struct stplr_msg_reply replies[8] = {{.rcvid = 0}};
	struct stplr_msg_place *places = (void *)AT(0x30000);
	struct stplr_msg_batch batch = {
		.replies = (uintptr_t)replies,
		.places = (uintptr_t)places,
		.nr_places = b & 7,
		.deadline = (int64_t)soon(2000),
		.clock = CLOCK_MONOTONIC,
	};
	long received;

	for (unsigned int i = 0; i < (b & 7); i++) {
		poke(0x30000 + i * sizeof(*places), &(struct stplr_buffer){AT(0x1000 * i), c},
		     sizeof(struct stplr_buffer));
	}
	received = ioctl(a, STPLR_MSG_BATCH, &batch);
	for (long i = 0; i < received; i++) {
		size_t at = 0x30000 + i * sizeof(*places) +
			    offsetof(struct stplr_msg_place, info.rcvid);

		if (peek(at, &replies[i].rcvid, sizeof(replies[i].rcvid)))
			break;
		replies[i].reply.addr = AT(0x2000 * i);
		replies[i].reply.len = c;
	}
	if (received < 0)
		return received;
	batch.nr_replies = received;
	batch.nr_places = d & 7;
	batch.deadline = STPLR_DEADLINE_POLL;
	ioctl(a, STPLR_MSG_BATCH, &batch);
	return received;
}

/* By hand, as <linux/stplr_ring.h> has it: a record of b bytes; c 0 passes the turn, d 1 is quiet.
 */
ENV(env_ring_put)
{
	const struct ring_place *place = &ring_places[a & 3];
	size_t own = ring_offset(a, RING_OWN), kernel = ring_offset(a, RING_KERNEL);
	int creator = !!(place->info.flags & STPLR_RING_CREATOR);
	uint32_t size = place->info.out_bytes, need = 8 + ((b + 7) & ~7), tail, flags;
	struct stplr_ring_record record = {.len = b, .type = c};
	struct stplr_ring_writer writer = {0};
	size_t freed =
		place->info.flags & STPLR_RINGS_MANY
			? kernel + offsetof(struct stplr_ring_kernel, held)
			: ring_offset(a, RING_PEER) + offsetof(struct stplr_ring_page, reader.tail);

	if (!size || peek(own, &writer, sizeof(writer)) || peek(freed, &tail, 4) ||
	    size - (writer.head - tail) < need)
		return -1;
	if (!c && place->info.flags & STPLR_RINGS_TURNS) {
		record.flags = STPLR_RING_TURN;
		writer.turn = 0;
	}
	if (writer.head % size < RING_DATA_MAX)
		poke(ring_offset(a, RING_OUT) + writer.head % size, &record, sizeof(record));
	writer.head += need;
	writer.records++;
	poke(own, &writer, offsetof(struct stplr_ring_writer, version));
	if (d || peek(kernel + (creator ? offsetof(struct stplr_ring_kernel, out.data)
					: offsetof(struct stplr_ring_kernel, in.data)),
		      &flags, 4))
		return 0;
	return flags ? ioctl(place->fd, STPLR_RING_WAKE) : 0;
}

/* Likewise: up to b records. */
ENV(env_ring_take)
{
	const struct ring_place *place = &ring_places[a & 3];
	size_t own = ring_offset(a, RING_OWN) + offsetof(struct stplr_ring_page, reader);
	uint32_t size = place->info.in_bytes, head;
	struct stplr_ring_record record = {0};
	struct stplr_ring_reader reader = {0};

	while (b--) {
		if (!size || peek(own, &reader, sizeof(reader)) ||
		    peek(ring_offset(a, RING_PEER), &head, 4) || head == reader.tail ||
		    reader.tail % size >= RING_DATA_MAX ||
		    peek(ring_offset(a, RING_IN) + reader.tail % size, &record, sizeof(record)))
			return -1;
		reader.tail += 8 + ((record.len + 7) & ~7);
		reader.position += 8 + ((record.len + 7) & ~7);
		reader.records++;
		poke(own, &reader, sizeof(reader));
	}
	return ioctl(place->fd, STPLR_RING_WAKE);
}

/* One of the words that an end writes is set to c or, with d 1, moved by it. */
ENV(env_ring_word)
{
	static const uint16_t words[] = {
		offsetof(struct stplr_ring_page, writer.head),
		offsetof(struct stplr_ring_page, reader.tail),
		offsetof(struct stplr_ring_page, writer.turn),
		offsetof(struct stplr_ring_page, writer.records),
		offsetof(struct stplr_ring_page, writer.version),
		offsetof(struct stplr_ring_page, writer.oldest[0].position),
		offsetof(struct stplr_ring_page, writer.oldest[0].number),
		offsetof(struct stplr_ring_page, writer.oldest[1].position),
		offsetof(struct stplr_ring_page, writer.oldest[1].number),
		offsetof(struct stplr_ring_page, reader.records),
		offsetof(struct stplr_ring_page, reader.lost),
		offsetof(struct stplr_ring_page, reader.position)};
	size_t at = ring_offset(a, RING_OWN) + words[b % 12];
	uint32_t word, size = ring_places[a & 3].info.out_bytes;

	/* the lengths of the first record there, and of the next */
	if (b >= 12 && !peek(ring_offset(a, RING_OWN), &word, 4) && size)
		at = ring_offset(a, RING_OUT) + (b == 12 ? 0 : word % size) % RING_DATA_MAX;
	if (peek(at, &word, 4))
		return -1;
	word = d ? word + c : c;
	return poke(at, &word, 4);
}

/* All of them, and the data, at random: c times. */
ENV(env_ring_hammer)
{
	uint64_t z = b * 0x9e3779b97f4a7c15;
	uint32_t size = ring_places[a & 3].info.out_bytes;

	while (c--) {
		size_t at = ring_offset(a, RING_OWN);
		uint64_t word;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 + 1;
		word = z >> 40 & 1 ? z >> 16 : z >> 8 & 0x1fff8; /* wild, or nearly right */
		if (z & 1 || !size)
			at += z >> 48 & 0xf8;
		else
			at = ring_offset(a, RING_OUT) + ((z >> 44 & 0xfff8) % size);
		if (poke(at, &word, 8))
			return -1;
	}
	return 0;
}

/* Waits for it no longer than 3 ms, mostly, for it may never come. None but the programs' files. */
static inline int ring_poll(int fd, int events, long d)
{
	struct pollfd poll_fd = {.fd = fd, .events = events};

	if (fd < first_fd)
		return -1;
	return !d || poll(&poll_fd, 1, 3) > 0 ? 0 : -1;
}

/* Copy mode: a record of c bytes from b on, with a header that is put there; d 1: a wrong one. */
ENV(env_ring_write)
{
	struct stplr_ring_copy header = {.record = {.len = c + (d == 1), .type = d}};

	if (d == 2)
		header.record.flags = STPLR_RING_TURN;
	poke(b - (uintptr_t)MEMORY, &header, sizeof(header));
	return ring_poll(a, POLLOUT, d) ? -1 : write(a, (void *)b, sizeof(header) + c);
}

ENV(env_ring_read)
{
	return ring_poll(a, POLLIN, d) ? -1 : read(a, (void *)b, c);
}

/*
 * Drivers (tests/module), where they are loaded: they serve, send, and have ends of rings. What one
 * operation does with such a driver's file only it does, for the tests that they are for take
 * turns.
 */

/* The name at a, of b bytes, ended by a zero. */
static inline const char *driver_name(char *name, long a, long b)
{
	memset(name, 0, 64);
	memcpy(name, (const char *)a, b < 0 || b > 63 ? 63 : b);
	return name;
}

/* By c's bits: takes pulses, has threads of its own, is bare, is one client's; d how many may wait.
 */
ENV(env_kserver)
{
	struct kserver_create create = {.device = own_device,
					.mode = 0666,
					.pulses = c & 1,
					.threads = c & 2,
					.bare = !!(c & 4),
					.exclusive = (c & 9) == 8,
					.message_max = c & 2 ? 0 : 1 << 20,
					.pending_max = c & 2 ? 0 : d};
	int fd = open("/dev/stplr-kserver", O_RDWR | O_CLOEXEC), error;

	driver_name(create.name, a, b);
	if (!ioctl(fd, KSERVER_CREATE, &create))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* The message that it has kept last, once there is one, is read, written to or answered. */
ENV(env_kserver_use)
{
	struct kserver_state state = {0};
	struct kserver_reply reply = {.len = c};
	struct kserver_data data = {.len = c, .offset = d * 8};

	for (int i = 0; i < 20 && !state.rcvid; i++) {
		if (ioctl(a, KSERVER_STATE, &state))
			return -1;
		if (!state.rcvid)
			usleep(200);
	}
	reply.rcvid = data.rcvid = state.rcvid + !d;
	switch (b) {
	case 0:
	case 1:
	case 2:
		return ioctl(a, KSERVER_READ, &data);
	case 3:
	case 4:
		return ioctl(a, KSERVER_WRITE, &data);
	case 5:
		return ioctl(a, KSERVER_RELEASE);
	case 6:
		return d ? 0 : ioctl(a, KSERVER_SHUTDOWN);
	}
	return ioctl(a, KSERVER_REPLY, &reply);
}

/* A message that begins at a says what is to be done with it. */
ENV(env_wish)
{
	struct kserver_message message = {.what = b, .value = c};

	return poke(a - (uintptr_t)MEMORY, &message, sizeof(message));
}

/* A driver connects to a name, posts c messages, some by an interrupt, may call, and goes. */
ENV(env_link)
{
	struct kclient_open args = {.device = own_device,
				    .posts = 4,
				    .post_max = 256,
				    .reply_max = d & 2 ? 4 : 0,
				    .deadline = d & 1 ? STPLR_DEADLINE_POLL : (int64_t)soon(3000),
				    .told = !!(d & 2),
				    .flags = !!(d & 16), /* STPLR_LINK_UID */
				    .uid = !!(d & 32)};
	struct kclient_post post = {.count = c, .size = 64, .priority = 10, .where = d & 1};
	struct kclient_call call = {.send = AT(0),
				    .send_len = 100,
				    .reply = AT(0x1000),
				    .room = 100,
				    .parts = 2,
				    .deadline = 5};
	int fd = open("/dev/stplr-kclient", O_RDWR | O_CLOEXEC), result, error;

	driver_name(args.name, a, b);
	result = ioctl(fd, KCLIENT_OPEN, &args);
	if (!result) {
		ioctl(fd, KCLIENT_POST, &post); /* of which there may be too many */
		if (d & 4)
			usleep(1000);
		if (d & 8)
			result = ioctl(fd, KCLIENT_CALL, &call);
	}
	error = errno;
	close(fd);
	errno = error;
	return result;
}

/* A driver has an end of a ring for c ms: it gives back what it reads. */
ENV(env_ring_driver)
{
	char text[120], name[64];
	int fd = open("/dev/stplr-ringer", O_RDWR | O_CLOEXEC), length, result, error;

	length = snprintf(text, sizeof(text), "work %s %u %ld", driver_name(name, a, b), own_device,
			  c);
	result = write(fd, text, length);
	error = errno;
	close(fd);
	errno = error;
	return result;
}

struct pager {
	int fd;
	long delay;
};

/* Answers faults late: a us each; for ever, if that is above 5,000. */
static inline void *pager_run(void *arg)
{
	struct pager pager = *(struct pager *)arg;
	struct uffd_msg message;

	free(arg);
	while (read(pager.fd, &message, sizeof(message)) == sizeof(message)) {
		struct uffdio_zeropage zero = {
			.range = {message.arg.pagefault.address & ~0xfffULL, 0x1000}};

		if (pager.delay > 5000)
			pause();
		usleep(pager.delay);
		ioctl(pager.fd, UFFDIO_ZEROPAGE, &zero);
	}
	return NULL;
}

ENV(env_userfault)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register where = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	struct pager *pager;
	pthread_t thread;
	int fd;

	fail_none();
	if (!pages_of(&a, &b))
		return -1;
	where.range.start = AT(a);
	where.range.len = b;
	fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	pager = malloc(sizeof(*pager));
	*pager = (struct pager){fd, c};
	madvise(MEMORY + a, b, MADV_DONTNEED);
	if (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &where) ||
	    pthread_create(&thread, NULL, pager_run, pager)) {
		close(fd);
		free(pager);
		return -1;
	}
	pthread_detach(thread);
	return 0;
}

/* The calling thread */

ENV(env_sleep)
{
	return usleep(a);
}

/* 0: nice, 1: a real-time priority */
ENV(env_priority)
{
	struct sched_param param = {.sched_priority = b ? (a < 0 ? -a : a) % 99 + 1 : 0};

	priority_changed = 1;
	if (sched_setscheduler(0, b ? (a & 1 ? SCHED_RR : SCHED_FIFO) : SCHED_OTHER, &param))
		return -1;
	return b ? 0 : setpriority(PRIO_PROCESS, 0, a);
}

/* This thread alone is another user's from here on. */
ENV(env_become)
{
	return syscall(SYS_setresuid, a, a, a);
}

ENV(env_memlock)
{
	struct rlimit limit = {a, a};

	return setrlimit(RLIMIT_MEMLOCK, &limit);
}

/* The ath allocation or copy from here on fails, once. */
ENV(env_fail)
{
	char number[16];

	if (!fail_fd)
		fail_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return write(fail_fd, number, snprintf(number, sizeof(number), "%ld", a));
}

/* What is only a number, as a structure. */
struct number {
	uint32_t id;
};

/* Running a program */

static inline void program_run(void)
{
	int fd;

	if (memory_changed)
		memory_setup();
	memset(lanes, 0, offsetof(struct lanes, sockets));
	lanes->started[0] = 1;
	lane_enter(0);
	lanes_join();
	while ((fd = env_take(0, 0, 0, 0)) >= 0)
		close(fd);
	if (rings_mapped)
		munmap(MEMORY + RINGS_OFFSET, MEMORY_SIZE - RINGS_OFFSET);
	rings_mapped = 0;
	close_range(first_fd, ~0U, 0);
	/* what was forked has as long as the threads had */
	for (int i = 0; i < 20 && waitpid(-1, NULL, WNOHANG) >= 0; i++)
		usleep(1000);
	for (int i = 0; i < LANES_MAX; i++) {
		if (lanes->pids[i] > 0 && lanes->pids[i] != getpid())
			kill(lanes->pids[i], SIGKILL);
	}
	while (waitpid(-1, NULL, 0) >= 0) {
	}
}

/* How long one may take before it is killed, and how long that may take. */
#define TIME_LIMIT_US 1000000
#define PATIENCE_US 20000000

/* Kills what is left of a group of processes, the caller's children; -1 if they do not die. */
static inline int end_group(pid_t group)
{
	uint64_t until = soon(PATIENCE_US);
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
		kill(-group, SIGKILL);
		if (soon(0) > until)
			return -1;
		if (!pid)
			usleep(1000);
	}
	return 0;
}

#endif
