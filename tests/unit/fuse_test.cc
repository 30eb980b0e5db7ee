// SPDX-License-Identifier: MIT
// Memory of a FUSE file that is not answered: whoever uses it waits for it, and nobody else does.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"

namespace
{

constexpr uint64_t kFileNode = 2;
constexpr uint64_t kSeed = 77;

// A file system of one file, served by a process of its own. Reads of the file are not answered,
// until they are (with a pattern, of kSeed).
class SilentFile
{
public:
	explicit SilentFile(size_t size) : size_(size)
	{
		char path[] = "/tmp/stplr-fuse.XXXXXX";

		if (access("/dev/fuse", F_OK) != 0)
			EXPECT_EQ(0, system("modprobe fuse"));
		EXPECT_NE(nullptr, mkdtemp(path)) << strerror(errno);
		folder_ = path;
		Fd device(open("/dev/fuse", O_RDWR | O_CLOEXEC));
		EXPECT_GE(device, 0) << "/dev/fuse: " << strerror(errno);
		std::string options =
			"fd=" + std::to_string(device) + ",rootmode=40000,user_id=0,group_id=0";
		EXPECT_EQ(0,
			  mount("stplr-test", path, "fuse", MS_NOSUID | MS_NODEV, options.c_str()))
			<< strerror(errno);
		server_ = std::make_unique<Child>(
			[this, &device](Child &self) { return serve(self, device); });
		device.reset();
		file_.reset(open((folder_ + "/file").c_str(), O_RDWR | O_CLOEXEC));
		EXPECT_GE(file_, 0) << strerror(errno);
		memory_ = Mapping(size, PROT_READ | PROT_WRITE, MAP_SHARED, file_);
	}
	~SilentFile()
	{
		end();
		memory_ = Mapping();
		file_.reset();
		EXPECT_EQ(0, umount2(folder_.c_str(), MNT_DETACH)) << strerror(errno);
		EXPECT_EQ(0, rmdir(folder_.c_str())) << strerror(errno);
	}

	char *data() const
	{
		return memory_.data();
	}
	// Whether somebody has read, within the time.
	bool awaited(int timeout_ms)
	{
		return server_->spoke(timeout_ms);
	}
	// From now on it is a file like others.
	void answer()
	{
		server_->tell(0);
	}
	// The process that serves it dies: reads fail.
	void end()
	{
		server_->kill(SIGKILL);
		server_->wait();
	}

private:
	struct Request {
		fuse_in_header header;
		fuse_read_in read;
	};

	static void give(int device, uint64_t unique, int error, const void *bytes, size_t length)
	{
		std::vector<char> answer(sizeof(fuse_out_header) + length);
		fuse_out_header header = {uint32_t(answer.size()), error, unique};

		memcpy(answer.data(), &header, sizeof(header));
		if (length)
			memcpy(answer.data() + sizeof(header), bytes, length);
		// ENOENT: who asked has gone.
		if (write(device, answer.data(), answer.size()) < 0 && errno != ENOENT)
			_exit(95);
	}
	template <typename T> static void give(int device, uint64_t unique, const T &answer)
	{
		give(device, unique, 0, &answer, sizeof(answer));
	}

	fuse_attr attributes(uint64_t node) const
	{
		fuse_attr attr = {};

		attr.ino = node;
		attr.size = node == kFileNode ? size_ : 0;
		attr.mode = node == kFileNode ? S_IFREG | 0600 : S_IFDIR | 0700;
		attr.nlink = 1;
		attr.blksize = page_size();
		return attr;
	}

	void give_bytes(int device, uint64_t unique, const fuse_read_in &read) const
	{
		size_t length =
			read.offset < size_ ? std::min<size_t>(read.size, size_ - read.offset) : 0;
		std::vector<char> bytes(length);

		fill_pattern(bytes.data(), length, kSeed, read.offset);
		give(device, unique, 0, bytes.data(), length);
	}

