// SPDX-License-Identifier: MIT
#include "kernel_bpf.h"

#include <linux/bpf.h>
#include <poll.h>
#include <sys/syscall.h>

#include <cstddef>
#include <cstring>
#include <vector>

namespace bench
{

namespace
{

long pageSize()
{
	return sysconf(_SC_PAGESIZE);
}

// A record has a header, and both are padded to 8 bytes.
std::size_t spanOf(std::size_t size)
{
	return (size + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
}

std::size_t bytesFor(std::size_t size)
{
	std::size_t bytes = static_cast<std::size_t>(pageSize());

	while (bytes < spanOf(size) * BENCH_SLOTS)
		bytes *= 2;
	return bytes;
}

Fd callBpf(int command, bpf_attr &attributes, const char *call)
{
	const long fd = syscall(SYS_bpf, command, &attributes, sizeof(attributes));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		throw Unsupported(describe(call));
	return Fd(static_cast<int>(fd), call);
}

Fd createRingBuffer(std::size_t bytes)
{
	bpf_attr attributes = {};

	attributes.map_type = BPF_MAP_TYPE_RINGBUF;
	attributes.max_entries = static_cast<std::uint32_t>(bytes);
	return callBpf(BPF_MAP_CREATE, attributes, "bpf(BPF_MAP_CREATE)");
}

bpf_insn instruction(int code, int to, int from, int offset, std::int32_t value)
{
	bpf_insn made = {};

	made.code = static_cast<__u8>(code);
	made.dst_reg = static_cast<__u8>(to) & 15;
	made.src_reg = static_cast<__u8>(from) & 15;
	made.off = static_cast<__s16>(offset);
	made.imm = value;
	return made;
}

bpf_insn move(int to, int from)
{
	return instruction(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

bpf_insn set(int to, std::int32_t value)
{
	return instruction(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value);
}

bpf_insn call(int function)
{
	return instruction(BPF_JMP | BPF_CALL, 0, 0, 0, function);
}

// Goes over so many.
bpf_insn skipIf(int comparison, int value, int count)
{
	return instruction(BPF_JMP | comparison | BPF_K, value, 0, count, 0);
}

bpf_insn leave()
{
	return instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

// Copies the packet, which has so many bytes, into the ring buffer: 1, or 0 if there was no room.
Fd loadProgram(int map, std::size_t size)
{
	constexpr int packet = BPF_REG_6, record = BPF_REG_7;
	const auto length = static_cast<std::int32_t>(size);
	const std::vector<bpf_insn> program = {
		move(packet, BPF_REG_1),
		instruction(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map),
		instruction(0, 0, 0, 0, 0), // the second half of it
		set(BPF_REG_2, length),
		set(BPF_REG_3, 0),
		call(BPF_FUNC_ringbuf_reserve),
		skipIf(BPF_JNE, BPF_REG_0, 1),
		leave(),
		move(record, BPF_REG_0),
		move(BPF_REG_1, packet),
		set(BPF_REG_2, 0),
		move(BPF_REG_3, record),
		set(BPF_REG_4, length),
		call(BPF_FUNC_skb_load_bytes),
		skipIf(BPF_JEQ, BPF_REG_0, 5),
		move(BPF_REG_1, record),
		set(BPF_REG_2, 0),
		call(BPF_FUNC_ringbuf_discard),
		set(BPF_REG_0, 0),
		leave(),
		move(BPF_REG_1, record),
		instruction(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, packet, offsetof(__sk_buff, mark),
			    0),
		call(BPF_FUNC_ringbuf_submit),
		set(BPF_REG_0, 1),
		leave(),
	};
	static const char license[] = "Dual MIT/GPL";
	bpf_attr attributes = {};

	attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attributes.insns = reinterpret_cast<std::uintptr_t>(program.data());
	attributes.insn_cnt = static_cast<std::uint32_t>(program.size());
	attributes.license = reinterpret_cast<std::uintptr_t>(license);
	return callBpf(BPF_PROG_LOAD, attributes, "bpf(BPF_PROG_LOAD)");
}

} // namespace

BpfReceiver::BpfReceiver(KernelSide &kernel, std::size_t size)
	: size_(size), bytes_(bytesFor(size)), map_(createRingBuffer(bytes_)),
	  own_(static_cast<std::size_t>(pageSize()), PROT_READ | PROT_WRITE,
	       MAP_SHARED | MAP_POPULATE, map_),
	  peer_(static_cast<std::size_t>(pageSize()) + 2 * bytes_, PROT_READ,
		MAP_SHARED | MAP_POPULATE, map_, pageSize())
{
	kernel.setUp(BENCH_BPF, size, "", loadProgram(map_, size));
}

const std::byte *BpfReceiver::await()
{
	const std::byte *const header = peer_.bytes() + pageSize() + (at_ & (bytes_ - 1));
	pollfd waiting = {map_, POLLIN, 0};

	while (__atomic_load_n(peer_.as<unsigned long>(), __ATOMIC_ACQUIRE) == at_ ||
	       __atomic_load_n(reinterpret_cast<const std::uint32_t *>(header), __ATOMIC_ACQUIRE) &
		       BPF_RINGBUF_BUSY_BIT)
		checked(poll(&waiting, 1, -1), "poll(ring buffer)");
	return header;
}

void BpfReceiver::receive(unsigned count, std::uint64_t, const Look &look)
{
	while (count) {
		const std::byte *const header = await();
		std::uint32_t length;

		memcpy(&length, header, sizeof(length));
		if (!(length & BPF_RINGBUF_DISCARD_BIT)) {
			checkSize(length, size_);
			look(header + BPF_RINGBUF_HDR_SZ);
			count--;
		}
		at_ += spanOf(length & ~BPF_RINGBUF_DISCARD_BIT);
		__atomic_store_n(own_.as<unsigned long>(), at_, __ATOMIC_RELEASE);
	}
}

} // namespace bench
