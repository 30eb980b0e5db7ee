// SPDX-License-Identifier: MIT
// Messages in memory of every kind, and memory that answers no fault: nobody stalls a peer.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"

namespace
{

class MemoryTest : public PairTest
{
protected:
	// Sends size bytes at message to a server thread of this process that replies with another
	// pattern into room at reply, and checks all of it. The server's memory is ordinary.
	void round_trip(char *message, char *reply, size_t size)
	{
		std::vector<char> bytes(size);
		std::vector<char> before(message, message + size);
		stplr_msg_send args = send_args(buffer(message, size), buffer(reply, size));
		Thread client([&] { return msg_send_receive(connection, args); });

		stplr_msg_receive taken = receive_args(buffer(bytes.data(), size));
		ASSERT_EQ(0, msg_receive(channel, taken));
		ASSERT_EQ(size, taken.info.len);
		EXPECT_EQ(0, memcmp(bytes.data(), before.data(), size));
		fill_pattern(bytes.data(), size, size + 5);
		stplr_msg_reply answer = reply_args(taken.info.rcvid, buffer(bytes.data(), size));
		ASSERT_EQ(0, msg_reply(channel, answer));
		EXPECT_EQ(size, answer.len);
		ASSERT_EQ(0, client.join());
		EXPECT_EQ(size, args.reply_len);
		EXPECT_TRUE(expect_pattern(reply, size, size + 5));
	}

	// A server whose receive buffer and reply are at memory.
	void serve_from(char *memory, size_t size)
	{
		std::vector<char> message(size), room(size);
		fill_pattern(message.data(), size, 21);
		stplr_msg_send args =
			send_args(buffer(message.data(), size), buffer(room.data(), size));
		Thread client([&] { return msg_send_receive(connection, args); });

		stplr_msg_receive taken = receive_args(buffer(memory, size));
		ASSERT_EQ(0, msg_receive(channel, taken));
		EXPECT_TRUE(expect_pattern(memory, size, 21));
		stplr_msg_reply answer = reply_args(taken.info.rcvid, buffer(memory, size));
		ASSERT_EQ(0, msg_reply(channel, answer));
		ASSERT_EQ(0, client.join());
		EXPECT_TRUE(expect_pattern(room.data(), size, 21));
	}

