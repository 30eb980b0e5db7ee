// SPDX-License-Identifier: MIT
// The programs of tests/client-server/, as a user runs them: server, client1, client2.
#include <gtest/gtest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "../client-server/protocol.h"
#include "support/ipc.h"
#include "support/shell.h"

namespace
{

namespace fs = std::filesystem;

fs::path programs()
{
	return fs::path(build_folder()) / "bin";
}

Ran run(const std::string &command)
{
	return run_shell("bin", command);
}

std::string contents(const std::string &path)
{
	std::ostringstream text;

	text << std::ifstream(path).rdbuf();
	return text.str();
}

// A server process; what it prints goes to the files server.out and server.err.
class Server
{
public:
	explicit Server(const std::vector<std::string> &options = {})
	{
		std::vector<std::string> words = {programs() / "server"};
		std::vector<char *> argv;

		words.insert(words.end(), options.begin(), options.end());
		for (std::string &word : words)
			argv.push_back(word.data());
		argv.push_back(nullptr);
		fs::remove("server.out");
		fs::remove("server.err");
		pid_ = fork();
		if (pid_ == 0) {
			if (!freopen("server.out", "w", stdout) ||
			    !freopen("server.err", "w", stderr))
				_exit(126);
			execv(argv[0], argv.data());
			_exit(127);
		}
	}
	~Server()
	{
		if (pid_ > 0) {
			kill(pid_, SIGKILL);
			waitpid(pid_, nullptr, 0);
		}
	}
	pid_t pid() const
	{
		return pid_;
	}
	bool wait_receiving() const
	{
		return eventually([this] {
			return blocked_in(pid_, pid_, STPLR_MSG_RECEIVE) ||
			       blocked_in(pid_, pid_, STPLR_MSG_REPLY_RECEIVE);
		});
	}
	// Ends it; its exit status, or 128 + N if signal N ended it.
	int stop(int signal = SIGTERM)
	{
		kill(pid_, signal);
		return wait();
	}
	int wait()
	{
		int status = 0;

		waitpid(pid_, &status, 0);
		pid_ = -1;
		return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}

private:
	pid_t pid_;
};

// Each test runs in an empty folder of its own.
class Programs : public testing::Test
{
protected:
	Programs() : before_(fs::current_path())
	{
		char name[] = "/tmp/client_server_test.XXXXXX";

		folder_ = mkdtemp(name);
		fs::current_path(folder_);
	}
	~Programs() override
	{
		fs::current_path(before_);
		fs::remove_all(folder_);
	}

	// A file of random bytes, the same in each run.
	static void make_file(const std::string &name, size_t size)
	{
		std::mt19937_64 random(size);
		std::ofstream file(name, std::ios::binary);

		for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
			uint64_t word = random();
			file.write(reinterpret_cast<char *>(&word),
				   static_cast<std::streamsize>(std::min(sizeof(word), size - i)));
		}
	}

private:
	fs::path before_, folder_;
};

// What holds for every way to run the server.
class AnyServer : public Programs, public testing::WithParamInterface<std::vector<std::string>>
{
};

TEST_P(AnyServer, PrintsLines)
{
	Server server(GetParam());

	Ran ran = run("client1 --wait 30 first '' 'the third line'");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_TRUE(ran.says("3 messages")) << ran;
	ran = run("printf 'a\\nlast' | client1 --count 2 --quiet");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_EQ("", ran.output);
	EXPECT_EQ(0, server.stop());
	ran = run("sed 's/^client [1-9][0-9]*: /-/' server.out");
	EXPECT_EQ("-first\n-\n-the third line\n-a\n-a\n-last\n-last\n", ran.output);
}

TEST_P(AnyServer, DigestsAsSha256sumDoes)
{
	Server server(GetParam());

	for (size_t size : {0, 1, 4096, 65535, 65536, 65537, 3000000})
		make_file("file" + std::to_string(size), size);
	Ran ran = run("client2 --wait 30 file* >sums && sha256sum -c sums && sha256sum file* | "
		      "diff - sums");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_TRUE(ran.says("file3000000: 3000000 bytes in 48 messages")) << ran;
	EXPECT_TRUE(ran.says(" messages a second")) << ran;
	EXPECT_EQ(0, server.stop());
	EXPECT_NE(std::string::npos, contents("server.err").find("7 files digested, 3200705 bytes"))
		<< contents("server.err");
}

