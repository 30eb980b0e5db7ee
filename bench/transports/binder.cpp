// SPDX-License-Identifier: MIT
// Android's binder by its raw ioctls: the server is the context manager, the client calls handle 0.
// Data is copied once, into the receiver's mapping of the device, and is read there.
//
// The client needs one ioctl a round: it frees the last reply, sends the request and reads until
// the reply. The server needs two: the driver answers a BC_REPLY with a BR_TRANSACTION_COMPLETE
// that ends the read of the same ioctl, so that waiting for the next request takes another.
#include "transports.h"

#include <fcntl.h>
#include <linux/android/binder.h>
#include <linux/android/binderfs.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <cstring>

namespace bench
{

namespace
{

// The most the driver maps for a process.
constexpr std::size_t mappingSize = 4 << 20;

class BinderEnd
{
public:
	BinderEnd(const std::string &device, std::size_t size)
		: fd_(open(device.c_str(), O_RDWR | O_CLOEXEC), "open(binder)"),
		  mapping_(mappingSize, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, fd_), size_(size),
		  out_(messageBuffer(size))
	{
		binder_version version = {};

		checked(ioctl(fd_, BINDER_VERSION, &version), "ioctl(BINDER_VERSION)");
		if (version.protocol_version != BINDER_CURRENT_PROTOCOL_VERSION)
			throw Unsupported("the driver speaks protocol " +
					  std::to_string(version.protocol_version) + ", not " +
					  std::to_string(BINDER_CURRENT_PROTOCOL_VERSION));
	}

	std::byte *outgoing() const
	{
		return out_.bytes();
	}

	void becomeContextManager()
	{
		__u32 command = BC_ENTER_LOOPER;

		if (ioctl(fd_, BINDER_SET_CONTEXT_MGR, 0)) {
			if (errno == EBUSY || errno == EPERM)
				throw Unsupported(describe("ioctl(BINDER_SET_CONTEXT_MGR)") +
						  ": the device belongs to somebody else");
			throw CallError("ioctl(BINDER_SET_CONTEXT_MGR)");
		}
		writeRead(&command, sizeof(command), 0);
	}

	// Gives the incoming message's memory back, sends what lies in outgoing(), and reads.
	void sendAndRead(__u32 command)
	{
		struct __attribute__((packed)) {
			__u32 free;
			binder_uintptr_t freed;
			__u32 command;
			binder_transaction_data data;
		} batch = {};

		batch.free = BC_FREE_BUFFER;
		batch.freed = reinterpret_cast<binder_uintptr_t>(incoming_);
		batch.command = command;
		batch.data.data_size = size_;
		batch.data.data.ptr.buffer = reinterpret_cast<binder_uintptr_t>(out_.bytes());
		if (incoming_)
			writeRead(&batch, sizeof(batch), sizeof(answers_));
		else
			writeRead(&batch.command, sizeof(batch.command) + sizeof(batch.data),
				  sizeof(answers_));
		incoming_ = nullptr;
		drain();
	}

	// The next message, read if there is none yet.
	const std::byte *await()
	{
		while (!incoming_) {
			writeRead(nullptr, 0, sizeof(answers_));
			drain();
		}
		return incoming_;
	}

private:
	void writeRead(void *commands, std::size_t size, std::size_t readSize)
	{
		binder_write_read request = {};

		request.write_size = size;
		request.write_buffer = reinterpret_cast<binder_uintptr_t>(commands);
		request.read_size = readSize;
		request.read_buffer = reinterpret_cast<binder_uintptr_t>(answers_);
		checked(ioctl(fd_, BINDER_WRITE_READ, &request), "ioctl(BINDER_WRITE_READ)");
		answersSize_ = request.read_consumed;
	}