	const std::vector<size_t> sizes = {100, 5000, 60000, 200000, 1000000};
};

TEST_F(MemoryTest, UntouchedMemoryIsZero)
{
	for (size_t size : sizes) {
		Mapping message(size), reply(size);
		round_trip(message.data(), reply.data(), size);
	}
}

TEST_F(MemoryTest, UntouchedReadOnlyMemory)
{
	for (size_t size : sizes) {
		Mapping message(size, PROT_READ), reply(size);
		round_trip(message.data(), reply.data(), size);
	}
}

TEST_F(MemoryTest, MessageAndReplyInTheSameBytes)
{
	for (size_t size : sizes) {
		Mapping both(size);
		fill_pattern(both.data(), size, 1);
		round_trip(both.data(), both.data(), size);
	}
}

TEST_F(MemoryTest, EverythingInTheSamePage)
{
	// Client and server in one process, all four buffers in one page.
	Mapping page(page_size());
	char *message = page.data(), *reply = message + 1000, *in = message + 2000,
	     *out = message + 3000;
	for (size_t size : {10, 500, 1000}) {
		fill_pattern(message, size, 1);
		fill_pattern(out, size, 2);
		stplr_msg_send args = send_args(buffer(message, size), buffer(reply, size));
		Thread client([&] { return msg_send_receive(connection, args); });
		stplr_msg_receive taken = receive_args(buffer(in, size));
		ASSERT_EQ(0, msg_receive(channel, taken));
		EXPECT_TRUE(expect_pattern(in, size, 1));
		stplr_msg_reply answer = reply_args(taken.info.rcvid, buffer(out, size));
		ASSERT_EQ(0, msg_reply(channel, answer));
		ASSERT_EQ(0, client.join());
		EXPECT_TRUE(expect_pattern(reply, size, 2));
	}
}

TEST_F(MemoryTest, ServersBuffersAreTheClients)
{
	// The server receives into the very bytes that are sent, and replies from the room.
	for (size_t size : sizes) {
		Mapping message(size), room(size);
		fill_pattern(message.data(), size, 1);
		fill_pattern(room.data(), size, 2);
		stplr_msg_send args =
			send_args(buffer(message.data(), size), buffer(room.data(), size));
		Thread client([&] { return msg_send_receive(connection, args); });
		stplr_msg_receive taken = receive_args(buffer(message.data(), size));
		ASSERT_EQ(0, msg_receive(channel, taken));
		stplr_msg_reply answer = reply_args(taken.info.rcvid, buffer(room.data(), size));
		ASSERT_EQ(0, msg_reply(channel, answer));
		ASSERT_EQ(0, client.join());
		EXPECT_TRUE(expect_pattern(message.data(), size, 1));
		EXPECT_TRUE(expect_pattern(room.data(), size, 2));
	}
}

TEST_F(MemoryTest, PrivateFileIsCopiedOnWrite)
{
	// The program's own file: large, read-only for us.
	Fd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	struct stat stat;
	ASSERT_EQ(0, fstat(file, &stat));
	size_t size = std::min<size_t>(stat.st_size, 300000);
	std::vector<char> original(size);
	ASSERT_EQ(ssize_t(size), pread(file, original.data(), size, 0));

	Mapping message(size, PROT_READ, MAP_PRIVATE, file);
	Mapping reply(size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
	EXPECT_EQ(0, memcmp(message.data(), original.data(), size));
	round_trip(message.data(), reply.data(), size);
	EXPECT_EQ(0, memcmp(message.data(), original.data(), size)) << "the file was written";
	Mapping received(size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
	serve_from(received.data(), size);
	std::vector<char> after(size);
	ASSERT_EQ(ssize_t(size), pread(file, after.data(), size, 0));
	EXPECT_EQ(original, after);
}

TEST_F(MemoryTest, SharedMemoryIsWrittenThrough)
{
	for (size_t size : sizes) {
		Fd file = memory_file(size);
		Mapping reply(size, PROT_READ | PROT_WRITE, MAP_SHARED, file);
		Mapping message(size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
		fill_pattern(message.data(), size, 1);
		round_trip(message.data(), reply.data(), size);
		std::vector<char> through(size);
		ASSERT_EQ(ssize_t(size), pread(file, through.data(), size, 0));
		EXPECT_TRUE(expect_pattern(through.data(), size, size + 5));
		serve_from(reply.data(), size);
	}
}

// Where a file is written back to something else than memory.
std::string disk_directory()
{
	if (const char *directory = getenv("STPLR_TEST_DISK"))
		return directory;
	return access("build/vm", W_OK) == 0 ? "build/vm" : "/tmp";
}

TEST_F(MemoryTest, PagesCleanedWhileBlockedAreWrittenBackAgain)
{
	// Pages that are pinned while the client is blocked are written back meanwhile and so
	// clean; what the reply writes to them must make them dirty again. Where a file system's
	// pages cannot be pinned for long, the reply takes another way, with the same promise.
	std::string path = disk_directory() + "/stplr-memory-test.XXXXXX";
	Fd file(mkostemp(path.data(), O_CLOEXEC));
	ASSERT_GE(file, 0) << path << ": " << strerror(errno);
	// Removed last: not every file system can map a file that has no name any more.
	std::shared_ptr<void> removal(nullptr, [&](void *) { unlink(path.c_str()); });
	for (size_t size : sizes) {
		std::vector<char> bytes(size), through(size);
		ASSERT_EQ(ssize_t(size), pwrite(file, bytes.data(), size, 0));
		{
			Mapping room(size, PROT_READ | PROT_WRITE, MAP_SHARED, file);
			// The second time the client expects a reply as long as the first.
			for (int pass = 0; pass < 2; pass++) {
				stplr_msg_send args =
					send_args(buffer("x"), buffer(room.data(), size));
				Thread client([&] { return msg_send_receive(connection, args); });
				Received message = receive(channel);
				ASSERT_EQ(0, msync(room.data(), size, MS_SYNC)) << strerror(errno);
				fill_pattern(bytes.data(), size, pass);
				stplr_msg_reply answer =
					reply_args(message.rcvid(), buffer(bytes.data(), size));
				ASSERT_EQ(0, msg_reply(channel, answer));
				ASSERT_EQ(0, client.join());
				ASSERT_TRUE(expect_pattern(room.data(), size, pass));
			}
		}
		ASSERT_EQ(0, fsync(file));
		posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
		ASSERT_EQ(ssize_t(size), pread(file, through.data(), size, 0));
		EXPECT_TRUE(expect_pattern(through.data(), size, 1));
	}
}

TEST_F(MemoryTest, UnalignedEndsAreWrittenBackToo)
{
	// The same, with a reply that begins and ends in the middle of pages: one byte of the last.
	const size_t page = page_size(), start = page - 7;
	std::string path = disk_directory() + "/stplr-memory-test.XXXXXX";
	Fd file(mkostemp(path.data(), O_CLOEXEC));
	ASSERT_GE(file, 0) << path << ": " << strerror(errno);
	std::shared_ptr<void> removal(nullptr, [&](void *) { unlink(path.c_str()); });
	for (size_t pages : {1, 2, 15, 40}) {
		const size_t size = (pages + 2) * page, length = pages * page + 8;
		std::vector<char> bytes(size), through(size);
		ASSERT_EQ(ssize_t(size), pwrite(file, bytes.data(), size, 0));
		{
			Mapping room(size, PROT_READ | PROT_WRITE, MAP_SHARED, file);
			for (int pass = 0; pass < 2; pass++) {
				stplr_msg_send args =
					send_args(buffer("x"), buffer(room.data() + start, length));
				Thread client([&] { return msg_send_receive(connection, args); });
				Received message = receive(channel);
				ASSERT_EQ(0, msync(room.data(), size, MS_SYNC)) << strerror(errno);
				fill_pattern(bytes.data(), length, pass);
				stplr_msg_reply answer =
					reply_args(message.rcvid(), buffer(bytes.data(), length));
				ASSERT_EQ(0, msg_reply(channel, answer));
				ASSERT_EQ(0, client.join());
			}
		}
		ASSERT_EQ(0, fsync(file));
		posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
		ASSERT_EQ(ssize_t(size), pread(file, through.data(), size, 0));
		EXPECT_TRUE(expect_pattern(through.data() + start, length, 1)) << pages;
	}
}

TEST_F(MemoryTest, FileCutWhileBlocked)
{
	// Its pages are others afterwards, and have the reply: none was kept meanwhile.
	const size_t size = 10 * page_size();
	std::string path = disk_directory() + "/stplr-memory-test.XXXXXX";
	Fd file(mkostemp(path.data(), O_CLOEXEC));
	ASSERT_GE(file, 0) << path << ": " << strerror(errno);
	std::shared_ptr<void> removal(nullptr, [&](void *) { unlink(path.c_str()); });
	std::vector<char> bytes(size);
	ASSERT_EQ(ssize_t(size), pwrite(file, bytes.data(), size, 0));
	Mapping room(size, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	stplr_msg_send args = send_args(buffer("x"), buffer(room.data(), size));
	Thread client([&] { return msg_send_receive(connection, args); });
	Received message = receive(channel);
	ASSERT_EQ(0, ftruncate(file, 0));
	ASSERT_EQ(0, ftruncate(file, size));
	fill_pattern(bytes.data(), size, 1);
	EXPECT_EQ(0, reply(channel, message.rcvid(), {bytes.data(), size}));
	ASSERT_EQ(0, client.join());
	EXPECT_TRUE(expect_pattern(room.data(), size, 1));
}

TEST_F(MemoryTest, PagesOnlyEverReadAreKeptOnceARoom)
{
	// What was only read is mapped clean, and the reply is written past the mapping: unless
	// that marks the pages, memory that runs short drops them as empty.
	for (size_t size : sizes) {
		Fd file = memory_file(size);
		Mapping room(size, PROT_READ | PROT_WRITE, MAP_SHARED, file);
		std::vector<char> bytes(size), through(size);
		EXPECT_EQ(0, memcmp(room.data(), bytes.data(), size));
		Sender client(connection, "x", size); // so that the next reply is expected
		EXPECT_EQ(0, reply(channel, receive(channel).rcvid(), {bytes.data(), size}));
		EXPECT_EQ(0, client.finish().result);
		fill_pattern(bytes.data(), size, 1);
		stplr_msg_send args = send_args(buffer("x"), buffer(room.data(), size));
		Thread second([&] { return msg_send_receive(connection, args); });
		EXPECT_EQ(0, reply(channel, receive(channel).rcvid(), {bytes.data(), size}));
		EXPECT_EQ(0, second.join());
		ASSERT_EQ(0, madvise(room.data(), size, MADV_PAGEOUT)) << strerror(errno);
		ASSERT_EQ(ssize_t(size), pread(file, through.data(), size, 0));
		EXPECT_TRUE(expect_pattern(through.data(), size, 1));
		EXPECT_TRUE(expect_pattern(room.data(), size, 1));
	}
}

TEST_F(MemoryTest, FileShorterThanItsMapping)
{
	// Beyond the file's end is SIGBUS: EFAULT here, for whose buffer it is.
	Fd file = memory_file(page_size());
	Mapping mapping(4 * page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, file);
	for (size_t size : {page_size() + 64, 3 * page_size()}) {
		stplr_msg_send args = send_args(buffer(mapping.data(), size));
		EXPECT_EQ(-EFAULT, msg_send(connection, args));
		Sender client(connection, std::string(size, 'x'), size);
		ASSERT_TRUE(client.wait_blocked());
		stplr_msg_receive taken = receive_args(buffer(mapping.data(), size));
		EXPECT_EQ(-EFAULT, msg_receive(channel, taken));
		Received message = receive(channel, size);
		ASSERT_EQ(0, message.result);
		stplr_msg_reply answer = reply_args(message.rcvid(), buffer(mapping.data(), size));
		EXPECT_EQ(-EFAULT, msg_reply(channel, answer));
		EXPECT_EQ(0, reply(channel, message.rcvid()));
		EXPECT_EQ(0, client.finish().result);
	}
}

TEST_F(MemoryTest, HugePages)
{
	constexpr size_t kHuge = 2 << 20;
	// Transparent ones: two, unaligned use.
	Mapping room(4 * kHuge);
	char *aligned =
		reinterpret_cast<char *>((uintptr_t(room.data()) + kHuge - 1) / kHuge * kHuge);
	ASSERT_EQ(0, madvise(aligned, 2 * kHuge, MADV_HUGEPAGE));
	fill_pattern(aligned, 2 * kHuge, 1);
	round_trip(aligned + 1000, aligned + 1000, 3000000);
	Mapping other(4 * kHuge);
	char *reply =
		reinterpret_cast<char *>((uintptr_t(other.data()) + kHuge - 1) / kHuge * kHuge);
	ASSERT_EQ(0, madvise(reply, 2 * kHuge, MADV_HUGEPAGE));
	round_trip(aligned + 12345, reply + 777, 3500000);
	serve_from(aligned + 4095, 2500000);
}

TEST_F(MemoryTest, ReservedHugePages)
{
	constexpr size_t kHuge = 2 << 20;
	const char *pool = "/proc/sys/vm/nr_hugepages";
	std::ofstream(pool) << 6;
	{
		Mapping message(2 * kHuge, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB);
		Mapping reply(2 * kHuge, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB);
		if (message.data() && reply.data()) {
			fill_pattern(message.data(), 2 * kHuge, 1);
			round_trip(message.data() + 100, reply.data() + 200, 2 * kHuge - 300);
			round_trip(message.data(), reply.data(), 50);
			serve_from(message.data() + kHuge - 5000, 10000);
			serve_from(reply.data() + 1, 2 * kHuge - 1);
		}
	}
	{
		// Not yet touched when they are received into.
		Mapping untouched(kHuge, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB);
		if (untouched.data())
			serve_from(untouched.data() + 5, 1000000);
	}
	std::ofstream(pool) << 0;
}

TEST_F(MemoryTest, ForkWhileBlocked)
{
	// A child copies the memory on write; the reply must be in the parent's, as must the
	// message be.
	for (size_t size : sizes) {
		Mapping message(size), room(size);
		fill_pattern(message.data(), size, 1);
		poison_bytes(room.data(), size);
		stplr_msg_send args =
			send_args(buffer(message.data(), size), buffer(room.data(), size));
		Thread client([&] { return msg_send_receive(connection, args); });
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		Child child([&](Child &self) {
			// The child's own copies, whatever it does to them.
			self.hear();
			EXPECT_TRUE(expect_poison(room.data(), size))
				<< "the parent's reply in the child";
			memset(message.data(), 'c', size);
			memset(room.data(), 'c', size);
			return 0;
		});
		std::vector<char> bytes(size);
		stplr_msg_receive taken = receive_args(buffer(bytes.data(), size));
		ASSERT_EQ(0, msg_receive(channel, taken));
		EXPECT_TRUE(expect_pattern(bytes.data(), size, 1));
		fill_pattern(bytes.data(), size, 2);
		stplr_msg_reply answer = reply_args(taken.info.rcvid, buffer(bytes.data(), size));
		ASSERT_EQ(0, msg_reply(channel, answer));
		ASSERT_EQ(0, client.join());
		EXPECT_TRUE(expect_pattern(room.data(), size, 2));
		child.tell(0);
		child.expect_success();
	}
}

TEST_F(MemoryTest, ForkAndWriteBeforeTheReply)
{
	// The parent's page is copied by its own write after the fork: the reply goes where the
	// parent reads.
	for (size_t size : sizes) {
		Mapping room(size + 64);
		memset(room.data(), 1, room.size());
		stplr_msg_send args = send_args(buffer("x"), buffer(room.data(), size));
		Thread client([&] { return msg_send_receive(connection, args); });
		Received message = receive(channel);
		Child child([&](Child &self) {
			self.hear();
			return room.data()[0] == 1 ? 0 : 1;
		});
		room.data()[size + 1] = 2;
		std::vector<char> bytes(size);
		fill_pattern(bytes.data(), size, 3);
		stplr_msg_reply answer = reply_args(message.rcvid(), buffer(bytes.data(), size));
		ASSERT_EQ(0, msg_reply(channel, answer));
		ASSERT_EQ(0, client.join());
		EXPECT_TRUE(expect_pattern(room.data(), size, 3));
		child.tell(0);
		child.expect_success();
	}
}

TEST_F(MemoryTest, UserfaultWithoutAHolder)
{
	// Registered, then closed: ordinary again.
	SilentMemory memory(64 * page_size());
	memory.stop();
	round_trip(memory.data(), memory.data(), memory.size());
}

// Memory that answers no fault until the test says so.
class SilentMemoryTest : public MemoryTest, public testing::WithParamInterface<size_t>
{
protected:
	SilentMemoryTest() : pages(GetParam()), size(pages * page_size()), bytes(size)
	{
		fill_pattern(bytes.data(), size, 1);
	}

	// Until a client waits for its memory or is queued, whichever the size makes of it.
	void wait_stuck(Thread &client, SilentMemory &memory, unsigned long request)
	{
		EXPECT_TRUE(eventually([&] {
			return memory.awaited(0) || blocked_in(getpid(), client.tid(), request);
		}));
	}

	// The server answers somebody else at once.
	void expect_served()
	{
		Sender other(second, "other");
		Received message = receive(channel, 64, in_ms(kPatienceMs));
		ASSERT_EQ("other", message.text);
		EXPECT_EQ(0, reply(channel, message.rcvid(), "served"));
		EXPECT_EQ("served", other.finish().text);
	}

	const size_t pages, size;
	std::vector<char> bytes;
	Fd second = new_connection(device, 0, chid);
};

TEST_P(SilentMemoryTest, MessageOfAClient)
{
	SilentMemory memory(size);
	stplr_msg_send args = send_args(buffer(memory.data(), size));
	Thread client([&] { return msg_send(connection, args); });
	wait_stuck(client, memory, STPLR_MSG_SEND);
	// Whatever state the client is in, receiving does not wait for its memory.
	expect_served();
	Received nothing = poll_receive(channel);
	EXPECT_EQ(-EAGAIN, nothing.result);
	expect_served();
	// Page by page.
	for (size_t page = 0; page < pages; page++)
		memory.provide(page * page_size(), bytes.data() + page * page_size(), page_size());
	Received message = receive(channel, size, in_ms(kPatienceMs));
	ASSERT_EQ(0, message.result);
	EXPECT_EQ(0, memcmp(message.text.data(), bytes.data(), size));
	EXPECT_EQ(0, client.join());
}

TEST_P(SilentMemoryTest, LastPageOfAMessage)
{
	SilentMemory memory(size);
	for (size_t page = 0; page + 1 < pages; page++)
		memory.provide(page * page_size(), bytes.data() + page * page_size(), page_size());
	stplr_msg_send args = send_args(buffer(memory.data(), size));
	Thread client([&] { return msg_send(connection, args); });
	wait_stuck(client, memory, STPLR_MSG_SEND);
	// A receive that finds it may have to send it away for its last page, and takes the other
	// message.
	expect_served();
	EXPECT_TRUE(memory.awaited(kPatienceMs)) << "the client does not fetch its page";
	expect_served();
	memory.provide(size - page_size(), bytes.data() + size - page_size(), page_size());
	Received message = receive(channel, size, in_ms(kPatienceMs));
	ASSERT_EQ(0, message.result);
	EXPECT_EQ(0, memcmp(message.text.data(), bytes.data(), size));
	EXPECT_EQ(0, client.join());
}

TEST_P(SilentMemoryTest, RoomOfAClient)
{
	SilentMemory memory(size);
	stplr_msg_send args = send_args(buffer("x"), buffer(memory.data(), size));
	Thread client([&] { return msg_send_receive(connection, args); });
	wait_stuck(client, memory, STPLR_MSG_SEND_RECEIVE);
	if (memory.awaited(0)) {
		expect_served();
		memory.provide_zero(0, size);
	}
	Received message = receive(channel, 64, in_ms(kPatienceMs));
	ASSERT_EQ("x", message.text);
	// Replying does not wait.
	stplr_msg_reply answer = reply_args(message.rcvid(), buffer(bytes.data(), size));
	ASSERT_EQ(0, msg_reply(channel, answer));
	EXPECT_EQ(size, answer.len);
	expect_served();
	if (!client.done())
		memory.stop();
	ASSERT_EQ(0, client.join());
	EXPECT_EQ(size, args.reply_len);
	EXPECT_EQ(0, memcmp(memory.data(), bytes.data(), size));
}

TEST_P(SilentMemoryTest, RoomWrittenAndThenRepliedTo)
{
	SilentMemory memory(size);
	stplr_msg_send args = send_args(buffer("x"), buffer(memory.data(), size));
	Thread client([&] { return msg_send_receive(connection, args); });
	wait_stuck(client, memory, STPLR_MSG_SEND_RECEIVE);
	if (memory.awaited(0))
		memory.provide_zero(0, size);
	Received message = receive(channel, 64, in_ms(kPatienceMs));
	ASSERT_EQ("x", message.text);
	// Pieces from the end to the beginning, the reply last; none waits.
	for (size_t page = pages; page-- > 0;) {
		size_t at = page * page_size() + 100,
		       length = std::min<size_t>(page_size(), size - at);
		stplr_msg_data data =
			data_args(message.rcvid(), buffer(bytes.data() + at, length), at);
		ASSERT_EQ(0, msg_write(channel, data));
		ASSERT_EQ(length, data.len);
	}
	stplr_msg_reply answer = reply_args(message.rcvid(), buffer(bytes.data(), 100));
	ASSERT_EQ(0, msg_reply(channel, answer));
	expect_served();
	if (!client.done())
		memory.stop();
	ASSERT_EQ(0, client.join());
	EXPECT_EQ(100u, args.reply_len);
	EXPECT_EQ(0, memcmp(memory.data(), bytes.data(), size));
}

TEST_P(SilentMemoryTest, KilledClient)
{
	// Both of its buffers are silent; it dies at once in whatever state.
	Child client([&](Child &self) {
		SilentMemory message(size), room(size);
		self.tell(0);
		stplr_msg_send args =
			send_args(buffer(message.data(), size), buffer(room.data(), size));
		msg_send_receive(connection, args);
		return 1;
	});
	client.hear();
	EXPECT_TRUE(eventually([&] {
		char state = thread_state(client.pid(), client.pid());
		return state == 'S' || state == 'D';
	}));
	expect_served();
	client.kill(SIGKILL);
	int status = client.wait();
	EXPECT_TRUE(WIFSIGNALED(status));
	expect_served();
}

TEST_P(SilentMemoryTest, ReceiveBufferOfAServer)
{
	// The server waits for its own memory. Its client can still be killed, time out, or be
	// served by another.
	SilentMemory memory(size);
	Child victim([&](Child &) {
		stplr_msg_send args = send_args(buffer(bytes.data(), size));
		return int(msg_send(connection, args));
	});
	ASSERT_TRUE(victim.wait_blocked(STPLR_MSG_SEND));
	stplr_msg_receive taken = receive_args(buffer(memory.data(), size));
	Thread server([&] { return msg_receive(channel, taken); });
	ASSERT_TRUE(memory.awaited(kPatienceMs));
	victim.kill(SIGKILL);
	EXPECT_TRUE(WIFSIGNALED(victim.wait()));

	stplr_msg_send args = send_args(buffer(bytes.data(), size));
	args.send_deadline = in_ms(50);
	EXPECT_EQ(-ETIMEDOUT, msg_send(connection, args));
	expect_served();

	args.send_deadline = STPLR_DEADLINE_NONE;
	Thread client([&] { return msg_send(connection, args); });
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND));
	memory.stop();
	EXPECT_EQ(0, server.join());
	EXPECT_EQ(0, memcmp(memory.data(), bytes.data(), size));
	EXPECT_EQ(0, client.join());
}

TEST_P(SilentMemoryTest, ReplyOfAServer)
{
	SilentMemory memory(size);
	std::vector<char> room(size);
	Child victim([&](Child &) {
		stplr_msg_send args = send_args(buffer("x"), buffer(room.data(), size));
		return int(msg_send_receive(connection, args));
	});
	Received message = receive(channel);
	stplr_msg_reply answer = reply_args(message.rcvid(), buffer(memory.data(), size));
	Thread server([&] { return msg_reply(channel, answer); });
	ASSERT_TRUE(memory.awaited(kPatienceMs));
	victim.kill(SIGKILL);
	EXPECT_TRUE(WIFSIGNALED(victim.wait()));
	memory.stop();
	EXPECT_EQ(-ESRCH, server.join());

	// And one that stays gets it all.
	SilentMemory slow(size);
	stplr_msg_send args = send_args(buffer("x"), buffer(room.data(), size));
	Thread client([&] { return msg_send_receive(connection, args); });
	message = receive(channel);
	answer = reply_args(message.rcvid(), buffer(slow.data(), size));
	Thread replier([&] { return msg_reply(channel, answer); });
	for (size_t page = 0; page < pages; page++) {
		ASSERT_TRUE(slow.awaited(kPatienceMs));
		EXPECT_FALSE(client.done());
		slow.provide(page * page_size(), bytes.data() + page * page_size(), page_size());
	}
	EXPECT_EQ(0, replier.join());
	EXPECT_EQ(0, client.join());
	EXPECT_EQ(0, memcmp(room.data(), bytes.data(), size));
}

TEST_P(SilentMemoryTest, ReadAndWriteOfAServer)
{
	// Only the server waits for its memory; the client may leave meanwhile.
	SilentMemory to(size), from(size);
	std::vector<char> room(size);
	poison_bytes(room.data(), size);
	stplr_msg_send args = send_args(buffer(bytes.data(), size), buffer(room.data(), size));
	Thread client([&] { return msg_send_receive(connection, args); });
	Received message = receive(channel, 0);
	stplr_msg_data read = data_args(message.rcvid(), buffer(to.data(), size));
	Thread reader([&] { return msg_read(channel, read); });
	ASSERT_TRUE(to.awaited(kPatienceMs));
	expect_served();
	stplr_msg_data write = data_args(message.rcvid(), buffer(from.data(), size));
	Thread writer([&] { return msg_write(channel, write); });
	ASSERT_TRUE(from.awaited(kPatienceMs));
	expect_served();
	to.stop();
	EXPECT_EQ(0, reader.join());
	EXPECT_EQ(size, read.len);
	EXPECT_EQ(0, memcmp(to.data(), bytes.data(), size));
	for (size_t page = 0; page < pages; page++)
		from.provide(page * page_size(), bytes.data() + page * page_size(), page_size());
	EXPECT_EQ(0, writer.join());
	EXPECT_EQ(size, write.len);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.join());
	EXPECT_EQ(0, memcmp(room.data(), bytes.data(), size));

	Child victim([&](Child &) {
		stplr_msg_send send =
			send_args(buffer(bytes.data(), size), buffer(room.data(), size));
		return int(msg_send_receive(connection, send));
	});
	message = receive(channel, 0);
	SilentMemory slow(size);
	stplr_msg_data late = data_args(message.rcvid(), buffer(slow.data(), size));
	Thread late_reader([&] { return msg_read(channel, late); });
	ASSERT_TRUE(slow.awaited(kPatienceMs));
	victim.kill(SIGKILL);
	EXPECT_TRUE(WIFSIGNALED(victim.wait()));
	slow.stop();
	EXPECT_EQ(-ESRCH, late_reader.join());
}

TEST_P(SilentMemoryTest, ChannelDestroyedWhileAServerWaitsForItsMemory)
{
	SilentMemory memory(size);
	stplr_msg_send args = send_args(buffer(bytes.data(), size));
	Thread client([&] { return msg_send(connection, args); });
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND));
	stplr_msg_receive taken = receive_args(buffer(memory.data(), size));
	Thread server([&] { return msg_receive(channel, taken); });
	ASSERT_TRUE(memory.awaited(kPatienceMs));
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, client.join());
	memory.stop();
	EXPECT_EQ(-ESRCH, server.join());
}

