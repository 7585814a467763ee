// SPDX-License-Identifier: Apache-2.0
// Traces of whole runs: are they what the result says, and what Perfetto reads?
#include "tests/insight/traced.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace tilemesh;
using namespace tilemesh::test;

namespace {

/// On all tracks of a component: an HBM slice has one for each of the transfers that it serves at once.
std::vector<ReadSlice> slices_of(const ReadTrace& trace, const std::string& path) {
    std::vector<ReadSlice> slices = trace.on(path);
    for (int row = 2; trace.track(path + " (" + std::to_string(row) + ")") != 0; ++row)
        for (const ReadSlice& slice : trace.on(path + " (" + std::to_string(row) + ")")) slices.push_back(slice);
    return slices;
}

std::uint64_t length_of(const std::vector<ReadSlice>& slices) {
    std::uint64_t sum = 0;
    for (const ReadSlice& slice : slices) sum += slice.length();
    return sum;
}

/// Everything that a trace of a whole run must have, whatever ran.
void check_trace(const Traced& traced) {
    const ReadTrace& trace = traced.trace;
    REQUIRE(traced.result.error.empty());
    for (const ReadSlice& slice : trace.slices) {
        CHECK(slice.depth == 0);
        CHECK(slice.end <= traced.result.time.value() + 1000000);
    }
    for (const report::ComponentResult& part : traced.result.components) {
        CAPTURE(part.path);
        const std::vector<ReadSlice> slices = slices_of(trace, part.path);
        if (part.kind == "processor") {
            // From 0 to its end, without gaps, and as the account has it.
            std::map<std::string, std::uint64_t> classes;
            std::uint64_t at = 0;
            for (const ReadSlice& slice : slices) {
                CHECK(slice.begin == at);
                at = slice.end;
                classes[slice.name] += slice.length();
            }
            for (const report::ClassTime& one : part.account)
                if (one.name != "done") CHECK(classes[one.name] == one.time.value());
            continue;
        }
        CHECK(slices.size() == part.activities);
        CHECK(length_of(slices) == part.busy.value());
        std::uint64_t bytes = 0, work = 0;
        for (const ReadSlice& slice : slices) {
            bytes += slice.numbers.count("bytes") ? slice.numbers.at("bytes") : 0;
            work += slice.numbers.count("work") ? slice.numbers.at("work") : 0;
        }
        CHECK(bytes == part.bytes.value());
        CHECK(work == part.work);
        if (part.kind != "hbm") CHECK(trace.track(part.path + " (2)") == 0);
    }
}

/// Of a phase, which may have any name.
bool is_band(const ReadTrace& trace, const ReadSlice& slice) {
    return trace.tracks.at(slice.track).name.find(".phases") != std::string::npos;
}

/// Every receive has one flow, which comes from one send of the PE that it names, to the PE that the send names.
std::size_t check_flows(const Traced& traced) {
    const int pes = traced.panel.machine.pes() / traced.panel.machine.cubes();
    const auto number_of = [&](const ReadSlice& slice) {
        int cube = 0, pe = 0;
        std::sscanf(traced.trace.tracks.at(slice.track).name.c_str(), "machine.cube%d.pe%d", &cube, &pe);
        return static_cast<std::uint64_t>(cube * pes + pe);
    };
    std::map<std::uint64_t, const ReadSlice*> sends;
    std::size_t flows = 0;
    for (const ReadSlice& slice : traced.trace.slices) {
        if (is_band(traced.trace, slice)) continue;
        if (slice.name == "multicast") {
            CHECK(slice.flows.size() > 1);
        } else {
            CHECK(slice.flows.size() == (slice.name == "send" ? 1 : 0));
        }
        for (const std::uint64_t flow : slice.flows) CHECK(sends.emplace(flow, &slice).second);
    }
    std::set<std::uint64_t> ended;
    for (const ReadSlice& slice : traced.trace.slices) {
        if (slice.name != "recv" || is_band(traced.trace, slice)) {
            CHECK(slice.last_flows.empty());
            continue;
        }
        REQUIRE(slice.last_flows.size() == 1);
        REQUIRE(sends.count(slice.last_flows[0]) == 1);
        CHECK(ended.insert(slice.last_flows[0]).second);
        const ReadSlice& send = *sends.at(slice.last_flows[0]);
        CHECK(send.begin <= slice.begin);
        CHECK(send.end <= slice.end);
        CHECK(send.numbers.at("bytes") == slice.numbers.at("bytes"));
        if (send.name == "send") CHECK(send.numbers.at("message") == slice.numbers.at("message"));
        if (send.name == "send") CHECK(send.numbers.at("peer") == number_of(slice));
        CHECK(slice.numbers.at("peer") == number_of(send));
        ++flows;
    }
    CHECK(sends.size() == flows);
    return flows;
}

/// No counter beyond what there is; the mean of a share is what the result says, over the run.
void check_counters(const Traced& traced) {
    std::size_t counters = 0;
    for (const auto& [id, counts] : traced.trace.counts) {
        const std::string& name = traced.trace.tracks.at(id).name;
        CAPTURE(name);
        ++counters;
        if (name.ends_with(".sram")) {
            for (const ReadCount& count : counts)
                CHECK(count.value <= static_cast<double>(traced.panel.machine.pe.sram.value()));
            CHECK(counts.front().value == 0);
            CHECK(counts.back().value == 0);
            continue;
        }
        REQUIRE(name.ends_with(" busy %"));
        const double time = static_cast<double>(traced.result.time.value());
        double busy = 0;
        for (std::size_t i = 0; i < counts.size(); ++i) {
            CHECK(counts[i].value >= 0);
            CHECK(counts[i].value <= 100);
            const double until = i + 1 < counts.size() ? static_cast<double>(counts[i + 1].when) : time;
            busy += counts[i].value / 100 * (until - static_cast<double>(counts[i].when));
        }
        const auto& part = traced.part(name.substr(0, name.size() - std::string(" busy %").size()));
        CHECK(busy == Approx(static_cast<double>(part.busy.value())).epsilon(1e-6).margin(1000));
    }
    CHECK(counters > 0);
}

std::set<std::string> children_of(const ReadTrace& trace, const std::string& name) {
    std::set<std::string> children;
    for (const auto& [id, track] : trace.tracks)
        if (track.parent == trace.track(name)) children.insert(track.name);
    return children;
}

Json softmax_panel(int programs_per_pe) {
    Json panel = shipped_panel("programs/softmax", "softmax");
    panel["tensors"]["x"]["shape"] = {300, 211};
    panel["tensors"]["y"]["shape"] = {300, 211};
    panel["kernels"][0]["program"]["arguments"]["rows"] = 300;
    panel["kernels"][0]["program"]["grid"] = {64};
    panel["kernels"][0]["dispatch"] = "blocked";
    panel["kernels"][0]["programs_per_pe"] = programs_per_pe;
    return panel;
}

}  // namespace

