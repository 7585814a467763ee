// SPDX-License-Identifier: Apache-2.0
// Published tables: what a row is follows from its keys, fitted rows stand apart, what cannot be compared is counted
// with its reason, and mistakes are named by their path.
#include "sim/base/error.h"
#include "sim/validation/families.h"
#include "sim/validation/gpu_work.h"

#include <catch2/catch.hpp>

using namespace tilemesh;
using namespace tilemesh::validation;
using Catch::Contains;

namespace {

std::vector<Case> published_cases(const Json& file) {
    static const run::Workloads workloads;
    static const Surroundings surroundings{TILEMESH_CONFIGS, workloads};
    REQUIRE(published_family().recognises(file));
    return published_family().read(JsonReader(file, "p.json"), surroundings);
}
Case published_case(const Json& row) { return published_cases({{"any name", {row}}}).front(); }
std::string published_suite(const Json& row) { return published_case(row).suites.front(); }
std::string published_complaint(const Json& row) {
    try {
        published_case(row);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

Json ring_row(const std::string& changes = "{}") {
    Json row = Json::parse(R"({"gpu": "A100", "gpus": 8, "q_heads": 32, "kv_heads": 8, "head_dim": 128,
        "tokens_per_gpu": 8192, "causal": 1, "api": "batch", "passes": "forward", "algorithm": "zigzag",
        "one_gpu_flash_iterations_per_s": 80.0, "iterations_per_s": 9.0})");
    row.merge_patch(Json::parse(changes));
    return row;
}

const Json prefill = {{"cached_tokens", 120000}, {"new_tokens", 8000},   {"cp", 4}, {"tp", 8},
                      {"pass_kv_ttft_ms", 1000}, {"pass_q_ttft_ms", 990}};
const Json decode = {{"context", "128K"},      {"batch", 1},
                     {"configuration", "tp8"}, {"context_per_rank", "128K"},
                     {"one_attention_us", 40}, {"whole_pass_q_us", 40}};
const Json striped = {{"model", "3B"},
                      {"device", "TPU v4"},
                      {"model_parallel", 2},
                      {"ring", 8},
                      {"tile_queries", 2048},
                      {"tile_keys", 2048},
                      {"tokens_per_ring_device", 4096},
                      {"striped_over_ring", 1.09}};

Json changed(Json row, const char* key, const Json& value) {
    row[key] = value;
    return row;
}

}  // namespace

TEST_CASE("a published row is what its keys say, whatever its table is called, and fitted rows stand apart") {
    CHECK(published_suite(ring_row()) == "published_rings");
    CHECK(published_suite(ring_row(R"({"api": "qkvpacked"})")) == "published_rings_older");
    const char* fitted = R"({"api": "qkvpacked", "gpu": "H800", "algorithm": "stripe"})";
    CHECK(published_suite(ring_row(fitted)) == "published_rings_older_fitted");
    CHECK(published_suite(prefill) == "published_pass_q");
    CHECK(published_suite(decode) == "published_decode");
    CHECK(published_suite(striped) == "published_striped_fitted");
    CHECK(published_suite(changed(striped, "tokens_per_ring_device", 8192)) == "published_striped");
    CHECK(published_suite(changed(striped, "model", "7B")) == "published_striped");
    const Json small = changed(changed(striped, "model", "1B"), "device", "A100 80GB");
    CHECK(published_suite(small) == "published_striped_fitted");
    CHECK(published_suite(changed(small, "model_parallel", 1)) == "published_striped");
    for (const Suite& suite : published_family().suites)
        CHECK(suite.fitted == (suite.name.ends_with("_fitted") || suite.name == "published_steps"));
}

TEST_CASE("published rows that nothing can be compared with are counted with the reason") {
    const auto reason = [](const Json& row) {
        const Case one = published_case(row);
        CHECK_FALSE(one.measure);
        return one.left_out;
    };
    CHECK_THAT(reason(ring_row(R"({"gpu": "B200"})")), Contains("eight B200"));
    CHECK_THAT(reason(ring_row(R"({"algorithm": "double_ring"})")), Contains("double_ring"));
    CHECK_THAT(reason(changed(decode, "configuration", "tp16")), Contains("tp16"));
    CHECK_THAT(reason(changed(striped, "model", "65B")), Contains("65B"));
    CHECK_THAT(reason(changed(striped, "device", "TPU v9")), Contains("TPU v9"));
    const Json file = {{"about", {{"x", 1}}},
                       {"rows", {prefill}},
                       {"whole", {{{"context", "8K"}, {"ttft_ms", 1}}}},
                       {"strange", {{{"a", 1}}, 7}}};
    const std::vector<Case> cases = published_cases(file);
    REQUIRE(cases.size() == 4);
    CHECK_THAT(cases[1].left_out, Contains("whole models"));
    CHECK_THAT(cases[2].left_out, Contains("strange"));
    CHECK_THAT(cases[3].left_out, Contains("strange"));
    CHECK_FALSE(published_family().recognises({{"strange", {{{"a", 1}}}}}));
}

TEST_CASE("mistakes in published rows are named by their path") {
    CHECK_THAT(published_complaint(ring_row(R"({"passes": "backward"})")), Contains("p.json: /any name/0/passes"));
    CHECK_THAT(published_complaint(ring_row(R"({"gpus": 1})")), Contains("/any name/0/gpus"));
    CHECK_THAT(published_complaint(ring_row(R"({"sequence_bounds_cycled": []})")),
               Contains("sequence_bounds_cycled"));
    CHECK_THAT(published_complaint(ring_row(R"({"sequence_bounds_cycled": [[0, 100]]})")),
               Contains("/sequence_bounds_cycled/0") && Contains("tokens of a GPU"));
    CHECK_THAT(published_complaint(ring_row(R"({"sequence_bounds_cycled": [[0, 8192], [0, 101, 8192]]})")),
               Contains("/sequence_bounds_cycled/1/1"));
    CHECK_THAT(published_complaint(ring_row(R"({"sequence_bounds_cycled": [[0, 4096, 100, 8192]]})")),
               Contains("/sequence_bounds_cycled/0/2"));
    CHECK_THAT(published_complaint(changed(prefill, "tp", 7)), Contains("/tp"));
    CHECK_THAT(published_complaint(changed(decode, "context_per_rank", "much")), Contains("/context_per_rank"));
    CHECK_THAT(published_complaint(changed(decode, "context_per_rank", 128)), Contains("/context_per_rank"));
    CHECK_THAT(published_complaint(changed(striped, "model_parallel", 3)), Contains("/model_parallel"));
}

TEST_CASE("several sequences are divided as the algorithm does it") {
    Work work;
    work.gpus = 2;
    work.causal = true;
    work.sequences = {2, 4};
    const auto ids = [&](const std::string& algorithm) {
        work.algorithm = algorithm;
        return mask_of(work).at("all_of").at(1).value("ids", std::vector<int>());
    };
    // Each GPU an equal part of every sequence; zigzag two of four parts each.
    CHECK(ids("ring") == std::vector<int>{0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1});
    CHECK(ids("zigzag") == std::vector<int>{0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1});
    CHECK(ids("llama3_all_gather").empty());
    CHECK(mask_of(work).at("all_of").at(1).at("lengths") == Json{4, 8});
    work.sequences.clear();
    CHECK(mask_of(work) == Json{{"kind", "causal"}});
}
