// SPDX-License-Identifier: Apache-2.0
// Pictures of a run over time: do their bins add up to what the account has, however long the run and however little
// room there is?
#include "sim/insight/time_lapse.h"
#include "sim/report/result_json.h"
#include "tests/insight/traced.h"
#include "tests/language/small_machine.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>

using namespace tilemesh;
using namespace tilemesh::test;
using insight::TimeLapse;

namespace {

using Sums = std::map<std::string, std::uint64_t>;  // ps by class

Sums sums_of(const TimeLapse& lapse, ComponentId component) {
    Sums sums;
    for (const TimeLapse::Row& row : lapse.rows(component)) {
        Picoseconds sum;
        for (const Picoseconds bin : row.bins) sum += bin;
        sums[std::string(insight::class_name(row.what))] += sum.value();
    }
    return sums;
}

/// As the account has it, payload and overhead of links and slices in one.
Sums sums_of(const report::ComponentResult& part) {
    Sums sums;
    for (const report::ClassTime& one : part.account) {
        if (one.name == "idle") continue;
        sums[one.name == "payload" || one.name == "overhead" ? "moving" : one.name] += one.time.value();
    }
    return sums;
}

const Json& lane_of(const Json& pictures, std::size_t component) {
    for (const Json& lane : pictures["lanes"])
        if (lane[0] == component) return lane[1];
    static const Json none = Json::array();
    return none;
}

/// The sum of written shares, in bins; of the last bin as much as there is of it.
double sum_of(const std::string& text, double last) {
    static const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%()*+,-.:";
    double sum = 0.0, share = 0.0;
    for (std::size_t i = 0; i < text.size();) {
        share = static_cast<double>(letters.find(text[i++])) / 63.0;
        std::string count;
        while (i < text.size() && std::isdigit(static_cast<unsigned char>(text[i]))) count += text[i++];
        sum += share * (count.empty() ? 1.0 : std::stod(count));
    }
    return sum - share * (1.0 - last);
}

}  // namespace

TEST_CASE("bins of a class add up to what the account has of it, for every engine, link and slice") {
    const auto sender = [](tl::Context& tl) {
        const Tile a = tl.full({4, 8}, 1.0F), b = tl.full({8, 2}, 1.0F);
        const Tile c = tl.dot(a, b);
        tl.send(1, c + c);
        pause_ns(tl, 300);
        tl.send(1, c);
    };
    const auto receiver = [](tl::Context& tl) {
        const Tile first = tl.recv(0, {4, 2}, Dtype::f32);
        pause_ns(tl, 50);
        tl.wait(tl.dot(tl.recv(0, {4, 2}, Dtype::f32), tl.full({2, 2}, 1.0F)));
    };
    const Kernels kernels = {{0, sender}, {1, receiver}};
    const auto config = counting_line();
    TimeLapse lapse(Bytes(100000));
    for (const auto& part : run_kernels(config, kernels).components) lapse.add_component(part.path, part.kind);
    insight::Account account(&lapse);
    machine::SimulationOptions options;
    options.recorder = &account;
    const machine::Outcome outcome = run_kernels(config, kernels, ValueMode::none, options);
    std::vector<report::ComponentResult> components;
    for (std::size_t i = 0; i < outcome.components.size(); ++i) {
        const machine::Totals& totals = outcome.totals[i];
        components.push_back({outcome.components[i].path, outcome.components[i].kind, totals.busy, totals.queued,
                              totals.bytes, totals.work, totals.activities, outcome.components[i].peak_per_ns});
    }
    account.close(outcome.time, components);
    int compared = 0;
    for (std::size_t i = 0; i < outcome.components.size(); ++i) {
        CAPTURE(components[i].path);
        if (components[i].account.empty()) continue;
        CHECK(sums_of(lapse, static_cast<ComponentId>(i)) == sums_of(components[i]));
        ++compared;
    }
    CHECK(compared >= 6);
}

