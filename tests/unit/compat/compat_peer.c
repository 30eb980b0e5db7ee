// SPDX-License-Identifier: MIT
// A 32-bit program that uses the ABI, without a C library so that it needs no other packages. Run
// by compat_test:
//
//	compat_peer client	sends on descriptor 3, a connection, to a server that gives back
//				what it got
//	compat_peer server	serves one message on descriptor 3, a channel, likewise
//	compat_peer registered-client, registered-server
//				the same from and to registered buffers
//	compat_peer ring	gives back, in place, what comes from descriptor 3, an attached end
//	compat_peer rings	makes a set of rings and both ends on descriptor 3, a device
//	compat_peer alone	makes its own channel and connection on descriptor 3, a device
//
// Exits with 0, or with the number of the source line of what went wrong, modulo 255 plus 1.
#include <asm/unistd_32.h>
#include <linux/stplr_ring.h>

#define ENOENT 2
#define EAGAIN 11
#define EFAULT 14
#define EINVAL 22
#define ENOTTY 25
#define EPIPE 32
#define EPROTO 71
#define ETIMEDOUT 110

#define BYTES 200000

static unsigned char message[BYTES], answer[BYTES];

static long syscall3(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory");
	return result;
}

static void finish(int status)
{
	syscall3(__NR_exit, status, 0, 0);
	__builtin_unreachable();
}

static void expect(int holds, int line)
{
	if (!holds)
		finish(line % 255 + 1);
}

#define EXPECT(condition) expect(condition, __LINE__)

static long call(int fd, unsigned long request, void *argument)
{
	return syscall3(__NR_ioctl, fd, request, (long)argument);
}

static __u64 address(const void *pointer)
{
	return (unsigned long)pointer;
}

static void fill(unsigned char *bytes, unsigned int length)
{
	for (unsigned int i = 0; i < length; i++)
		bytes[i] = i * 7 + (i >> 8);
}

static void zero(void *bytes, unsigned int length)
{
	for (volatile unsigned char *at = bytes; length--; at++)
		*at = 0;
}

// Sends length bytes, in one piece or in two parts each way, and expects them back.
static void send_and_check(int connection, unsigned int length, int vector)
{
	struct stplr_iovec sent[2], room[2];
	struct stplr_msg_send args;

	fill(message, length);
	zero(answer, length);
	zero(&args, sizeof(args));
	args.send.addr = address(message);
	args.send.len = length;
	args.reply.addr = address(answer);
	args.reply.len = sizeof(answer);
	if (vector) {
		sent[0].base = address(message);
		sent[0].len = length / 3;
		sent[1].base = address(message + length / 3);
		sent[1].len = length - length / 3;
		room[0].base = address(answer);
		room[0].len = length / 2;
		room[1].base = address(answer + length / 2);
		room[1].len = sizeof(answer) - length / 2;
		args.send.addr = address(sent);
		args.reply.addr = address(room);
		args.send.len = args.reply.len = 2;
		args.flags = STPLR_SEND_VECTOR | STPLR_REPLY_VECTOR;
	}
	args.send_deadline = args.reply_deadline = STPLR_DEADLINE_NONE;
	args.clock = 1;
	EXPECT(call(connection, STPLR_MSG_SEND_RECEIVE, &args) == 0);
	EXPECT(args.reply_len == length);
	EXPECT(args.reply_total == length);
	EXPECT(args.status == 32);
	EXPECT(args.token == 0);
	for (unsigned int i = 0; i < length; i++)
		EXPECT(answer[i] == message[i]);
}

static void client(void)
{
	struct stplr_msg_send args;

	send_and_check(3, 0, 0);
	send_and_check(3, 50, 0);
	send_and_check(3, 50, 1);
	send_and_check(3, BYTES, 0);
	send_and_check(3, BYTES, 1);

	// Addresses that only a 64-bit program can have must not be cut to 32 bits.
	zero(&args, sizeof(args));
	args.send.addr = address(message) | 1ULL << 32;
	args.send.len = 50;
	args.send_deadline = STPLR_DEADLINE_NONE;
	args.clock = 1;
	EXPECT(call(3, STPLR_MSG_SEND, &args) == -EFAULT);
	args.send.addr = address(message);
	args.send.len = 1ULL << 32 | 50;
	EXPECT(call(3, STPLR_MSG_SEND, &args) < 0);
}