	void handle(int device, const char *bytes, bool silent, Child &self,
		    std::vector<Request> &waiting) const
	{
		fuse_in_header header;
		memcpy(&header, bytes, sizeof(header));
		const char *body = bytes + sizeof(header);

		switch (header.opcode) {
		case FUSE_INIT: {
			fuse_init_out init = {};
			init.major = FUSE_KERNEL_VERSION;
			init.minor = 31;
			// so that faults wait for a page, killably, not for the request
			init.max_readahead = 1 << 20;
			init.flags = FUSE_ASYNC_READ;
			init.max_background = 64;
			init.congestion_threshold = 48;
			init.max_write = page_size();
			give(device, header.unique, init);
			break;
		}
		case FUSE_LOOKUP: {
			fuse_entry_out entry = {};
			entry.nodeid = kFileNode;
			entry.attr_valid = entry.entry_valid = 3600;
			entry.attr = attributes(kFileNode);
			give(device, header.unique, entry);
			break;
		}
		case FUSE_GETATTR: {
			fuse_attr_out attr = {};
			attr.attr_valid = 3600;
			attr.attr = attributes(header.nodeid);
			give(device, header.unique, attr);
			break;
		}
		case FUSE_OPEN:
			give(device, header.unique, fuse_open_out());
			break;
		case FUSE_READ: {
			Request request = {header, {}};
			memcpy(&request.read, body, sizeof(request.read));
			if (!silent) {
				give_bytes(device, header.unique, request.read);
				break;
			}
			if (waiting.empty())
				self.tell(0);
			waiting.push_back(request);
			break;
		}
		case FUSE_WRITE: {
			fuse_write_in write;
			memcpy(&write, body, sizeof(write));
			give(device, header.unique, fuse_write_out{write.size, 0});
			break;
		}
		case FUSE_FLUSH:
		case FUSE_RELEASE:
		case FUSE_FSYNC:
		case FUSE_SETATTR:
			give(device, header.unique, 0, nullptr, 0);
			break;
		case FUSE_FORGET:
		case FUSE_BATCH_FORGET:
		case FUSE_INTERRUPT:
			break;
		default:
			give(device, header.unique, -ENOSYS, nullptr, 0);
		}
	}

	int serve(Child &self, int device) const
	{
		std::vector<char> bytes(1 << 20);
		std::vector<Request> waiting;
		bool silent = true;

		for (;;) {
			if (silent && self.spoke()) {
				self.hear();
				silent = false;
				for (const Request &request : waiting)
					give_bytes(device, request.header.unique, request.read);
			}
			pollfd wait = {device, POLLIN, 0};
			if (poll(&wait, 1, silent ? 5 : -1) == 0)
				continue;
			if (read(device, bytes.data(), bytes.size()) < 0) {
				if (errno == ENODEV)
					return 0;
				if (errno != EINTR && errno != ENOENT && errno != EAGAIN)
					return 94;
				continue;
			}
			handle(device, bytes.data(), silent, self, waiting);
		}
	}

	const size_t size_;
	std::string folder_;
	std::unique_ptr<Child> server_;
	Fd file_;
	Mapping memory_;
};

// By the pages of the message. All who use the file are processes of their own, which can be
// killed.
class FuseTest : public PairTest, public testing::WithParamInterface<size_t>
{
protected:
	FuseTest() : bytes(size)
	{
		fill_pattern(bytes.data(), size, kSeed);
	}

	// Others are served at once.
	void expect_served()
	{
		Sender other(second, "other");
		Received message = receive(channel, 64, in_ms(kPatienceMs));
		ASSERT_EQ("other", message.text);
		EXPECT_EQ(0, reply(channel, message.rcvid(), "served"));
		EXPECT_EQ("served", other.finish().text);
	}