TEST_CASE("pictures of kernels agree with their accounts as far as their letters go") {
    const std::pair<std::string, std::string> panels[] = {{"multi_user_decode_validation", "mesh_kv"},
                                                          {"single_user_prefill_validation", "ring_kv"},
                                                          {"programs/mesh_wave", "attention_wave"}};
    for (const auto& [panel, label] : panels) {
        CAPTURE(panel, label);
        const Traced ran = traced(shipped_panel(panel, label), {}, false, Bytes(400000));
        const Json& pictures = ran.result.pictures;
        const auto width = pictures["bin_ps"].get<double>();
        const auto bins = pictures["bins"].get<double>();
        const auto time = static_cast<double>(ran.result.time.value());
        CHECK(width * bins >= time);
        CHECK(width * (bins - 1) < time);
        for (std::size_t i = 0; i < ran.result.components.size(); ++i) {
            const report::ComponentResult& part = ran.result.components[i];
            if (part.kind == "processor") continue;
            CAPTURE(part.path);
            Sums sums = sums_of(part);
            if (part.account.empty()) sums.clear();
            for (const Json& row : lane_of(pictures, i)) {
                const std::string name = pictures["classes"][row[0].get<std::size_t>()];
                const double shown = width * sum_of(row[1], time / width - (bins - 1));
                CHECK(std::abs(shown - static_cast<double>(sums[name])) <= width * bins / 63.0);
                sums.erase(name);
            }
            CHECK(sums.empty());
        }
    }
}

TEST_CASE("what a run takes and what its result says does not depend on pictures") {
    const Json panel = shipped_panel("single_user_prefill_validation", "ring_kv");
    report::KernelResult with = traced(panel, {}, false, Bytes(100000)).result;
    report::KernelResult without = traced(panel, {}, false).result;
    CHECK(without.pictures.is_null());
    CHECK_FALSE(with.pictures.is_null());
    const Json parts = report::kernel_to_json(with);
    CHECK(report::read_kernel_result(parts, "test").pictures == with.pictures);
    CHECK(parts["result"] == report::kernel_to_json(without)["result"]);
    CHECK(parts["result"].dump().find("lanes") == std::string::npos);
}

TEST_CASE("pictures fit the room that they are given, and a trace beside them changes nothing") {
    const Json panel = shipped_panel("multi_user_decode_validation", "mlo_doubling");
    for (const std::uint64_t room : {20000U, 60000U, 400000U}) {
        CAPTURE(room);
        const Json pictures = traced(panel, {}, false, Bytes(room)).result.pictures;
        CHECK(pictures["bins"].get<int>() >= 9);
        if (pictures["bins"].get<int>() > 16) CHECK(pictures["lanes"].dump().size() <= room / 8 * 5);
        CHECK(pictures["slices"].dump().size() <= room / 4 * 2 + 1000);
        CHECK(traced(panel, {}, true, Bytes(room)).result.pictures == pictures);
    }
}

TEST_CASE("bins become twice as wide when the run outgrows them, and keep what they have") {
    TimeLapse lapse(Bytes(100000));
    lapse.add_component("machine.cube0.pe0.matrix", "matrix");
    const auto dot = insight::class_of(Opcode::dot);
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < 5000; ++i) {
        lapse.spent(0, dot, Picoseconds(i * 3001), Picoseconds(i * 3001 + i % 2999 + 1));
        sum += i % 2999 + 1;
    }
    CHECK(sums_of(lapse, 0) == Sums{{"dot", sum}});
    CHECK(lapse.width() == Picoseconds(16000));  // 15 us in 1024 bins, doubled from 1 ns
    CHECK(lapse.rows(0).front().bins.size() <= 1024);
}

TEST_CASE("a stretch lies in all bins that it touches, and the last bin ends with the run") {
    TimeLapse lapse(Bytes(100000));
    lapse.add_component("machine.cube0.pe0.matrix", "matrix");
    lapse.spent(0, insight::class_of(Opcode::dot), Picoseconds(0), Picoseconds(1500));
    const Json pictures = lapse.close(Picoseconds(1500));
    CHECK(pictures["bins"] == 2);
    CHECK(pictures["lanes"][0][1][0][1] == ":2");
}