static void server(void)
{
	struct stplr_msg_receive receive;
	struct stplr_msg_reply reply;

	zero(&receive, sizeof(receive));
	receive.buffer.addr = address(message);
	receive.buffer.len = sizeof(message);
	receive.deadline = STPLR_DEADLINE_NONE;
	receive.clock = 1;
	EXPECT(call(3, STPLR_MSG_RECEIVE, &receive) == 0);
	EXPECT(receive.info.rcvid > 0);
	EXPECT(!receive.info.reserved[0] && !receive.info.reserved[1]);
	EXPECT(receive.info.len == receive.info.src_len);
	EXPECT(receive.info.kind == STPLR_KIND_SEND_RECEIVE);
	zero(&reply, sizeof(reply));
	reply.rcvid = receive.info.rcvid;
	reply.reply.addr = address(message);
	reply.reply.len = receive.info.len;
	reply.status = 32;
	EXPECT(call(3, STPLR_MSG_REPLY, &reply) == 0);
	EXPECT(reply.len == receive.info.len);
}

// Registers memory, of which the name is returned.
static __u64 registered(int fd, const void *bytes, unsigned int length, unsigned int flags)
{
	struct stplr_buffer_register args;

	zero(&args, sizeof(args));
	args.addr = address(bytes);
	args.len = length;
	args.flags = flags;
	args.index = ~0u;
	EXPECT(call(fd, STPLR_BUFFER_REGISTER, &args) == 0);
	EXPECT(args.index < STPLR_BUFFERS_MAX);
	return STPLR_REGISTERED(args.index, 0);
}

static void registered_client(void)
{
	struct stplr_msg_send args;
	__u32 index;

	fill(message, BYTES);
	zero(&args, sizeof(args));
	args.send.addr = registered(3, message, BYTES, 0) + 100;
	args.send.len = BYTES - 100;
	args.reply.addr = registered(3, answer, BYTES, STPLR_BUFFER_WRITE) + 100;
	args.reply.len = BYTES - 100;
	args.send_deadline = args.reply_deadline = STPLR_DEADLINE_NONE;
	args.clock = 1;
	args.flags = STPLR_SEND_REGISTERED | STPLR_REPLY_REGISTERED;
	EXPECT(call(3, STPLR_MSG_SEND_RECEIVE, &args) == 0);
	EXPECT(args.reply_len == BYTES - 100);
	for (unsigned int i = 0; i < BYTES; i++)
		EXPECT(answer[i] == (i < 100 ? 0 : message[i]));

	index = args.send.addr >> 48;
	EXPECT(call(3, STPLR_BUFFER_UNREGISTER, &index) == 0);
	EXPECT(call(3, STPLR_BUFFER_UNREGISTER, &index) == -ENOENT);
	EXPECT(call(3, STPLR_MSG_SEND_RECEIVE, &args) == -EINVAL);
}

static void registered_server(void)
{
	const __u64 memory = registered(3, message, BYTES, STPLR_BUFFER_WRITE);
	struct stplr_msg_receive receive;
	struct stplr_msg_reply reply;
	struct stplr_msg_data data;

	zero(&receive, sizeof(receive));
	receive.buffer.addr = memory;
	receive.buffer.len = 1000;
	receive.deadline = STPLR_DEADLINE_NONE;
	receive.clock = 1;
	receive.flags = STPLR_RECEIVE_REGISTERED;
	EXPECT(call(3, STPLR_MSG_RECEIVE, &receive) == 0);
	EXPECT(receive.info.len == 1000);
	zero(&data, sizeof(data));
	data.rcvid = receive.info.rcvid;
	data.offset = 1000;
	data.buffer.addr = memory + 1000;
	data.buffer.len = BYTES - 1000;
	data.flags = STPLR_DATA_REGISTERED;
	EXPECT(call(3, STPLR_MSG_READ, &data) == 0);
	EXPECT(data.len == receive.info.src_len - 1000);
	zero(&reply, sizeof(reply));
	reply.rcvid = receive.info.rcvid;
	reply.reply.addr = memory;
	reply.reply.len = receive.info.src_len;
	reply.flags = STPLR_REPLY_REGISTERED;
	EXPECT(call(3, STPLR_MSG_REPLY, &reply) == 0);
	EXPECT(reply.len == receive.info.src_len);
}

