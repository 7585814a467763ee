// SPDX-License-Identifier: Apache-2.0
// Attention on chips: what a row takes from its experiment, which rows have nothing to compare with, what each chip
// does in a step, and that predictions follow the machine's costs.
#include "sim/validation/chip_attention.h"
#include "kernels/all.h"
#include "sim/base/error.h"
#include "sim/validation/families.h"
#include "sim/workloads/attention/attention_run.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::validation;

namespace {

Json experiment(const Json& rows) {
    return {{"experiment", "e"}, {"q_heads", 4},  {"kv_heads", 1}, {"d_qk", 64},
            {"d_v", 32},         {"chips", 4},    {"cores", 8},    {"causal", 1},
            {"balanced", 1},     {"q_chunk", 32}, {"k_chunk", 64}, {"tokens_per_chip", 256},
            {"rows", rows}};
}

std::vector<ChipAttention> rows_of(const Json& one) {
    const Json file = {{"experiments", {one}}};
    JsonReader reader(file, "t.json");
    return read_chip_attention(reader);
}

ChipAttention row_of(const Json& row) { return rows_of(experiment(Json::array({row}))).at(0); }

}  // namespace

TEST_CASE("a row has what its experiment says unless it says otherwise itself") {
    const ChipAttention plain = row_of({{"time_ms", 2.5}});
    CHECK(plain.left_out == "");
    CHECK(plain.ms == 2.5);
    CHECK(plain.tokens == 256);
    CHECK(plain.keys == "multicast");
    CHECK(plain.paired);
    const ChipAttention own = row_of({{"time_us", 500}, {"tokens_per_chip", 512}, {"q_heads", 8}, {"causal", 0}});
    CHECK(own.ms == 0.5);
    CHECK(own.tokens == 512);
    CHECK(own.q_heads == 8);
    CHECK_FALSE(own.causal);
    CHECK(own.name() == "e: 8 heads, 512 tokens a chip");
    CHECK(row_of({{"time_ms", nullptr}, {"time_ms_from_utilisation", 3}}).ms == 3);
    // 2 x 256 queries x 1024 keys x 96 x 4 heads / 2 in 8 x 1.35 x 2048 flop a ns at 50 %.
    CHECK(row_of({{"math_utilisation_percent", 50}}).ms ==
          Approx(2.0 * 256 * 1024 * 96 * 4 / 2 / (8 * 1.35 * 2048 * 0.5) / 1e6));
}

TEST_CASE("steps and devices have several names, and a list of times is one for each step") {
    const auto rows = rows_of(experiment({{{"chip", 3}, {"time_ms", {2.5, 1.5, nullptr}}}}));
    REQUIRE(rows.size() == 3);
    CHECK(rows[1].device == 3);
    CHECK(rows[1].step == 1);
    CHECK(rows[1].ms == 1.5);
    CHECK(rows[1].name() == "e: chip 3, step 1");
    CHECK(rows[2].left_out == "no time");
    CHECK(row_of({{"time_ms", 1}, {"ring_step", 2}, {"ring_index", 1}}).step == 2);
    CHECK(row_of({{"time_ms", 1}, {"work", "causal (step 0)"}}).work == StepWork::causal);
    CHECK(row_of({{"math_utilisation_percent", 50}, {"step", 1}}).left_out == "no time");
    CHECK(row_of({{"math_utilisation_percent", 50}, {"step", 0}}).left_out == "");
}

TEST_CASE("rows with nothing to compare say why") {
    const auto why = [](const Json& row) { return row_of(row).left_out; };
    CHECK(why({{"time_ms", nullptr}}) == "no time");
    CHECK(why({{"time_ms", 1}, {"tokens_per_chip", "per row"}}).starts_with("no shape"));
    CHECK(why({{"time_ms", 1}, {"kv_heads", 3}}).starts_with("no shape"));
    CHECK(why({{"time_ms", 1}, {"state", "before something"}}) == "an earlier state of the software");
    CHECK(why({{"time_ms", 1}, {"fidelity", "HiFi9"}}) == "a fidelity without a rate");
    CHECK(why({{"time_ms", 1}, {"kv_dtype", "bfloat4_b"}}) == "keys of a type without a size");
    CHECK(why({{"time_ms", 1}, {"what", "on a Wormhole"}}) == "a chip for whose cores nothing was measured");
    CHECK(why({{"time_ms", 1}, {"work", "sideways"}}) == "work that is none of full, causal, up, down");
    CHECK(why({{"time_ms", 1}, {"device", 4}}) == "a device or step beyond the chips");
    CHECK(why({{"time_ms", 1}, {"variant", "2 chunks deep"}}).starts_with("a change of the kernel"));
    CHECK(why({{"time_ms", 1}, {"step", 2}, {"device", 1}, {"balanced", 0}}) == "a step in which nothing is seen");
    CHECK_THROWS_AS(row_of({{"time_ms", 1}, {"q_heads", -4}}), InputError);
    CHECK_THROWS_AS(rows_of(experiment(Json::array({7}))), InputError);
}

