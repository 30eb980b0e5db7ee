// SPDX-License-Identifier: MIT
// POSIX message queues, one each way. Messages beyond /proc/sys/fs/mqueue/msgsize_max (8192) take
// CAP_SYS_RESOURCE, and what both queues may hold takes a raised RLIMIT_MSGQUEUE.
#include "record.h"
#include "transports.h"

#include <fcntl.h>
#include <mqueue.h>
#include <sys/resource.h>

namespace bench
{

namespace
{

struct MqPort {
	mqd_t out;
	mqd_t in;

	void send(const std::byte *from, std::size_t size) const
	{
		checked(mq_send(out, reinterpret_cast<const char *>(from), size, 0), "mq_send");
	}
	void receive(std::byte *to, std::size_t size) const
	{
		expectWhole(checked(mq_receive(in, reinterpret_cast<char *>(to), size, nullptr),
				    "mq_receive"),
			    size, "mq_receive");
	}
};

// On Linux a message queue's descriptor is a file's, so that an Fd may own it.
Fd makeQueue(const char *direction, std::size_t size)
{
	const std::string name = "/stplr-bench-" + std::to_string(getpid()) + "-" + direction;
	mq_attr attributes = {};

	attributes.mq_maxmsg = 1;
	attributes.mq_msgsize = static_cast<long>(size);

	const mqd_t queue =
		mq_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600, &attributes);

	if (queue < 0 && (errno == EINVAL || errno == EMFILE))
		throw Unsupported(
			describe("mq_open") +
			": larger than fs.mqueue.msgsize_max or RLIMIT_MSGQUEUE allow; root may");
	if (queue < 0 && errno == ENOSYS)
		throw Unsupported(describe("mq_open"));

	Fd fd(queue, "mq_open");

	checked(mq_unlink(name.c_str()), "mq_unlink");
	return fd;
}

class MqTransport : public Transport
{
public:
	explicit MqTransport(std::size_t size) : size_(size)
	{
		const rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

		// Not everybody may. Then mq_open tells whether the limit matters.
		setrlimit(RLIMIT_MSGQUEUE, &unlimited);
		request_ = makeQueue("request", size);
		reply_ = makeQueue("reply", size);
	}
	std::unique_ptr<Client> client() override
	{
		return std::make_unique<RecordClient<MqPort>>(MqPort{request_, reply_}, size_);
	}
	std::unique_ptr<Server> server() override
	{
		return std::make_unique<RecordServer<MqPort>>(MqPort{reply_, request_}, size_);
	}

private:
	std::size_t size_;
	Fd request_;
	Fd reply_;
};

} // namespace

std::unique_ptr<Transport> makePosixMq(std::size_t size)
{
	return std::make_unique<MqTransport>(size);
}

} // namespace bench