static void alone(void)
{
	struct stplr_version version;
	struct stplr_channel_create create;
	struct stplr_channel_info about;
	struct stplr_connect_attach attach;
	struct stplr_msg_receive receive;
	struct stplr_msg_reply_receive loop;
	struct stplr_msg_batch batch;
	struct stplr_msg_send send;
	struct stplr_msg_data data;
	long channel, connection;

	EXPECT(call(3, STPLR_VERSION, &version) == 0);
	EXPECT(version.abi == STPLR_ABI);
	EXPECT(version.parts_max == STPLR_PARTS_MAX);

	zero(&create, sizeof(create));
	create.name = address("compat");
	create.name_len = 6;
	channel = call(3, STPLR_CHANNEL_CREATE, &create);
	EXPECT(channel >= 0);
	EXPECT(create.chid == 1);
	EXPECT(call(channel, STPLR_CHANNEL_INFO, &about) == 0);
	EXPECT(about.chid == 1 && about.name[0] == 'c' && about.name[6] == '\0');

	zero(&attach, sizeof(attach));
	attach.name = address("compat");
	attach.name_len = 6;
	attach.deadline = STPLR_DEADLINE_NONE;
	connection = call(3, STPLR_CONNECT_ATTACH, &attach);
	EXPECT(connection >= 0);

	zero(&receive, sizeof(receive));
	receive.buffer.addr = address(message);
	receive.buffer.len = 10;
	EXPECT(call(channel, STPLR_MSG_RECEIVE, &receive) == -EAGAIN);
	receive.reserved = 1;
	EXPECT(call(channel, STPLR_MSG_RECEIVE, &receive) == -EINVAL);
	receive.reserved = 0;
	receive.deadline = 1;
	EXPECT(call(channel, STPLR_MSG_RECEIVE, &receive) == -ETIMEDOUT);
	zero(&loop, sizeof(loop));
	EXPECT(call(channel, STPLR_MSG_REPLY_RECEIVE, &loop) == -EAGAIN);
	zero(&batch, sizeof(batch));
	EXPECT(call(channel, STPLR_MSG_BATCH, &batch) == 0);
	batch.nr_places = 1;
	EXPECT(call(channel, STPLR_MSG_BATCH, &batch) == -EFAULT);
	zero(&data, sizeof(data));
	EXPECT(call(channel, STPLR_MSG_READ, &data) == -EINVAL);
	EXPECT(call(channel, STPLR_MSG_WRITE, &data) == -EINVAL);
	EXPECT(call(channel, STPLR_MSG_SEND, &data) == -ENOTTY);

	zero(&send, sizeof(send));
	send.send.addr = address(message);
	send.send.len = 10;
	EXPECT(call(connection, STPLR_MSG_SEND, &send) == -EAGAIN);
	EXPECT(call(channel, STPLR_CHANNEL_DESTROY, 0) == 0);
}

// Maps a region of an end.
static volatile void *mapped(int fd, unsigned int region, unsigned int size, int writable)
{
	// of the call for 32-bit programs that takes them so
	const struct {
		unsigned long at, size, protection, flags, fd, offset;
	} args = {0, size, writable ? 3 : 1, 1, fd, region};
	const long result = syscall3(__NR_mmap, (long)&args, 0, 0);

	EXPECT(result > 0 || result < -4095);
	return (volatile void *)result;
}

static long wait_for(int fd, unsigned int what, unsigned int room, __s64 deadline)
{
	struct stplr_ring_wait args;
	long result;

	zero(&args, sizeof(args));
	args.what = what;
	args.room = room;
	args.deadline = deadline;
	args.clock = 1;
	result = call(fd, STPLR_RING_WAIT, &args);
	return result ? result : (long)args.what;
}

static void ring(void)
{
	struct stplr_ring_info info;
	volatile struct stplr_ring_page *own;
	const volatile struct stplr_ring_page *peer;
	volatile unsigned char *out;
	const volatile unsigned char *in;
	long result;

	EXPECT(call(3, STPLR_RING_INFO, &info) == 0);
	own = mapped(3, STPLR_RING_MAP_OWN, 4096, 1);
	peer = mapped(3, STPLR_RING_MAP_PEER, 4096, 0);
	out = mapped(3, STPLR_RING_MAP_OUT, 2 * info.out_bytes, 1);
	in = mapped(3, STPLR_RING_MAP_IN, 2 * info.in_bytes, 0);
	while ((result = wait_for(3, STPLR_RING_DATA, 0, STPLR_DEADLINE_NONE)) == STPLR_RING_DATA) {
		const volatile unsigned char *from = in + own->reader.tail % info.in_bytes;
		volatile unsigned char *to = out + own->writer.head % info.out_bytes;
		const unsigned int len = *(const volatile __u32 *)from;
		const unsigned int need = 8 + (len + 7) / 8 * 8;

		EXPECT(own->reader.tail + need <= peer->writer.head);
		EXPECT(wait_for(3, STPLR_RING_ROOM, need, STPLR_DEADLINE_NONE) == STPLR_RING_ROOM);
		for (unsigned int i = 0; i < need; i++)
			to[i] = from[i];
		own->writer.records = own->writer.records + 1;
		own->reader.records = own->reader.records + 1;
		__atomic_store_n(&own->writer.head, own->writer.head + need, __ATOMIC_RELEASE);
		__atomic_store_n(&own->reader.tail, own->reader.tail + need, __ATOMIC_RELEASE);
		EXPECT(call(3, STPLR_RING_WAKE, 0) == 0);
	}
	EXPECT(result == -EPROTO);
}