TEST_CASE("shares are letters with counts; something is never nothing, and not quite all never all") {
    CHECK(insight::written_shares({0, 0, 0, 1, 0.5}) == "A3:g");
    CHECK(insight::written_shares({1e-9, 1 - 1e-9}) == "B.");
    CHECK(insight::written_shares({2.0}) == ":");
    CHECK(insight::written_shares({}).empty());
}

TEST_CASE("single commands are kept of as many PEs as there is room for, the last among them") {
    const auto run = [](std::uint64_t room) {
        TimeLapse lapse{Bytes(room)};
        for (int pe = 0; pe < 8; ++pe)
            lapse.add_component("machine.cube0.pe" + std::to_string(pe) + ".matrix", "matrix");
        Reasons reasons;
        reasons.command = static_cast<std::uint8_t>(Opcode::dot);
        for (std::uint64_t i = 0; i < 100; ++i)
            for (ComponentId pe = 0; pe < 8; ++pe) {
                Activity activity;
                activity.component = reasons.pe = pe;
                activity.begin = Picoseconds(i * 100);
                activity.end = Picoseconds(i * 100 + 60);
                lapse.explained(activity, reasons);
            }
        return lapse.close(Picoseconds(10000))["slices"];
    };
    const Json all = run(1000000), some = run(4 * 16 * 250), few = run(4 * 16 * 50);
    CHECK(all["every"] == 1);
    CHECK(all["lanes"].size() == 8);
    CHECK(all["lanes"][3][1].size() == 300);
    CHECK(all["lanes"][3][1][1] == 0);   // from 0 on
    CHECK(all["lanes"][3][1][4] == 40);  // between the first and the second
    CHECK(all["lanes"][3][1][5] == 60);
    CHECK(all["until_ps"].is_null());
    CHECK(some["every"] == 4);
    REQUIRE(some["lanes"].size() == 2);
    CHECK(some["lanes"][0][0] == 3);
    CHECK(some["lanes"][1][0] == 7);
    CHECK(few["every"] == 8);
    REQUIRE(few["lanes"].size() == 1);
    CHECK(few["lanes"][0][0] == 7);
    CHECK(few["until_ps"] == 5000);
    CHECK(few["lanes"][0][1].size() == 150);
}

TEST_CASE("errors by head and by rank are those of all rows that were checked") {
    Json panel = shipped_panel("single_user_prefill_validation", "ring_kv");
    for (const char* mode : {"full", "sampled"}) {
        CAPTURE(mode);
        panel["values"] = {{"mode", mode}};
        const report::KernelResult result = traced(panel, {}, false, Bytes(100000)).result;
        std::map<std::string, std::uint64_t> rows;
        std::map<std::string, double> greatest;
        for (const Json& one : result.pictures["errors"]) {
            const std::string sort = one["of"].get<std::string>().substr(0, 4);
            rows[sort] += one["rows"].get<std::uint64_t>();
            greatest[sort] = std::max(greatest[sort], one["max_error"].get<double>());
            CHECK(one["relative_l2"].get<double>() < 2 * result.verdict.tolerance);
        }
        for (const char* sort : {"head", "rank"}) {
            CAPTURE(sort);
            CHECK(rows[sort] == result.verdict.rows_checked);
            CHECK(greatest[sort] == result.verdict.max_error);
        }
    }
}

TEST_CASE("messages are counted by sender and receiver") {
    const Traced ran = traced(shipped_panel("single_user_prefill_validation", "ring_kv"), {}, false, Bytes(400000));
    std::uint64_t bytes = 0, messages = 0, sent = 0, sends = 0;
    for (const Json& message : ran.result.pictures["messages"]) {
        CHECK(message[0] != message[1]);
        messages += message[2].get<std::uint64_t>();
        bytes += message[3].get<std::uint64_t>();
    }
    for (const report::ComponentResult& part : ran.result.components) {
        if (part.kind != "send") continue;
        sent += part.bytes.value();
        sends += part.activities;
    }
    CHECK(bytes == sent);
    CHECK(messages == sends);
    CHECK(ran.result.pictures["messages_left_out"] == 0);
}