TEST_CASE("a trace has every activity of every part, and its lengths add up to the result's") {
    for (const std::string kernel : {"mesh_kv", "ring_kv", "ring_kv_bidirectional", "head_parallel"}) {
        CAPTURE(kernel);
        const Traced run = traced(attention_panel(kernel, 4));
        check_trace(run);
        check_counters(run);
        const std::uint64_t flows = check_flows(run);
        CHECK((flows > 0) == (kernel != "head_parallel"));
    }
}

TEST_CASE("a run is the same with a trace and without, and a trace the same every time") {
    const Traced first = traced(attention_panel("ring_kv", 4)), again = traced(attention_panel("ring_kv", 4)),
                 without = traced(attention_panel("ring_kv", 4), {}, false);
    CHECK(first.bytes == again.bytes);
    CHECK(first.result.time == without.result.time);
    CHECK(first.result.components == without.result.components);
    CHECK(first.result.note.empty());
}

TEST_CASE("tracks lie under their PE and cube, in the order of the machine") {
    const ReadTrace trace = traced(attention_panel("ring_kv", 2)).trace;
    CHECK(trace.tracks.at(trace.track("machine.cube0")).parent == 1);
    const std::string pe = "machine.cube0.pe0";
    std::set<std::string> parts_of_pe = children_of(trace, pe);
    std::erase_if(parts_of_pe,
                  [](const std::string& part) { return part.find(".phases, level ") != std::string::npos; });
    CHECK(parts_of_pe == std::set<std::string>{pe + ".phases", pe + ".matrix", pe + ".vector", pe + ".dma_load",
                                               pe + ".dma_store", pe + ".send_to_pe1", pe + ".processor",
                                               pe + ".sram"});
    std::int64_t last = -1;
    for (const char* leaf : {"phases", "phases, level 2", "matrix", "vector", "dma_load", "dma_store", "send_to_pe1",
                             "processor", "sram"}) {
        const std::int64_t rank = trace.tracks.at(trace.track(pe + "." + leaf)).rank;
        CHECK(rank > last);
        last = rank;
    }
    const std::set<std::string> parts = children_of(trace, "machine.cube0");
    for (const char* leaf : {"pe0", "pe1", "hbm0", "hbm1", "pe0_to_pe1"})
        CHECK(parts.count(std::string("machine.cube0.") + leaf) == 1);
    CHECK(trace.tracks.at(trace.track(pe)).rank < trace.tracks.at(trace.track("machine.cube0.pe1")).rank);
    CHECK(trace.tracks.at(trace.track("machine.cube0.pe1")).rank <
          trace.tracks.at(trace.track("machine.cube0.hbm0")).rank);
    CHECK(trace.tracks.at(trace.track("machine.cube0.hbm1")).rank <
          trace.tracks.at(trace.track("machine.cube0.pe0_to_pe1")).rank);
}

