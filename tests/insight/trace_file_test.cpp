// SPDX-License-Identifier: Apache-2.0
// The file alone: what its writer refuses, and that the reader of these tests sees mistakes that a writer could make.
#include "sim/insight/trace_file.h"
#include "tests/base/scratch.h"
#include "tests/insight/trace_reader.h"

#include <numeric>

using namespace tilemesh;
using namespace tilemesh::test;
using insight::Note;
using insight::Protobuf;
using insight::Slice;
using insight::TraceFile;

namespace {

/// A machine with two engines, a command on each and an arrow between them.
std::vector<std::string> small_trace() {
    const ScratchFolder folder;
    TraceFile file(folder / "t", Bytes(100000));
    const auto machine = file.add_track(0, 0, "machine", TraceFile::Holds::slices, "what it is");
    const auto sends = file.add_track(machine, 1, "sends", TraceFile::Holds::slices);
    const auto receives = file.add_track(machine, 2, "receives", TraceFile::Holds::slices);
    const auto level = file.add_track(machine, 3, "level", TraceFile::Holds::bytes);
    Slice send(sends, Picoseconds(5), Picoseconds(9), "send");
    send.note(Note::bytes, 300);
    send.note(Note::waited_for, std::string_view("order"));
    send.begins_flow(7);
    file.add(send);
    Slice receive(receives, Picoseconds(8), Picoseconds(12), "receive");
    receive.ends_flow(7);
    file.add(receive);
    file.count(level, Picoseconds(3), std::uint64_t{1} << 40);
    file.count(level, Picoseconds(4), 0.5);
    file.close();
    const std::string bytes = read_file(folder / "t");
    CHECK(file.size() == bytes.size());
    return packets_of(bytes);
}

std::string joined(const std::vector<std::string>& packets) {
    return std::accumulate(packets.begin(), packets.end(), std::string());
}

/// What the reader says of the small trace after a change.
template <class Change>
std::string complaint(Change change) {
    std::vector<std::string> packets = small_trace();
    change(packets);
    try {
        read_trace(joined(packets));
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "nothing";
}

/// The end of a slice as a packet.
std::string end_of(std::uint64_t track, std::uint64_t when) {
    Protobuf packet;
    packet.message(1, [&] {
        packet.integer(10, 1);
        packet.integer(8, when);
        packet.message(11, [&] {
            packet.integer(9, 2);
            packet.integer(11, track);
        });
    });
    return std::string(packet.bytes());
}

/// Places of the packets of the small trace. A packet with new texts stands before the one that needs them.
enum Place { texts, machine, sends, receives, level, name_of_send, text_of_send, send, end_of_send, name_of_receive };

}  // namespace

TEST_CASE("what was written is read back") {
    const ReadTrace trace = read_trace(joined(small_trace()));
    REQUIRE(trace.tracks.size() == 4);
    CHECK(trace.tracks.at(1).name == "machine");
    CHECK(trace.tracks.at(3).name == "receives");
    CHECK(trace.tracks.at(3).parent == 1);
    CHECK(trace.tracks.at(3).rank == 2);
    const std::vector<ReadSlice> sent = trace.on("sends"), received = trace.on("receives");
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].name == "send");
    CHECK(sent[0].begin == 5);
    CHECK(sent[0].end == 9);
    CHECK(sent[0].numbers == std::map<std::string, std::uint64_t>{{"bytes", 300}});
    CHECK(sent[0].texts == std::map<std::string, std::string>{{"waited_for", "order"}});
    CHECK(sent[0].flows == std::vector<std::uint64_t>{7});
    REQUIRE(received.size() == 1);
    CHECK(received[0].last_flows == std::vector<std::uint64_t>{7});
    const std::vector<ReadCount>& counts = trace.counts.at(4);
    REQUIRE(counts.size() == 2);
    CHECK(counts[0].value == 0x1p40);
    CHECK(counts[1].value == 0.5);
}

