// SPDX-License-Identifier: MIT
// The examples as a user runs them: by Thrift's C/GLib library, and over D-Bus.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <stplr.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support.h"

namespace
{

namespace fs = std::filesystem;

// build/bin, beside this program's folder.
std::string programs()
{
	return fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "bin";
}

struct Ran {
	int status;
	std::string output;

	bool says(const std::string &text) const
	{
		return output.find(text) != std::string::npos;
	}
};

std::ostream &operator<<(std::ostream &out, const Ran &ran)
{
	return out << "status " << ran.status << ", output:\n" << ran.output;
}

// A script of the shell's: `serve COMMAND...` runs a server and waits until it listens, `$server`
// is its process.
Ran run(const std::string &script)
{
	char folder[] = "/tmp/glib-program-test-XXXXXX";
	Ran ran = {-1, ""};

	if (!mkdtemp(folder)) {
		ADD_FAILURE() << "mkdtemp";
		return ran;
	}
	const std::string path = std::string(folder) + "/script";
	std::ofstream(path) << "PATH=" << programs() << ":$PATH\ncd " << folder
			    << "\nunset DBUS_SESSION_BUS_ADDRESS; export XDG_RUNTIME_DIR=$PWD\n"
			       "serve() {\n"
			       "  timeout 60 \"$@\" >listening & server=$!\n"
			       "  for ((i = 0; i < 400; i++)); do\n"
			       "    ! grep -q listening listening || return 0\n"
			       "    sleep 0.1\n"
			       "  done\n"
			       "  echo does not listen; exit 99\n"
			       "}\n"
			       "trap 'kill $(jobs -p) 2>/dev/null' EXIT\n"
			       "exec 2>&1\n"
			    << script << "\n";
	FILE *pipe = popen(("timeout 80 bash " + path).c_str(), "re");
	char part[4096];
	while (size_t got = fread(part, 1, sizeof(part), pipe))
		ran.output.append(part, got);
	const int status = pclose(pipe);
	ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	fs::remove_all(folder);
	return ran;
}

class ProgramTest : public testing::TestWithParam<std::string>
{
protected:
	// The programs' names begin so.
	std::string kind() const
	{
		return GetParam();
	}
};

TEST_P(ProgramTest, ShowWhatTheyDo)
{
	const struct {
		const char *service;
		const char *says;
	} services[] = {
		{"example", "version: 1.0.0"},
		{"ping", "hello: sent"},
		{"calculator", "7 3: 21"},
		{"timer", "tick 5 at"},
	};

	for (const auto &s : services) {
		Ran ran = run("serve " + kind() + s.service + "-server\n" + kind() + s.service +
			      "-client || exit 1\nkill $server; wait $server");
		EXPECT_EQ(0, ran.status) << ran;
		EXPECT_TRUE(ran.says(std::string("name: ") + s.service)) << ran;
		EXPECT_TRUE(ran.says(s.says)) << ran;
	}
}

// A service manager keeps the channel, and starts the service as often as need be.
TEST(StartedProgramTest, WithAChannel)
{
	const std::string name = own_name();
	struct stplr_channel_create options = {};
	Fd device(stplr_open(0, 0));

	options.flags = STPLR_CHANNEL_LISTEN;
	Fd channel(stplr_channel_create(device, name.c_str(), &options));
	ASSERT_GE(channel, 0);
	ASSERT_EQ(0, fcntl(channel, F_SETFD, 0)); // it is to inherit it
	const std::string server = "thrift-glib-calculator-server --transport activated:service";
	Ran ran = run("start() {\n"
		      "  export LISTEN_PID=$BASHPID LISTEN_FDS=1 LISTEN_FDNAMES=service\n"
		      "  exec 3<&" +
		      std::to_string(channel) + "; exec " + server +
		      "\n"
		      "}\n"
		      "for i in 1 2; do\n"
		      "  start & server=$!\n"
		      "  thrift-glib-calculator-client --transport stplr:" +
		      name +
		      " || exit 1\n"
		      "  kill $server; wait $server || exit 2\n"
		      "done\n" +
		      server);

	EXPECT_EQ(2, ran.status) << ran;
	EXPECT_TRUE(ran.says("7 3: 21")) << ran;
	EXPECT_TRUE(ran.says("was not started with")) << ran;
}

// A division by zero, a timer that was stopped: an error, and the service lives on.
TEST_P(ProgramTest, ErrorsAreErrorsOfTheCall)
{
	Ran ran = run("serve " + kind() + "calculator-server\n" + kind() + "calculator-client && " +
		      kind() + "calculator-client --round calculator --count 10");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_TRUE(ran.says("division by zero")) << ran;
	EXPECT_TRUE(ran.says("4294967296 is not a 32-bit number")) << ran;
	EXPECT_TRUE(ran.says("the service lives on")) << ran;
	EXPECT_TRUE(ran.says("\"rpcs\":60,")) << ran;

	ran = run("serve " + kind() + "timer-server\n" + kind() + "timer-client && " + kind() +
		  "timer-client --round delay --count 10 --interval 1000");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_TRUE(ran.says("there is no timer 1")) << ran;
	EXPECT_TRUE(ran.says("\"p99_ns\":")) << ran;
}

TEST_P(ProgramTest, Rounds)
{
	Ran ran = run(
		"serve " + kind() + "ping-server\nfor round in ping hello; do " + kind() +
		"ping-client --round $round --count 20 --size 5000 --clients 3 || exit 1; done");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_TRUE(ran.says("{\"round\":\"ping\",\"count\":20,\"clients\":3,\"size\":5000,"
			     "\"rpcs\":180,"))
		<< ran;
	EXPECT_TRUE(ran.says("{\"round\":\"hello\",\"count\":20,\"clients\":3,\"size\":5000,"
			     "\"rpcs\":183,"))
		<< ran;
}

// Clients that stay connected do not keep a server from ending.
TEST_P(ProgramTest, ServersEndAtASignal)
{
	for (const char *signal : {"TERM", "INT"}) {
		Ran ran = run("set -m; serve " + kind() + "timer-server\n(" + kind() +
			      "timer-client --round delay --count 1000 --interval 100000 "
			      ">/dev/null 2>&1) & sleep 1; kill -" +
			      signal + " $server; wait $server; echo status $?");
		EXPECT_TRUE(ran.says("status 0")) << ran;
	}
}

TEST_P(ProgramTest, SayWhatIsWrong)
{
	for (const char *program : {"ping-server", "ping-client"}) {
		Ran ran = run(kind() + program + " --help");
		EXPECT_EQ(0, ran.status) << ran;
		EXPECT_TRUE(ran.says("Usage: ")) << ran;
		for (const char *options : {"--no-such-option", "stray"}) {
			ran = run(kind() + program + " " + options);
			EXPECT_EQ(2, ran.status) << ran;
			EXPECT_TRUE(ran.says("--help")) << ran;
		}
	}
	for (const char *options : {"--round ping --count 0", "--round ping --count x",
				    "--round divide", "--clients 0"}) {
		Ran ran = run(kind() + "ping-client " + options);
		EXPECT_EQ(2, ran.status) << options << ran;
	}
	Ran ran = run(kind() + "ping-client");
	EXPECT_EQ(1, ran.status) << ran;
}

INSTANTIATE_TEST_SUITE_P(All, ProgramTest, testing::Values("thrift-glib-", "dbus-"),
			 [](const auto &info) { return info.param == "dbus-" ? "DBus" : "CGlib"; });

class CGlibProgramTest : public testing::TestWithParam<std::string>
{
};

TEST_P(CGlibProgramTest, TakesEveryWrapperAndProtocol)
{
	for (const char *wrapper : {"buffered", "framed"})
		for (const char *protocol : {"binary", "compact"}) {
			const std::string options = " --transport " + GetParam() + " --wrapper " +
						    wrapper + " --protocol " + protocol;
			Ran ran = run("serve thrift-glib-ping-server" + options +
				      "\nthrift-glib-ping-client" + options +
				      " --round ping --count 10 || exit 1\n"
				      "kill $server; wait $server");
			EXPECT_EQ(0, ran.status) << options << ran;
		}
}

INSTANTIATE_TEST_SUITE_P(Transport, CGlibProgramTest,
			 testing::Values("stplr:glib-program", "unix:socket", "tcp:localhost:9531"),
			 [](const auto &info) {
				 return info.param.substr(0, info.param.find(':'));
			 });

TEST(CGlibProgram, SaysWhichTransportsThereAre)
{
	Ran ran = run("thrift-glib-ping-server --transport http://host");

	EXPECT_EQ(2, ran.status) << ran;
	EXPECT_TRUE(ran.says("is not stplr:NAME, activated:NAME, unix:PATH or tcp:HOST:PORT"))
		<< ran;
}

// Two servers share the private bus; the second of one service is refused.
TEST(DBusProgram, SharesThePrivateBus)
{
	Ran ran = run("serve dbus-ping-server; serve dbus-calculator-server\n"
		      "dbus-calculator-client >/dev/null && dbus-ping-client >/dev/null || exit 1\n"
		      "dbus-ping-server; test $? = 1");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_TRUE(ran.says("org.stplr.Ping is being served already")) << ran;
}

TEST(DBusProgram, RefusesWhatItDoesNotKnow)
{
	Ran ran = run("serve dbus-calculator-server\nexport DBUS_SESSION_BUS_ADDRESS=unix:path="
		      "$PWD/stplr-examples/bus\n"
		      "call() { dbus-send --session --print-reply --dest=org.stplr.Calculator "
		      "/org/stplr/service \"$@\"; }\n"
		      "call org.stplr.Calculator.SquareRoot int32:2\n"
		      "call org.stplr.Calculator.Add string:two int32:2\n"
		      "call org.stplr.Example.Name\n"
		      "call org.freedesktop.DBus.Introspectable.Introspect");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_TRUE(ran.says("org.freedesktop.DBus.Error.UnknownMethod")) << ran;
	EXPECT_TRUE(ran.says("Add takes arguments 'ii', not 'si'")) << ran;
	EXPECT_TRUE(ran.says("string \"calculator\"")) << ran;
	EXPECT_TRUE(ran.says("<method name=\"Divide\">")) << ran;
}

} // namespace