	const size_t size = GetParam() * page_size();
	SilentFile file{size};
	std::vector<char> bytes;
	Fd second = new_connection(device, 0, chid);
};

TEST_P(FuseTest, MessageOfAClient)
{
	Child client([this](Child &) {
		stplr_msg_send args = send_args(buffer(file.data(), size));
		return int(msg_send(connection, args));
	});
	ASSERT_TRUE(file.awaited(kPatienceMs));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	expect_served();
	file.answer();
	Received message = receive(channel, size, in_ms(kPatienceMs));
	ASSERT_EQ(0, message.result);
	EXPECT_EQ(0, memcmp(message.text.data(), bytes.data(), size));
	client.expect_success();
}

TEST_P(FuseTest, RoomOfAClient)
{
	Child client([this](Child &) {
		stplr_msg_send args = send_args(buffer("x"), buffer(file.data(), size));
		EXPECT_EQ(0, msg_send_receive(connection, args));
		EXPECT_EQ(size, args.reply_len);
		EXPECT_TRUE(expect_pattern(file.data(), size, 5));
		return 0;
	});
	// It waits for its room before it sends, or after the reply.
	Received message;
	EXPECT_TRUE(eventually([&] {
		message = poll_receive(channel);
		return message.result == 0 || file.awaited(0);
	}));
	bool before = message.result != 0;
	if (before) {
		expect_served();
		file.answer();
		message = receive(channel, 64, in_ms(kPatienceMs));
	}
	ASSERT_EQ("x", message.text);
	fill_pattern(bytes.data(), size, 5);
	stplr_msg_reply answer = reply_args(message.rcvid(), buffer(bytes.data(), size));
	EXPECT_EQ(0, msg_reply(channel, answer)) << "replying does not wait";
	EXPECT_EQ(size, answer.len);
	expect_served();
	if (!before) {
		EXPECT_TRUE(file.awaited(kPatienceMs));
		expect_served();
		file.answer();
	}
	client.expect_success();
}

TEST_P(FuseTest, KilledClient)
{
	Child client([this](Child &) {
		stplr_msg_send args = send_args(buffer(file.data(), size));
		return int(msg_send(connection, args));
	});
	ASSERT_TRUE(file.awaited(kPatienceMs));
	client.kill(SIGKILL);
	EXPECT_EQ(SIGKILL, WTERMSIG(client.wait()));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	expect_served();
}

TEST_P(FuseTest, ReceiveBufferOfAServer)
{
	// Its client can time out, or be served by another; then it gets a message of its own.
	Child server([this](Child &) {
		stplr_msg_receive args = receive_args(buffer(file.data(), size));
		EXPECT_EQ(0, msg_receive(channel, args));
		EXPECT_TRUE(expect_pattern(file.data(), size, 6));
		return 0;
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	fill_pattern(bytes.data(), size, 6);
	stplr_msg_send args = send_args(buffer(bytes.data(), size));
	args.send_deadline = in_ms(500);
	EXPECT_EQ(-ETIMEDOUT, msg_send(connection, args));
	ASSERT_TRUE(file.awaited(kPatienceMs));
	expect_served();
	args.send_deadline = STPLR_DEADLINE_NONE;
	Thread client([&] { return msg_send(connection, args); });
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND));
	file.answer();
	EXPECT_EQ(0, client.join());
	server.expect_success();
}

TEST_P(FuseTest, ReplyOfAServer)
{
	Child server([this](Child &self) {
		for (int i = 0; i < 2; i++) {
			stplr_msg_reply args =
				reply_args(receive(channel).rcvid(), buffer(file.data(), size));
			self.tell(msg_reply(channel, args));
		}
		return 0;
	});
	// Its client does not wait longer than it wants to.
	stplr_msg_send args = send_args(buffer("x"), buffer(bytes.data(), size));
	args.reply_deadline = in_ms(500);
	EXPECT_EQ(-ETIMEDOUT, msg_send_receive(connection, args));
	ASSERT_TRUE(file.awaited(kPatienceMs));
	expect_served();
	EXPECT_FALSE(server.spoke());
	file.answer();
	EXPECT_EQ(-ESRCH, server.hear());

	args.reply_deadline = STPLR_DEADLINE_NONE;
	poison_bytes(bytes.data(), size);
	EXPECT_EQ(0, msg_send_receive(connection, args));
	EXPECT_TRUE(expect_pattern(bytes.data(), size, kSeed));
	EXPECT_EQ(0, server.hear());
	server.expect_success();
}

TEST_P(FuseTest, FileThatFails)
{
	// Bad memory of a client's is its own EFAULT, of a server's too, and its message stays.
	Child client([this](Child &) {
		stplr_msg_send args = send_args(buffer(file.data(), size));
		EXPECT_EQ(-EFAULT, msg_send(connection, args));
		return 0;
	});
	ASSERT_TRUE(file.awaited(kPatienceMs));
	file.end();
	client.expect_success();
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);

	Sender other(connection, std::string(bytes.data(), size));
	ASSERT_TRUE(other.wait_blocked());
	stplr_msg_receive taken = receive_args(buffer(file.data(), size), STPLR_DEADLINE_POLL);
	EXPECT_EQ(-EFAULT, msg_receive(channel, taken));
	Received message = poll_receive(channel, size);
	ASSERT_EQ(0, message.result);
	EXPECT_EQ(0, memcmp(message.text.data(), bytes.data(), size));
	stplr_msg_reply answer = reply_args(message.rcvid(), buffer(file.data(), size));
	EXPECT_EQ(-EFAULT, msg_reply(channel, answer));
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, other.finish().result);
}

INSTANTIATE_TEST_SUITE_P(Pages, FuseTest, testing::Values(1, 40),
			 [](const auto &info) { return "Pages" + std::to_string(info.param); });

} // namespace