TEST_CASE("of builds of one shape the last with a time is compared") {
    const auto rows = rows_of(experiment({{{"build", "a"}, {"time_ms", 1}},
                                          {{"build", "b"}, {"time_ms", 2}},
                                          {{"build", "c"}, {"time_ms", 3}, {"q_chunk", 64}},
                                          {{"build", "d"}, {"time_ms", nullptr}}}));
    CHECK(rows[0].left_out == "an earlier state of the software");
    CHECK(rows[1].left_out == "");
    CHECK(rows[2].left_out == "");
    CHECK(rows[3].left_out == "no time");
}

TEST_CASE("words of a state say how keys come to cores, and what was measured last where there are none") {
    const auto keys = [](const Json& row) { return row_of(row).keys; };
    CHECK(keys({{"state", "every core reads K/V from DRAM"}}) == "read_by_each");
    CHECK(keys({{"state", "K/V forwarded core to core"}}) == "chained");
    CHECK(keys({{"build", "one K multicast chain per row"}}) == "multicast");
    CHECK(keys({{"work", "up"}}) == "chained");
    CHECK(keys({{"chips", 1}, {"what", "cores each read K"}}) == "read_by_each");
    CHECK_FALSE(row_of({{"state", "head chains"}}).paired);
    CHECK_FALSE(row_of({{"balanced", 0}}).paired);
}

TEST_CASE("a chip sees the first half of earlier chips' keys with all queries, of later ones all keys with half") {
    ChipAttention row;
    row.causal = row.balanced = true;
    CHECK(row.work_of(0, 2) == StepWork::causal);
    CHECK(row.work_of(2, 2) == StepWork::up);
    CHECK(row.work_of(3, 2) == StepWork::down);
    row.balanced = false;
    CHECK(row.work_of(2, 2) == StepWork::full);
    CHECK(row.work_of(3, 2) == StepWork::none);
    row.causal = false;
    CHECK(row.work_of(3, 2) == StepWork::full);
}

TEST_CASE("a machine without a transfer is a row of its own suite") {
    const std::string group = "transfers removed, handshakes kept";
    const ChipAttention read = row_of({{"time_ms", 1}, {"group", group}, {"variant", "K read from DRAM"}});
    CHECK(read.removed);
    CHECK(read.without_read);
    CHECK_FALSE(read.without_pass);
    CHECK_FALSE(row_of({{"time_ms", 1}, {"group", group}, {"variant", "nothing removed"}}).removed);
    CHECK(row_of({{"time_ms", 1}, {"group", group}, {"variant", "all"}}).without_blocks);
    CHECK(row_of({{"time_ms", 1}, {"group", group}, {"variant", "masks"}}).left_out != "");
}

TEST_CASE("a step is the chip's block product, by the costs of the machine") {
    const workloads::AttentionKind kind(kernels::all());
    const run::Workloads workloads = {&kind};
    const Surroundings surroundings{TILEMESH_CONFIGS, workloads};
    // 8 query blocks of 4 heads on 8 cores: 4 each in a row; chunks of 64 keys.
    const auto ms = [&](const Json& given) {
        Json row = given;
        row["time_ms"] = 1;
        return predicted_ms(row_of(row), surroundings);
    };
    const double chunk_ns = 32.0 * 64 * 96 / (1024 * 1.35) + (4200 + 0.26 * 32 * 32) / 1.35;
    const double block_ns = 32.0 * 96 / 3.6;
    CHECK(ms({{"work", "full"}}) * 1e6 == Approx(4 * block_ns + 4 * 4 * chunk_ns).epsilon(0.02));
    CHECK(ms({{"work", "up"}}) * 1e6 == Approx(4 * block_ns + 4 * 2 * chunk_ns).epsilon(0.02));
    CHECK(ms({{"work", "down"}}) * 1e6 == Approx(2 * block_ns + 2 * 4 * chunk_ns).epsilon(0.02));
    CHECK(ms({{"device", 3}}) == Approx(ms({{"work", "causal"}}) + 3 * ms({{"work", "up"}})));
    CHECK(ms({{"step", 1}}) == Approx(ms({{"work", "up"}})));  // the longest of all devices
    // A whole ring: its first step pairs blocks and waits for no turn, so that 4 + 1, 3 + 2, ... chunks are even.
    const double ring = ms(Json::object()) * 1e6;
    CHECK(ring == Approx(4 * 4 * block_ns + (10 + 3 * 8) * chunk_ns).epsilon(0.05));
}