	// Goes through the driver's answers for a message.
	void drain()
	{
		for (std::size_t at = 0; at + sizeof(__u32) <= answersSize_;) {
			__u32 answer;

			memcpy(&answer, answers_ + at, sizeof(answer));
			at += sizeof(answer);
			switch (answer) {
			case BR_TRANSACTION:
			case BR_REPLY: {
				binder_transaction_data data;

				memcpy(&data, answers_ + at, sizeof(data));
				if (data.data_size != size_)
					throw std::runtime_error(
						"binder: got " + std::to_string(data.data_size) +
						" of " + std::to_string(size_) + " bytes");
				incoming_ =
					reinterpret_cast<const std::byte *>(data.data.ptr.buffer);
				break;
			}
			case BR_NOOP:
			case BR_TRANSACTION_COMPLETE:
			case BR_SPAWN_LOOPER:
				break;
			case BR_FAILED_REPLY:
				throw std::runtime_error(
					"binder: BR_FAILED_REPLY: the driver could not deliver");
			case BR_DEAD_REPLY:
				throw std::runtime_error(
					"binder: BR_DEAD_REPLY: the other side is gone");
			default:
				throw std::runtime_error("binder: unexpected answer " +
							 std::to_string(answer));
			}
			at += _IOC_SIZE(answer);
		}
	}

	Fd fd_;
	Mapping mapping_;
	std::size_t size_;
	Mapping out_;
	// In mapping_, ours until freed.
	const std::byte *incoming_ = nullptr;
	alignas(8) std::byte answers_[256];
	std::size_t answersSize_ = 0;
};

class BinderClient : public Client
{
public:
	BinderClient(const std::string &device, std::size_t size) : end_(device, size) {}
	std::byte *outgoing() override
	{
		return end_.outgoing();
	}
	const std::byte *call() override
	{
		end_.sendAndRead(BC_TRANSACTION);
		return end_.await();
	}

private:
	BinderEnd end_;
};

class BinderServer : public Server
{
public:
	BinderServer(const std::string &device, std::size_t size) : end_(device, size)
	{
		end_.becomeContextManager();
	}
	std::byte *outgoing() override
	{
		return end_.outgoing();
	}
	const std::byte *receive() override
	{
		return end_.await();
	}
	void reply() override
	{
		end_.sendAndRead(BC_REPLY);
	}

private:
	BinderEnd end_;
};

class BinderTransport : public Transport
{
public:
	BinderTransport(std::string device, std::size_t size)
		: device_(std::move(device)), size_(size)
	{
	}
	std::unique_ptr<Client> client() override
	{
		return std::make_unique<BinderClient>(device_, size_);
	}
	std::unique_ptr<Server> server() override
	{
		return std::make_unique<BinderServer>(device_, size_);
	}

private:
	std::string device_;
	std::size_t size_;
};

bool loadModule()
{
	const char *arguments[] = {"modprobe", "-q", "binder_linux", "devices=binder", nullptr};
	pid_t child;
	int status;

	if (posix_spawnp(&child, arguments[0], nullptr, nullptr, const_cast<char **>(arguments),
			 environ))
		return false;
	checked(waitpid(child, &status, 0), "waitpid(modprobe)");
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// A kernel with binderfs has its devices only there. It is mounted on /tmp as this process sees it:
// the mount goes with this row's namespace, and nothing else here needs /tmp.
bool makeBinderfsDevice(std::string &device)
{
	binderfs_device added = {};

	strcpy(added.name, "stplr-bench");
	if (unshare(CLONE_NEWNS) || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) ||
	    mount("binder", "/tmp", "binder", 0, nullptr))
		return false;

	const Fd control(open("/tmp/binder-control", O_RDONLY | O_CLOEXEC), "open(binder-control)");

	checked(ioctl(control, BINDER_CTL_ADD, &added), "ioctl(BINDER_CTL_ADD)");
	device = std::string("/tmp/") + added.name;
	return true;
}

std::string findDevice()
{
	std::string device = "/dev/binder";

	if (access(device.c_str(), F_OK) && !loadModule())
		throw Unsupported(
			"no /dev/binder, and 'modprobe binder_linux devices=binder' failed");
	if (access(device.c_str(), F_OK) && !makeBinderfsDevice(device))
		throw Unsupported("no /dev/binder, and " + describe("mount(binderfs)"));
	if (access(device.c_str(), R_OK | W_OK))
		throw Unsupported(describe("access(" + device + ")"));
	return device;
}

} // namespace

std::unique_ptr<Transport> makeBinder(std::size_t size)
{
	if (size > mappingSize - 4096)
		throw Unsupported("larger than binder's mapping of 4 MiB");
	return std::make_unique<BinderTransport>(findDevice(), size);
}

} // namespace bench