TEST_CASE("commands say where in the source they come from, and which of a PE's programs issued them") {
    for (const int programs : {1, 3}) {
        CAPTURE(programs);
        const Traced run = traced(softmax_panel(programs));
        check_trace(run);
        check_counters(run);
        std::set<std::uint64_t> issuers;
        for (const ReadSlice& slice : run.trace.on("machine.cube0.pe0.vector")) {
            issuers.insert(slice.numbers.count("processor") ? slice.numbers.at("processor") : 0);
            REQUIRE(slice.texts.count("source") == 1);
            CHECK_THAT(slice.texts.at("source"), Catch::Contains("kernels/programs/rows.py:"));
        }
        CHECK(issuers.size() == static_cast<std::size_t>(programs));
        CHECK((run.trace.track("machine.cube0.pe0.processor_2") != 0) == (programs == 3));
    }
}

TEST_CASE("programs that share HBM, messages between cubes, and launches of a GPU are traced as well") {
    for (const auto& [panel, label] :
         {std::pair{"programs/matmul", "matmul"}, std::pair{"programs/mesh_wave", "attention_wave"},
          std::pair{"multi_user_prefill_validation", "mesh_kv"},
          std::pair{"programs/summa_multicast_2x4", "summa_multicast"},
          std::pair{"multi_user_decode_validation", "mlo_reduce_scatter"}}) {
        CAPTURE(panel, label);
        const Traced run = traced(shipped_panel(panel, label));
        check_trace(run);
        check_counters(run);
        check_flows(run);
    }
    Json gpus = shipped_panel("h200_ring_attention", "ring_kv");
    gpus["problem"]["users"][0]["keys"] = 2048;
    gpus["kernels"] = {{{"kernel", "ring_kv"}, {"launches", "overlapped"}, {"tile_keys", 256}}};
    const Traced run = traced(gpus);
    check_trace(run);
    check_flows(run);
    CHECK_FALSE(run.trace.on("machine.cube0.pe0.launch").empty());
}

TEST_CASE("a command says what it waited for") {
    const Traced run = traced(attention_panel("ring_kv", 4));
    std::set<std::string> reasons;
    for (const ReadSlice& slice : run.trace.slices) {
        if (slice.texts.count("waited_for") == 0) continue;
        reasons.insert(slice.texts.at("waited_for"));
        CHECK(slice.numbers.at("waited_ps") > 0);
        CHECK(slice.numbers.at("waited_ps") <= slice.begin);
    }
    for (const char* reason : {"operand from HBM", "operand from matrix", "operand from vector",
                               "operand from a neighbour", "the engine", "issue"}) {
        CAPTURE(reason);
        CHECK(reasons.count(reason) == 1);
    }
    // The first product waits for the first key and query, from the time that it is issued.
    const ReadSlice dot = run.trace.on("machine.cube0.pe0.matrix").front();
    CHECK(dot.name == "dot");
    CHECK(dot.texts.at("waited_for") == "operand from HBM");
    CHECK(dot.numbers.at("waited_ps") == dot.begin - dot.numbers.at("issued_ps"));
}