static void rings(void)
{
	struct stplr_rings_create create;
	struct stplr_ring_open open;
	struct stplr_rings_attached attached;
	struct stplr_ring_attach attach;
	struct stplr_ring_eventfd eventfd;
	struct {
		struct stplr_ring_copy copy;
		unsigned char bytes[8];
	} sent, got;
	__u32 what = STPLR_RING_DATA;
	long set, creator, other;

	zero(&create, sizeof(create));
	create.name = address("compat");
	create.name_len = 6;
	create.rings = 2;
	create.out_pages = create.in_pages = 1;
	set = call(3, STPLR_RINGS_CREATE, &create);
	EXPECT(set >= 0);
	open.number = STPLR_RING_ANY;
	open.flags = 0;
	creator = call(set, STPLR_RING_OPEN, &open);
	EXPECT(creator >= 0);
	EXPECT(open.number == 0);

	zero(&attach, sizeof(attach));
	attach.name = address("compat");
	attach.name_len = 6;
	attach.number = 1;
	EXPECT(call(3, STPLR_RING_ATTACH, &attach) == -EAGAIN);
	attach.number = STPLR_RING_ANY;
	attach.flags = STPLR_RING_NONBLOCK;
	attach.deadline = STPLR_DEADLINE_NONE;
	other = call(3, STPLR_RING_ATTACH, &attach);
	EXPECT(other >= 0);
	EXPECT(attach.number == 0);
	zero(&attached, sizeof(attached));
	attached.number = STPLR_RING_ANY;
	attached.deadline = STPLR_DEADLINE_NONE;
	EXPECT(call(set, STPLR_RINGS_ATTACHED, &attached) == 0);
	EXPECT(attached.number == 0);
	EXPECT(attached.pid == syscall3(__NR_getpid, 0, 0, 0));
	attached.deadline = 1;
	EXPECT(call(set, STPLR_RINGS_ATTACHED, &attached) == -ETIMEDOUT);

	zero(&sent, sizeof(sent));
	sent.copy.record.len = 5;
	sent.copy.record.type = 32;
	fill(sent.bytes, 5);
	EXPECT(call(other, STPLR_RING_ARM, &what) == 0);
	EXPECT(syscall3(__NR_read, other, (long)&got, sizeof(got)) == -EAGAIN);
	EXPECT(syscall3(__NR_write, creator, (long)&sent, sizeof(sent)) == sizeof(sent));
	EXPECT(wait_for(other, STPLR_RING_DATA, 0, STPLR_DEADLINE_NONE) == STPLR_RING_DATA);
	EXPECT(syscall3(__NR_read, other, (long)&got, sizeof(got)) == sizeof(got));
	EXPECT(got.copy.record.len == 5 && got.copy.record.type == 32 && !got.copy.number);
	for (unsigned int i = 0; i < 8; i++)
		EXPECT(got.bytes[i] == sent.bytes[i]);
	EXPECT(wait_for(other, STPLR_RING_DATA, 0, STPLR_DEADLINE_POLL) == -EAGAIN);
	EXPECT(wait_for(other, STPLR_RING_DATA, 0, 1) == -ETIMEDOUT);

	eventfd.fd = syscall3(__NR_eventfd2, 0, 0, 0);
	eventfd.flags = STPLR_RING_EVENTFD_ALWAYS;
	EXPECT(eventfd.fd >= 0);
	EXPECT(call(other, STPLR_RING_EVENTFD, &eventfd) == 0);
	EXPECT(call(creator, STPLR_RING_WAKE, 0) == 0);
	EXPECT(syscall3(__NR_read, eventfd.fd, (long)&sent, 8) == 8);
	EXPECT(call(creator, STPLR_RING_END, (void *)1) == -EINVAL);
	EXPECT(call(creator, STPLR_RING_END, 0) == 0);
	EXPECT(call(other, STPLR_RING_END, 0) == -EPIPE);
	EXPECT(syscall3(__NR_read, other, (long)&got, sizeof(got)) == -EPIPE);
}

static int same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

__attribute__((used)) static void start(const long *stack)
{
	const char *role = stack[0] > 1 ? ((const char *const *)(stack + 1))[1] : "";

	if (same(role, "client"))
		client();
	else if (same(role, "server"))
		server();
	else if (same(role, "registered-client"))
		registered_client();
	else if (same(role, "registered-server"))
		registered_server();
	else if (same(role, "ring"))
		ring();
	else if (same(role, "rings"))
		rings();
	else if (same(role, "alone"))
		alone();
	else
		finish(254);
	finish(0);
}

__asm__(".globl _start\n"
	"_start:\n"
	"	mov %esp, %eax\n"
	"	and $-16, %esp\n"
	"	sub $12, %esp\n"
	"	push %eax\n"
	"	call start\n");
