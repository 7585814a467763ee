// SPDX-License-Identifier: Apache-2.0
// Runs over several networks: arrows of traces join what belongs together though messages overtake each other, and
// pictures know which network messages took.
#include "tests/insight/traced.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// PE 0 sends to PE 7 three times a long message to the east and a short one to the west.
Json overtaking_panel() {
    Json panel = Json::parse(R"({
        "name": "test", "values": {"mode": "none"},
        "machine": {"base": "configs/machines/cube_line8.json", "cube": {"topology": "ring", "cols": 8},
            "network": {"networks": [{"name": "noc0", "routing": ["east"]}, {"name": "noc1", "routing": ["west"]}]}},
        "tensors": {"x": {"shape": [16], "dtype": "f32", "values": "ones", "place": {"owner": 0}},
                    "y": {"shape": [16], "dtype": "f32", "place": {"owner": 7}}},
        "kernels": [{"program": {"file": "tests/programs/networks.py", "kernel": "overtakes", "grid": [8],
                                 "arguments": {"x": "x", "y": "y"}}}]})");
    return panel;
}

constexpr std::uint64_t long_bytes = 16384, short_bytes = 64;

}  // namespace

TEST_CASE("arrows of a trace lead from each send to its own receive, whichever came first") {
    const Traced run = traced(overtaking_panel());
    std::map<std::uint64_t, const ReadSlice*> sends;
    std::map<std::uint64_t, std::uint64_t> left;  // by number of the message
    int receives = 0;
    for (const ReadSlice& slice : run.trace.slices)
        if (slice.name == "send") {
            REQUIRE(slice.flows.size() == 1);
            sends[slice.flows[0]] = &slice;
            left[slice.numbers.at("message")] = slice.end;
            CHECK(slice.numbers.at("bytes") == (slice.numbers.at("message") % 2 == 0 ? long_bytes : short_bytes));
        }
    REQUIRE(left.size() == 6);
    CHECK(left[3] < left[2]);  // it has overtaken
    for (const ReadSlice& slice : run.trace.slices) {
        if (slice.name != "recv") continue;
        REQUIRE(slice.last_flows.size() == 1);
        REQUIRE(sends.count(slice.last_flows[0]) == 1);
        const ReadSlice& send = *sends.at(slice.last_flows[0]);
        CHECK(send.numbers.at("message") == slice.numbers.at("message"));
        CHECK(send.numbers.at("bytes") == slice.numbers.at("bytes"));
        ++receives;
    }
    CHECK(receives == 6);
}

TEST_CASE("pictures of a run know which network messages took") {
    const Traced run = traced(overtaking_panel(), {}, false, Bytes(1 << 20));
    const Json messages = run.result.pictures.at("messages");
    REQUIRE(messages.size() == 2);
    CHECK(messages[0] == Json({0, 7, 3, 3 * long_bytes}));
    CHECK(messages[1] == Json({0, 7, 3, 3 * short_bytes, 1}));
}
