// SPDX-License-Identifier: MIT
// The vectors of transports/thrift/vectors: one side's lines are done by a transport, the player
// does the other's.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace tests
{

// What message_max is to be: a call in several messages is not to take long.
constexpr size_t kVectorMessageMax = 300000;

class Vector
{
public:
	using Bytes = std::string;
	struct Line {
		std::string what;
		std::vector<std::string> words;
	};

	explicit Vector(const std::string &file) : file_(file)
	{
		std::ifstream in(file);
		std::string text, word;

		while (getline(in, text)) {
			std::istringstream words(text);
			Line line;

			if (!(words >> line.what) || line.what[0] == '#')
				continue;
			while (words >> word)
				line.words.push_back(word);
			lines_.push_back(line);
		}
	}

	bool is_for(const std::string &side) const
	{
		const std::string whose = value("for", "both");

		return whose == "both" || whose == side;
	}
	bool has(const std::string &what) const
	{
		return std::any_of(lines_.begin(), lines_.end(),
				   [&](const Line &line) { return line.what == what; });
	}
	int limit() const
	{
		return std::stoi(value("limit", "104857600"));
	}

	// Does one side's lines by its transport: both tell whether they succeeded.
	void drive(const std::string &side, const std::function<bool(const Bytes &)> &flush,
		   const std::function<bool(Bytes &)> &read) const
	{
		std::vector<Line> own;

		std::copy_if(
			lines_.begin(), lines_.end(), std::back_inserter(own),
			[&](const Line &line) { return !line.what.compare(0, side.size(), side); });
		for (size_t i = 0; i < own.size() && !testing::Test::HasFailure(); i++) {
			const std::string what = own[i].what.substr(side.size());
			const bool fails = i + 1 < own.size() && own[i + 1].what == side + "-fails";
			const Bytes bytes = bytes_of(own[i]);
			Bytes got(std::max<size_t>(bytes.size(), 1), 0);

			if (what == "-flush" && !fails) {
				EXPECT_TRUE(flush(bytes))
					<< file_ << " " << own[i].what << " " << i;
			} else if (what == "-flush") {
				EXPECT_FALSE(flush(bytes) && read(got)) << file_;
				i++;
			} else if (what == "-read") {
				EXPECT_TRUE(read(got)) << file_ << " " << own[i].what << " " << i;
				EXPECT_TRUE(bytes == got)
					<< file_ << " " << own[i].what << " " << i;
			} else if (what == "-fails") {
				EXPECT_FALSE(read(got)) << file_;
			}
		}
	}

private:
	std::string value(const std::string &key, const std::string &otherwise) const
	{
		for (const Line &line : lines_)
			if (line.what == key)
				return line.words.at(0);
		return otherwise;
	}

	static Bytes bytes_of(const Line &line)
	{
		Bytes bytes;

		for (const std::string &word : line.words) {
			const size_t star = word.find('*');
			const std::string digits = word.substr(0, star);
			size_t times = 1;

			if (star != std::string::npos)
				times = count(word.substr(star + 1));
			while (times--)
				for (size_t at = 0; at < digits.size(); at += 2)
					bytes +=
						char(std::stoul(digits.substr(at, 2), nullptr, 16));
		}
		return bytes;
	}

	// N, MAX, MAX-N
	static size_t count(const std::string &text)
	{
		if (text.compare(0, 3, "MAX"))
			return std::stoul(text);
		return kVectorMessageMax - (text.size() > 4 ? std::stoul(text.substr(4)) : 0);
	}

	const std::string file_;
	std::vector<Line> lines_;
};

// The program that plays the side that is named.
class Player
{
public:
	Player(const std::string &side, const std::string &name, const std::string &file)
		: output_(popen(("build/bin/thrift-vector-player " + side + " " + name + " " + file)
					.c_str(),
				"r"))
	{
		char line[32];

		if (side == "server")
			EXPECT_NE(nullptr, fgets(line, sizeof(line), output_))
				<< "it does not listen";
	}
	~Player()
	{
		if (output_)
			finish();
	}
	// It is 0 if all was as the vector says.
	int finish()
	{
		FILE *const output = output_;

		output_ = nullptr;
		return pclose(output);
	}

private:
	FILE *output_;
};

inline std::vector<std::string> vectors()
{
	std::vector<std::string> files;

	for (const auto &entry : std::filesystem::directory_iterator("transports/thrift/vectors"))
		if (entry.path().extension() == ".vector")
			files.push_back(entry.path());
	std::sort(files.begin(), files.end());
	return files;
}

inline std::string vector_name(const testing::TestParamInfo<std::string> &info)
{
	std::string name = std::filesystem::path(info.param).stem();

	std::replace(name.begin(), name.end(), '-', '_');
	return name;
}

} // namespace tests