TEST_P(AnyServer, MessagesOfAnySize)
{
	Server server(GetParam());

	make_file("file", 20000);
	Ran ran = run("sha256sum file >sum; for size in 1000 19999 20000 1M 16M; do echo $size;"
		      " client2 --wait 30 --quiet --size $size file | diff - sum || exit; done");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_EQ("1000\n19999\n20000\n1M\n16M\n", ran.output);
}

INSTANTIATE_TEST_SUITE_P(
	Server, AnyServer,
	testing::Values(std::vector<std::string>{}, std::vector<std::string>{"--reply-receive"},
			std::vector<std::string>{"--buffer", "10"},
			std::vector<std::string>{"--reply-receive", "--buffer", "4000"}));

TEST_F(Programs, OneMessageLargerThanTheServersBuffer)
{
	Server server;

	make_file("file", 16 << 20);
	Ran ran = run("client2 --wait 30 --size 16M file | sha256sum -c");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_TRUE(ran.says("in 3 messages")) << ran;
}

TEST_F(Programs, StandardInput)
{
	Server server;

	make_file("file", 100000);
	Ran ran = run("client2 --wait 30 --quiet <file | diff - <(sha256sum <file)");
	EXPECT_EQ(0, ran.status) << ran;
	ran = run("(cat file; sleep 0.1; cat file) | client2 --quiet - | diff - <(cat file file | "
		  "sha256sum)");
	EXPECT_EQ(0, ran.status) << ran;
}

TEST_F(Programs, CountRepeats)
{
	Server server;

	make_file("file", 10);
	Ran ran = run("client2 --wait 30 --quiet --count 5 file | sort | uniq -c");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_TRUE(ran.says("      5 ")) << ran;
}

TEST_F(Programs, CheckFindsWhatDiffers)
{
	Server server;

	make_file("a", 1000);
	make_file("b", 2000);
	run("sha256sum a b >sums");
	Ran ran = run("client2 --wait 30 --quiet --check sums");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_EQ("a: OK\nb: OK\n", ran.output);
	run("printf x >>a");
	ran = run("client2 --quiet --check sums");
	EXPECT_EQ(1, ran.status) << ran;
	EXPECT_EQ("a: FAILED\nb: OK\n", ran.output);
	ran = run("rm b; client2 --quiet --check - <sums");
	EXPECT_EQ(1, ran.status) << ran;
	EXPECT_TRUE(ran.says("b: No such file or directory")) << ran;
	EXPECT_TRUE(ran.says("b: FAILED")) << ran;
	ran = run("client2 --check a");
	EXPECT_EQ(1, ran.status) << ran;
	EXPECT_TRUE(ran.says("not a line of sha256sum's")) << ran;
	ran = run("client2 --check /dev/null");
	EXPECT_EQ(1, ran.status) << ran;
}

TEST_F(Programs, NamesThatAreHardToPrint)
{
	Server server;
	const char *names[] = {"back\\slash", "new\nline", "return\r",
			       " space",      "*star",     "\xc3\xa4\xff"};

	for (const char *name : names)
		make_file(name, 100);
	Ran ran = run("client2 --wait 30 --quiet ./* >/dev/null &&"
		      " client2 --quiet -- * >sums && sha256sum -c --status sums &&"
		      " client2 --quiet --check sums | grep -c ': OK$'");
	EXPECT_EQ(0, ran.status) << ran;
	// and server.out, server.err, sums while it was written
	EXPECT_GE(atoi(ran.output.c_str()), 6) << ran;
}

TEST_F(Programs, UnreadableFilesDoNotStopTheRest)
{
	Server server;

	make_file("good", 100);
	Ran ran = run("client2 --wait 30 --quiet missing /etc good");
	EXPECT_EQ(1, ran.status);
	EXPECT_TRUE(ran.says("missing: No such file or directory")) << ran;
	EXPECT_TRUE(ran.says("/etc: Is a directory")) << ran;
	EXPECT_TRUE(ran.says("  good")) << ran;
}