TEST_CASE("a window and a list of PEs leave out the rest and change nothing of what they keep") {
    const Json panel = attention_panel("ring_kv", 4);
    const Traced whole = traced(panel);
    TraceChoice choice;
    choice.from = Picoseconds(whole.result.time.value() / 3);
    choice.to = Picoseconds(whole.result.time.value() / 2);
    choice.pes = {{0, 1}, {3, 3}};
    const Traced part = traced(panel, choice);
    CHECK(part.result.components == whole.result.components);
    const auto chosen = [](const std::string& name) {
        for (const char* other : {"pe2", "hbm2"})
            if (name.starts_with(std::string("machine.cube0.") + other)) return false;
        return true;
    };
    std::size_t kept = 0;
    for (const auto& [id, track] : whole.trace.tracks) {
        if (track.counts || track.name.find(" (") != std::string::npos) continue;
        CAPTURE(track.name);
        std::vector<ReadSlice> expected = slices_of(whole.trace, track.name),
                               found = slices_of(part.trace, track.name);
        const bool kept_part = chosen(track.name);
        std::erase_if(expected, [&](const ReadSlice& slice) {
            return !kept_part || !choice.has(Picoseconds(slice.begin), Picoseconds(slice.end));
        });
        REQUIRE(found.size() == expected.size());
        const auto order = [](const ReadSlice& a, const ReadSlice& b) {
            return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
        };
        std::stable_sort(expected.begin(), expected.end(), order);
        std::stable_sort(found.begin(), found.end(), order);
        for (std::size_t i = 0; i < found.size(); ++i) {
            CHECK(found[i].name == expected[i].name);
            CHECK(found[i].begin == expected[i].begin);
            CHECK(found[i].end == expected[i].end);
            ++kept;
        }
    }
    CHECK(kept > 50);
    CHECK(kept < whole.trace.slices.size());
    std::set<std::uint64_t> flows;
    for (const ReadSlice& slice : part.trace.slices) flows.insert(slice.flows.begin(), slice.flows.end());
    for (const ReadSlice& slice : part.trace.slices)
        for (const std::uint64_t flow : slice.last_flows) CHECK(flows.count(flow) == 1);
    for (const auto& [id, counts] : part.trace.counts) {
        CHECK(counts.front().when >= choice.from.value());
        CHECK(counts.back().when <= choice.to.value());
    }
}

TEST_CASE("a receive in the window whose send was before it has no arrow from nowhere") {
    const Json panel = attention_panel("ring_kv", 4);
    const Traced whole = traced(panel);
    const auto last = [](const std::vector<ReadSlice>& slices, const std::string& name) {
        const auto found =
            std::find_if(slices.rbegin(), slices.rend(), [&](const ReadSlice& slice) { return slice.name == name; });
        REQUIRE(found != slices.rend());
        return *found;
    };
    const ReadSlice receive = last(whole.trace.slices, "recv");
    const auto send = std::find_if(whole.trace.slices.begin(), whole.trace.slices.end(),
                                   [&](const ReadSlice& slice) { return slice.flows == receive.last_flows; });
    REQUIRE(send != whole.trace.slices.end());
    REQUIRE(send->end < receive.end);
    TraceChoice choice;
    choice.from = Picoseconds(send->end);
    const Traced part = traced(panel, choice);
    const ReadSlice kept = last(part.trace.slices, "recv");
    CHECK(kept.begin == receive.begin);
    CHECK(kept.last_flows.empty());
    CHECK(kept.numbers.at("peer") == receive.numbers.at("peer"));
}

TEST_CASE("a trace that would be larger than its limit is cut off, opens all the same, and says so") {
    TraceChoice choice;
    choice.limit = Bytes(20000);
    const Traced cut = traced(attention_panel("ring_kv", 4), choice), whole = traced(attention_panel("ring_kv", 4));
    CHECK(whole.bytes.size() > 30000);
    CHECK(cut.bytes.size() <= 20000);
    CHECK(cut.bytes.size() > 9000);
    CHECK(cut.result.time == whole.result.time);
    CHECK_THAT(cut.result.note,
               Catch::Contains("cut off") && Catch::Contains("20000 bytes") && Catch::Contains("--trace-limit"));
}
