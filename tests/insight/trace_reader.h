// SPDX-License-Identifier: Apache-2.0
// Reads a trace as Perfetto would: fields by the numbers of its schema, events in the order of their times, slices by
// a stack for each track. What Perfetto would drop or misread is an error here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tilemesh::test {

struct ReadTrack {
    std::string name;
    std::uint64_t parent = 0;
    std::int64_t rank = 0;
    bool counts = false;
};

struct ReadSlice {
    std::uint64_t track = 0, begin = 0, end = 0;
    std::string name;
    std::map<std::string, std::uint64_t> numbers;
    std::map<std::string, std::string> texts;
    std::vector<std::uint64_t> flows, last_flows;  // that go on from here, that end here
    std::size_t depth = 0;                         // slices around it
    std::uint64_t length() const { return end - begin; }
    bool operator==(const ReadSlice&) const = default;
};

struct ReadCount {
    std::uint64_t when = 0;
    double value = 0;
};

struct ReadTrace {
    std::map<std::uint64_t, ReadTrack> tracks;
    std::vector<ReadSlice> slices;  // in the order of their ends
    std::map<std::uint64_t, std::vector<ReadCount>> counts;

    /// 0 when there is none.
    std::uint64_t track(const std::string& name) const;
    std::vector<ReadSlice> on(const std::string& track) const;
};

/// std::runtime_error that says what is wrong.
ReadTrace read_trace(const std::string& bytes);

/// The packets of a trace, each with its key and length.
std::vector<std::string> packets_of(const std::string& trace);

}  // namespace tilemesh::test