TEST_F(Programs, SeveralClientsAtOnce)
{
	Server server({"--quiet"});
	std::string command;

	make_file("file", 400000);
	for (int i = 1; i <= 6; i++)
		command += "client2 --wait 30 --quiet --size " + std::to_string(i) +
			   "111 file >sum" + std::to_string(i) + " & ";
	Ran ran =
		run(command + "for i in 1 2 3 4 5 6; do wait -n || exit; done; cat sum? | sort -u |"
			      " diff - <(sha256sum file)");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_EQ(0, server.stop());
}

TEST_F(Programs, ControlCharactersDoNotReachTheTerminal)
{
	Server server;

	Ran ran = run("client1 --wait 30 $'\\e[31mred\\a\\ttab'");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_EQ(0, server.stop());
	EXPECT_NE(std::string::npos, contents("server.out").find(": ?[31mred?\ttab\n"));
}

TEST_F(Programs, ErrorsSayWhatToDo)
{
	Ran ran = run("client2 /dev/null");
	EXPECT_EQ(1, ran.status);
	EXPECT_TRUE(ran.says("no server has the name 'stplr-demo'")) << ran;
	ran = run("client1 --wait 1 --name other x");
	EXPECT_EQ(1, ran.status);
	EXPECT_TRUE(ran.says("no server has the name 'other'")) << ran;
	ran = run("client1 --name a/b x");
	EXPECT_TRUE(ran.says("'a/b' is not a name")) << ran;
	for (const char *program : {"server", "client1 x", "client2 /dev/null"}) {
		ran = run(std::string(program) + " --device 4000000000");
		EXPECT_EQ(1, ran.status);
		EXPECT_TRUE(ran.says("no device /dev/stplr-4000000000")) << ran;
		EXPECT_TRUE(ran.says("modprobe stplr")) << ran;
	}

	Server server;
	ASSERT_TRUE(server.wait_receiving());
	ran = run("server");
	EXPECT_EQ(1, ran.status);
	EXPECT_TRUE(ran.says("the name 'stplr-demo' is taken")) << ran;
	ran = run("client2 --size 1G /dev/null");
	EXPECT_EQ(2, ran.status);
	EXPECT_TRUE(ran.says("the module takes messages of at most")) << ran;
}

TEST_F(Programs, UsageErrors)
{
	std::ofstream("wrong")
		<< "server --device x\nserver --device -1\nserver --device ''\n"
		   "server --mode 888\nserver --mode 0\nserver --buffer 0\n"
		   "server --clients 5000\nserver extra\nserver --nonsense\n"
		   "client1 --count 0\nclient1 --wait 1x\nclient1 --name\n"
		   "client2 --size 0\nclient2 --size 17179869184G\nclient2 --size 2G\n";
	Ran ran = run("while read -r line; do said=$(eval \"$line\" 2>&1); status=$?;"
		      " [[ $status = 2 && $said = *--help* ]] || echo \"$line: $status: $said\";"
		      " done <wrong");
	EXPECT_EQ("", ran.output);
	ran = run("for program in server client1 client2; do said=$($program --help) &&"
		  " [[ $said = \"Usage: $program \"* ]] || echo $program; done");
	EXPECT_EQ("", ran.output);
}

TEST_F(Programs, ModeSaysWhoMayConnect)
{
	const std::string nobody =
		"setpriv --reuid=65534 --regid=65534 --clear-groups client1 --quiet x";

	fs::permissions(fs::current_path(), fs::perms(0755));
	{
		Server server;
		ASSERT_TRUE(server.wait_receiving());
		Ran ran = run(nobody);
		EXPECT_EQ(1, ran.status);
		EXPECT_TRUE(ran.says("not open to this user")) << ran;
	}
	Server server({"--mode", "666"});
	ASSERT_TRUE(server.wait_receiving());
	Ran ran = run(nobody);
	EXPECT_EQ(0, ran.status) << ran;
}

