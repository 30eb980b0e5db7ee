// SPDX-License-Identifier: MIT
#include "machine.h"

#include "report.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace bench
{

namespace
{

struct Machine {
	std::string processor = "unknown";
	int processors = usableCpuCount();
	std::size_t sockets = 1;
	std::size_t nodes = 0;
	std::uint64_t memory = 0;
	bool isVirtual = false;
	std::string spin;
};

// "model name	: Intel ..." is {"model name", "Intel ..."}.
std::pair<std::string, std::string> parseLine(const std::string &line)
{
	const std::size_t colon = line.find(':');
	const std::size_t name = line.find_last_not_of(" \t", colon - 1);
	const std::size_t value = line.find_first_not_of(" \t", colon + 1);

	if (colon == std::string::npos || name == std::string::npos || value == std::string::npos)
		return {};
	return {line.substr(0, name + 1), line.substr(value)};
}

Machine inspect()
{
	Machine machine;
	std::ifstream cpus("/proc/cpuinfo");
	std::ifstream spin("/sys/module/stplr/parameters/spin_us");
	std::set<std::string> sockets;
	std::error_code none;

	for (std::string line; std::getline(cpus, line);) {
		const auto [name, value] = parseLine(line);

		if (name == "model name")
			machine.processor = value;
		else if (name == "physical id")
			sockets.insert(value);
		else if (name == "flags")
			machine.isVirtual =
				(" " + value + " ").find(" hypervisor ") != std::string::npos;
	}
	if (!sockets.empty())
		machine.sockets = sockets.size();
	for (const auto &entry :
	     std::filesystem::directory_iterator("/sys/devices/system/node", none))
		machine.nodes += entry.path().filename().string().rfind("node", 0) == 0;
	machine.memory = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
			 static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
	std::getline(spin, machine.spin);
	return machine;
}

} // namespace

std::string machineJson()
{
	const Machine machine = inspect();

	return jsonObject({
		{"processor", jsonString(machine.processor)},
		{"processors", std::to_string(machine.processors)},
		{"sockets", std::to_string(machine.sockets)},
		{"nodes", std::to_string(machine.nodes)},
		{"memory", std::to_string(machine.memory)},
		{"virtual", machine.isVirtual ? "true" : "false"},
		{"kernel", jsonString(kernelRelease())},
		{"spin_us", machine.spin.empty() ? "null" : machine.spin},
	});
}

std::string machineText()
{
	const Machine machine = inspect();

	return machine.processor + ", " + std::to_string(machine.processors) + " processors, " +
	       std::to_string(machine.sockets) + " sockets, " + std::to_string(machine.nodes) +
	       " nodes, " + std::to_string(machine.memory >> 20) + " MiB" +
	       (machine.isVirtual ? ", virtual" : "") +
	       (machine.spin.empty() ? "" : ", the module's spin_us " + machine.spin);
}

} // namespace bench