TEST_CASE("mistakes of a writer do not pass the reader of these tests") {
    using Packets = std::vector<std::string>;
    CHECK(complaint([](Packets&) {}) == "nothing");
    CHECK(complaint([](Packets& p) { p[end_of_send] = end_of(3, 9); }) == "an end without a beginning");
    CHECK(complaint([](Packets& p) { p[end_of_send] = end_of(2, 4); }) == "an end without a beginning");
    CHECK(complaint([](Packets& p) { p[end_of_send] = end_of(9, 9); }) == "an event before its track is described");
    CHECK(complaint([](Packets& p) { p.erase(p.begin() + end_of_send); }) == "a slice without an end: send");
    CHECK(complaint([](Packets& p) { std::swap(p[receives], p[9 + 1]); }) ==
          "an event before its track is described");
    CHECK(complaint([](Packets& p) { p.erase(p.begin() + name_of_receive); }) == "an id without a text");
    CHECK(complaint([](Packets& p) { p.erase(p.begin() + texts); }) == "texts before the state is cleared");
    CHECK(complaint([](Packets& p) { p[sends] = p[receives]; }) == "a track has no id, or one that another has");
    CHECK(complaint([](Packets& p) { p.erase(p.begin() + machine); }) == "a track without its parent");
    CHECK(complaint([](Packets& p) { p.back().pop_back(); }) == "a field that goes beyond its message");
}

TEST_CASE("a slice that ends before it begins, or begins before the last has ended, is not written") {
    const ScratchFolder folder;
    TraceFile file(folder / "t", Bytes(100000));
    const auto track = file.add_track(0, 0, "engine", TraceFile::Holds::slices);
    const auto other = file.add_track(0, 1, "another", TraceFile::Holds::slices);
    CHECK_THROWS_AS(file.add(Slice(track, Picoseconds(5), Picoseconds(4), "a")), InternalError);
    file.add(Slice(track, Picoseconds(5), Picoseconds(9), "a"));
    CHECK_THROWS_AS(file.add(Slice(track, Picoseconds(8), Picoseconds(10), "b")), InternalError);
    file.add(Slice(other, Picoseconds(8), Picoseconds(10), "b"));
    file.add(Slice(track, Picoseconds(9), Picoseconds(9), "nothing"));
    file.add(Slice(track, Picoseconds(9), Picoseconds(10), "c"));
    file.close();
    const ReadTrace trace = read_trace(read_file(folder / "t"));
    CHECK(trace.slices.size() == 4);
    for (const ReadSlice& slice : trace.slices) CHECK(slice.depth == 0);
}

TEST_CASE("a message of 128 bytes and more has its length in more than one byte") {
    const ScratchFolder folder;
    TraceFile file(folder / "t", Bytes(100000));
    const std::string name(20000, 'x');
    const auto track = file.add_track(0, 0, name, TraceFile::Holds::slices);
    file.add(Slice(track, Picoseconds(1), Picoseconds(std::uint64_t{1} << 62), std::string(127, 'y')));
    file.close();
    const ReadTrace trace = read_trace(read_file(folder / "t"));
    CHECK(trace.tracks.at(1).name == name);
    CHECK(trace.slices.at(0).length() == (std::uint64_t{1} << 62) - 1);
    CHECK(trace.slices.at(0).name == std::string(127, 'y'));
}

TEST_CASE("a file ends before its limit, and keeps room for what comes at its end") {
    const ScratchFolder folder;
    TraceFile file(folder / "t", Bytes(5000));
    file.reserve(1000);
    const auto track = file.add_track(0, 0, "engine", TraceFile::Holds::slices);
    const auto level = file.add_track(0, 0, "level", TraceFile::Holds::percent);
    for (std::uint64_t i = 0; i < 1000; ++i) file.add(Slice(track, Picoseconds(i), Picoseconds(i + 1), "a"));
    CHECK(file.full());
    CHECK(file.size() <= 4000);
    CHECK(file.size() > 3900);
    const ReadTrace before = [&] {
        file.release();
        file.count(level, Picoseconds(1), 50.0);
        file.close();
        return read_trace(read_file(folder / "t"));
    }();
    CHECK(before.counts.at(2).size() == 1);
    CHECK(before.slices.size() == file.full_at().value());
}

TEST_CASE("a file that cannot be written is an error of the input") {
    CHECK_THAT(input_error([] { TraceFile("/nowhere/t", Bytes(1000)); }), Catch::Contains("--trace /nowhere/t"));
    CHECK_THAT(input_error([] {
                   TraceFile file("/dev/full", Bytes(100000));
                   file.add_track(0, 0, "engine", TraceFile::Holds::slices);
                   file.close();
               }),
               Catch::Contains("--trace /dev/full: cannot be written: No space left on device"));
}