TEST_F(Programs, NamesAndCountsOfServers)
{
	Server server({"--name", "three", "--count", "3", "--reply-receive"});

	Ran ran = run("client1 --wait 30 --name three a b c");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_EQ(0, server.wait());
	ran = run("client1 --name three d");
	EXPECT_EQ(1, ran.status) << ran;
}

// The last message of --count is two-way here: it must be answered all the same.
TEST_F(Programs, CountAnswersItsLast)
{
	Server server({"--count", "3"});

	make_file("file", 10);
	Ran ran = run("client2 --wait 30 file | sha256sum -c");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_EQ(0, server.wait());
}

TEST_F(Programs, SignalsStopTheServerWheneverTheyCome)
{
	make_file("file", 1000000);
	for (int i = 0; i < 10; i++) {
		Server server;
		ASSERT_TRUE(server.wait_receiving());
		pid_t client = fork();
		if (client == 0) {
			if (!freopen("client.err", "w", stderr) ||
			    !freopen("/dev/null", "w", stdout))
				_exit(126);
			execl((programs() / "client2").c_str(), "client2", "--size", "100", "file",
			      nullptr);
			_exit(127);
		}
		sleep_ms(i * 15);
		EXPECT_EQ(0, server.stop(i % 3 ? SIGTERM : SIGINT)) << contents("server.err");
		int status;
		ASSERT_EQ(client, waitpid(client, &status, 0));
		ASSERT_TRUE(WIFEXITED(status));
		ASSERT_EQ(1, WEXITSTATUS(status)) << "the client was through before the signal";
		std::string error = contents("client.err");
		EXPECT_TRUE(error.find("the server has ended") != std::string::npos ||
			    error.find("no server has the name") != std::string::npos)
			<< error;
	}
}

// A receive that begins just after the signal must not wait for ever.
TEST_F(Programs, SignalBetweenTwoMessagesIsNotLost)
{
	for (int i = 0; i < 8; i++) {
		Server server({i % 2 ? "--reply-receive" : "--quiet"});
		ASSERT_TRUE(server.wait_receiving());
		Ran ran = run("yes | head -n 2000 | client1 --quiet & sleep 0.0" +
			      std::to_string(i + 2) + "; kill " + std::to_string(server.pid()) +
			      "; wait $!");
		EXPECT_EQ(0, server.wait());
	}
}

TEST_F(Programs, VanishedClientsFreeTheirPlaces)
{
	Server server({"--clients", "2", "--quiet"});

	make_file("file", 10);
	ASSERT_TRUE(server.wait_receiving());
	// Two clients that wait for more input hold both places; a third is refused until one of
	// them is gone.
	Ran ran = run("reads() { [[ $(</proc/$1/syscall) = '0 0x0 '* ]]; }\n"
		      "mkfifo a b; exec 5<>a 6<>b\n"
		      "client2 --quiet --size 1 <a 5>&- 6>&- & first=$!\n"
		      "client2 --quiet --size 1 <b 5>&- 6>&- & second=$!\n"
		      "echo x >&5; echo x >&6\n"
		      "until reads $first && reads $second; do sleep 0.02; done\n"
		      "client2 --quiet file && exit 1\n"
		      "kill -9 $first; wait $first\n"
		      "client2 --quiet file || exit 2\n"
		      "echo y >&6; exec 6>&-; wait $second\n");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_TRUE(ran.says("as many clients as it can follow")) << ran;
	EXPECT_TRUE(ran.says("  file")) << ran;
	// The one that stayed was not disturbed.
	Ran sum = run("printf 'x\\ny\\n' | sha256sum");
	EXPECT_TRUE(ran.says(sum.output)) << ran << sum;

	ran = run("for i in {1..6}; do client2 --quiet --size 1 </dev/zero >/dev/null & p=$!; "
		  "sleep 0.05;"
		  " kill -9 $p; wait $p; done 2>/dev/null; client2 --quiet file");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_EQ(0, server.stop());
}

