// SPDX-License-Identifier: Apache-2.0
// K and V in pages: no value and no byte on a link changes, HBM pays for what the table scatters, and the result says
// what that was against contiguous tensors.
#include "sim/report/summary.h"
#include "tests/base/scratch.h"
#include "tests/base/tensor_bytes.h"
#include "tests/kernels/experiment.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>

using namespace kernel_test;

namespace {

/// With its HBM bytes, which are a sum over slices.
Ran summarised(Ran ran) {
    report::summarise(ran.result);
    return ran;
}

Json shuffled(int page_keys) { return {{"page_keys", page_keys}, {"table", "shuffled"}, {"seed", 3}}; }

/// A decode of one head on one PE whose page table is the tensor `entries`; time and bytes only.
Ran decode_with(const std::vector<std::int32_t>& entries, int page_keys, int keys, const Json& machine) {
    const ScratchFolder folder;
    const auto numbers = [](int count) {
        return bytes_of(std::vector<float>(static_cast<std::size_t>(count), 1.0F));
    };
    std::ofstream(folder / "x.safetensors", std::ios::binary)
        << tensor_file({{"q", "F32", "[1,1,24]", numbers(24)},
                        {"k", "F32", fmt::format("[{},1,24]", keys), numbers(keys * 24)},
                        {"v", "F32", fmt::format("[{},1,24]", keys), numbers(keys * 24)},
                        {"page_table", "I32", fmt::format("[{}]", entries.size()), bytes_of(entries)}});
    Json problem = {{"heads_q", 1},
                    {"head_dim", 24},
                    {"pages", {{"page_keys", page_keys}}},
                    {"users", Json::array({{{"keys", keys}, {"queries", 1}}})}};
    Json json = panel_of(machine, problem, Json::array({"head_parallel"}));
    json["inputs"] = {{"tensors", (folder / "x.safetensors").string()}};
    return summarised(Experiment(json).run());
}

std::vector<std::int32_t> places(int count, int step) {
    std::vector<std::int32_t> list;
    for (int i = 0; i < count; ++i) list.push_back(step > 0 ? i * step : -step * (count - 1 - i));
    return list;
}

}  // namespace

TEST_CASE("pages change no value and no byte on a link, and the result tells the run without them") {
    std::vector<std::string> kernels = exact_kernels();
    for (const std::string& name : backward_kernels()) kernels.push_back(name);
    Json problem = distinct_problem("causal");
    Experiment contiguous(panel_of(line_of(4), problem, kernels));
    for (const int page_keys : {1, 7, 16, 1000}) {
        problem["pages"] = shuffled(page_keys);
        Experiment paged(panel_of(line_of(4), problem, kernels));
        for (const std::size_t kernel : paged.accepted()) {
            CAPTURE(page_keys, paged.choice(kernel).kernel);
            const Ran with = summarised(paged.run(kernel)), without = summarised(contiguous.run(kernel));
            CHECK(with.outputs == without.outputs);
            CHECK(link_bytes(with.result) == link_bytes(without.result));
            REQUIRE(with.result.paging);
            CHECK_FALSE(without.result.paging);
            CHECK(with.result.paging->contiguous_time == without.result.time);
            CHECK(with.result.paging->contiguous_hbm_bytes == without.result.hbm_bytes);
        }
    }
}

TEST_CASE("a key alone in its page costs the bursts it touches, unless its neighbour in memory follows") {
    // 64 keys of 48 bytes, K and V, in bursts of 64: alone each touches two bursts where 48 i crosses a boundary of
    // 64, which is two of every four; side by side they are 3072 bytes.
    constexpr int keys = 64, row = 48, burst = 64;
    std::uint64_t alone = 0;
    for (int i = 0; i < keys; ++i)
        alone += static_cast<std::uint64_t>((i * row + row - 1) / burst - i * row / burst + 1);
    const std::uint64_t extra = 2 * (alone * burst - keys * row);
    const Ran in_order = decode_with(places(keys, 1), 1, keys, line_of(1, "ideal_line"));
    const Ran backwards = decode_with(places(keys, -1), 1, keys, line_of(1, "ideal_line"));
    CHECK(in_order.result.hbm_bytes == in_order.result.paging->contiguous_hbm_bytes);
    CHECK(in_order.result.time == in_order.result.paging->contiguous_time);
    CHECK(backwards.result.hbm_bytes.value() == backwards.result.paging->contiguous_hbm_bytes.value() + extra);
}

TEST_CASE("entries that leave places free keep pages apart, whole pages of bursts cost nothing more") {
    // Every second place: one place lies between, so that nothing joins; four keys are 192 bytes, three bursts.
    const Ran apart = decode_with(places(16, 2), 4, 64, line_of(1, "ideal_line"));
    CHECK(apart.result.hbm_bytes == apart.result.paging->contiguous_hbm_bytes);
    const Ran one_by_one = decode_with(places(64, 2), 1, 64, line_of(1, "ideal_line"));
    CHECK(one_by_one.result.hbm_bytes > one_by_one.result.paging->contiguous_hbm_bytes);
    CHECK(decode_with(places(64, 9), 1, 64, line_of(1, "ideal_line")).result.hbm_bytes ==
          one_by_one.result.hbm_bytes);
}

TEST_CASE("a pool has room for every place up to its last page, and no kernel runs where the HBM has not") {
    // Entries 0, 1, 5, 9 lie at places 0, 1, 3, 5, one place being free in each gap: six pages of 16 keys of 24 f16.
    constexpr std::uint64_t pool = 6 * 16 * 24 * 2;
    // Tensors begin at whole rows of all channels; q, o and lse before K and V are smaller than one.
    const auto geometry = Experiment(panel_of(line_of(1, "ideal_line"), distinct_problem("full"), {"head_parallel"}))
                              .panel()
                              .machine.hbm.geometry;
    const std::uint64_t line = geometry.row * static_cast<std::uint64_t>(geometry.lanes());
    const auto refusal = [](std::uint64_t hbm_bytes) {
        Json machine = line_of(1, "ideal_line");
        machine["hbm"] = {{"bytes_per_pe", hbm_bytes}};
        return input_error([&] { decode_with({0, 5, 1, 9}, 16, 64, machine); });
    };
    const std::string needs = fmt::format(" of rank 0 in pages needs {} bytes of HBM", pool);
    CHECK_THAT(refusal(3 * line + pool - 1), Catch::Contains("user 0 k" + needs));
    CHECK_THAT(refusal(3 * line + pool), Catch::Contains("user 0 v" + needs));
    const std::uint64_t both = 3 * line + (pool + line - 1) / line * line + pool;
    CHECK_THAT(refusal(both - 1), Catch::Contains("user 0 v" + needs));
    CHECK(refusal(both) == "no error");
}

TEST_CASE("small pages scattered over HBM take longer than large ones, and than contiguous keys") {
    const auto time = [](int page_keys) {
        Json problem = {{"heads_q", 8},
                        {"heads_kv", 1},
                        {"head_dim", 128},
                        {"pages", shuffled(page_keys)},
                        {"users", Json::array({{{"keys", 8192}, {"queries", 1}}})}};
        Json json = panel_of(line_of(1), problem, Json::array({"head_parallel"}));
        json["values"] = {{"mode", "none"}};
        return Experiment(json).run().result;
    };
    const report::KernelResult one = time(1), many = time(256);
    CHECK(one.time > many.time);
    CHECK(many.time >= many.paging->contiguous_time);
    CHECK(one.paging->contiguous_time == many.paging->contiguous_time);
}