TEST_P(SilentMemoryTest, AnotherTakesItWhileAServerWaitsForItsMemory)
{
	SilentMemory memory(size);
	std::vector<char> room(size);
	stplr_msg_receive ready = receive_args(buffer(room.data(), size)),
			  taken = receive_args(buffer(memory.data(), size));
	Thread another([&] { return msg_receive(channel, ready); });
	ASSERT_TRUE(another.wait_blocked(STPLR_MSG_RECEIVE));
	Thread server([&] { return msg_receive(channel, taken); });
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	stplr_msg_send args = send_args(buffer(bytes.data(), size));
	Thread client([&] { return msg_send(connection, args); });
	EXPECT_EQ(0, another.join());
	EXPECT_EQ(0, client.join());
	EXPECT_EQ(0, memcmp(room.data(), bytes.data(), size));
	memory.stop();
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, server.join());
}

TEST_P(SilentMemoryTest, PollingSenderWhileAServerWaitsForItsMemory)
{
	// It relied on the server, and is not to wait for that.
	SilentMemory memory(size);
	stplr_msg_receive taken = receive_args(buffer(memory.data(), size));
	Thread server([&] { return msg_receive(channel, taken); });
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	stplr_msg_send args = send_args(buffer(bytes.data(), size));
	args.send_deadline = STPLR_DEADLINE_POLL;
	Thread client([&] { return msg_send(connection, args); });
	EXPECT_EQ(-EAGAIN, client.join());
	memory.stop();
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, server.join());
}

TEST_F(MemoryTest, ShutDownInTheMiddleOfACopyThatFails)
{
	// The server's last page is missing, and while it copies the others nothing is queued.
	constexpr size_t kSize = 8 << 20;
	std::vector<char> bytes(kSize, 'x'), none(kSize - page_size());
	SilentMemory memory(kSize);
	memory.provide(0, none.data(), none.size());
	stplr_msg_send args = send_args(buffer(bytes.data(), kSize));
	Thread client([&] { return msg_send(connection, args); });
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND));
	stplr_msg_receive taken = receive_args(buffer(memory.data(), kSize));
	Thread server([&] { return msg_receive(channel, taken); });
	while (!*static_cast<volatile char *>(memory.data()) && !server.done())
		;
	EXPECT_EQ(0, channel_shutdown(channel));
	EXPECT_EQ(-ESRCH, client.join());
	memory.stop();
	EXPECT_EQ(-ESHUTDOWN, server.join());
}

INSTANTIATE_TEST_SUITE_P(Pages, SilentMemoryTest, testing::Values(1, 4, 40),
			 [](const auto &info) { return "Pages" + std::to_string(info.param); });

} // namespace