TEST_F(Programs, ProgressBarOnATerminalOnly)
{
	Server server;

	make_file("file", 4000000);
	// Messages so small that it takes long enough for a bar.
	Ran ran = run("script -qec 'client2 --wait 30 --size 500 file' /dev/null </dev/null");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_TRUE(ran.says("file [#")) << ran;
	EXPECT_TRUE(ran.says("% ")) << ran;
	ran = run("script -qec 'client2 --quiet --size 500 file' /dev/null </dev/null");
	EXPECT_FALSE(ran.says("[#")) << ran;
	ran = run("client2 --size 500 file");
	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_FALSE(ran.says("[#")) << ran;
}

// A client of the server's that says what the test wants.
class Client
{
public:
	Client() : device_(open_device())
	{
		stplr_connect_attach attach = attach_args("stplr-demo");

		connection_ = Fd(static_cast<int>(connect_attach(device_, attach)));
		EXPECT_GE(connection_, 0);
	}
	long ask(std::string_view message)
	{
		stplr_msg_send args = send_args(buffer(message), buffer(answer, sizeof(answer)));

		return msg_send_receive(connection_, args);
	}
	long ask(const request &head, std::string_view payload = "")
	{
		return ask(std::string(reinterpret_cast<const char *>(&head), sizeof(head)) +
			   std::string(payload));
	}

	char answer[64] = {};

private:
	Fd device_, connection_;
};

TEST_F(Programs, DeadClientsPlaceIsTakenOver)
{
	Server server({"--clients", "1"});
	ASSERT_TRUE(server.wait_receiving());
	// Connected first, so that it is not given the dead one's number.
	Client heir;
	Child first([](Child &parent) {
		Client client;
		parent.tell(client.ask({REQUEST_START, 0, 0}));
		pause();
		return 0;
	});

	EXPECT_EQ(0, first.hear());
	EXPECT_EQ(-EBUSY, heir.ask({REQUEST_START, 0, 0}));
	first.kill(SIGKILL);
	first.wait();
	EXPECT_EQ(0, heir.ask({REQUEST_START, 0, 0}));
}

// Messages that no client of ours sends.
TEST_F(Programs, ServerRefusesWhatItDoesNotUnderstand)
{
	Server server;
	ASSERT_TRUE(server.wait_receiving());
	Client client;
	auto ask = [&](const request &head, std::string_view payload = "") {
		return client.ask(head, payload);
	};

	EXPECT_EQ(-EBADMSG, client.ask("too little"));
	EXPECT_EQ(-EBADMSG, ask({0, 0, 0}));
	EXPECT_EQ(-EBADMSG, ask({99, 0, 0}));
	EXPECT_EQ(-EBADMSG, ask({REQUEST_START, 1, 0}));
	EXPECT_EQ(-EBADMSG, ask({REQUEST_START, 0, 0}, "payload"));
	EXPECT_EQ(-ESTALE, ask({REQUEST_DATA, 0, 0}, "payload"));
	EXPECT_EQ(-ESTALE, ask({REQUEST_FINISH, 0, 0}));
	EXPECT_EQ(0, ask({REQUEST_START, 0, 0}));
	EXPECT_EQ(-EPROTO, ask({REQUEST_DATA, 0, 1}, "payload"));
	EXPECT_EQ(0, ask({REQUEST_DATA, 0, 0}, "payload"));
	EXPECT_EQ(-EPROTO, ask({REQUEST_DATA, 0, 0}, "payload"));
	EXPECT_EQ(-EPROTO, ask({REQUEST_FINISH, 0, 6}));
	EXPECT_EQ(0, ask({REQUEST_FINISH, 0, 7}));
	EXPECT_EQ(0, memcmp(client.answer + 8, "\x23\x9f\x59\xed\x55\xe7\x37\xc7", 8))
		<< "not SHA-256 of \"payload\"";
	EXPECT_EQ(-ESTALE, ask({REQUEST_FINISH, 0, 7}));
	EXPECT_EQ(0, ask({REQUEST_TEXT, 0, 0}, "two ways"));
	EXPECT_EQ(0, server.stop());
	EXPECT_NE(std::string::npos, contents("server.out").find(": two ways\n"));
}

} // namespace
