// SPDX-License-Identifier: Apache-2.0
// The backward kernels through panels: dq, dk and dv against gradients computed in f64 by an independent framework,
// under every sharding and tight SRAMs; what they refuse; what they leave alone.
#include "sim/base/error.h"
#include "sim/base/safetensors.h"
#include "tests/base/scratch.h"
#include "tests/kernels/experiment.h"
#include "tests/kernels/tensors.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace kernel_test;

namespace {

const std::string golden_file = TILEMESH_TEST_DATA "/attention_golden.safetensors";

Json golden_mask(const Json& parameters) {
    const Json causal = {{"kind", "causal"}};
    if (parameters["mask_kind"] != "segments+causal") return {{"kind", parameters["mask_kind"]}};
    return {{"all_of", {causal, {{"kind", "segments"}, {"lengths", parameters["lengths"]}}}}};
}

/// Every backward kernel on the golden case, on `n` ranks.
Json golden_panel(const SafetensorsFile& golden, const std::string& name, int n) {
    const Json parameters = Json::parse(golden.metadata().at(name));
    const Json problem = {
        {"heads_q", parameters["heads_q"]},
        {"heads_kv", parameters["heads_kv"]},
        {"head_dim", parameters["head_dim"]},
        {"value_dim", parameters["value_dim"]},
        {"scale", parameters["scale"]},
        {"users", Json::array({{{"keys", parameters["keys"]}, {"queries", parameters["queries"]}}})},
        {"mask", golden_mask(parameters)}};
    Json json = panel_of(line_of(n), problem, backward_kernels());
    json["inputs"] = {{"tensors", golden_file}, {"prefix", name + "."}};
    return json;
}

Json backward_panel(int n, const std::string& mask) {
    return panel_of(line_of(n), distinct_problem(mask), backward_kernels());
}

void check_all_pass(const Json& json) {
    Experiment experiment(json);
    for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
        CAPTURE(json.dump(), experiment.choice(kernel).kernel);
        const Ran ran = experiment.run(kernel);
        INFO(ran.result.verdict.why);
        CHECK(ran.result.verdict.pass);
    }
}

}  // namespace

TEST_CASE("every golden gradient is met to 1e-3 in f16, on 1 to 5 ranks, ragged shards, any sharding") {
    const SafetensorsFile golden(golden_file);
    std::size_t cases = 0;
    for (const auto& [name, text] : golden.metadata()) {
        if (name.rfind("grad_", 0) != 0) continue;
        ++cases;
        for (int n = 1; n <= 5; ++n)  // 80 tokens on 3 ranks are ragged
            for (const char* sharding : {"contiguous", "zigzag", "striped"}) {
                Json json = golden_panel(golden, name, n);
                json["ranks"] = {{"sharding", sharding}};
                Experiment experiment(json);
                for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
                    CAPTURE(name, n, sharding, experiment.choice(kernel).kernel);
                    const Ran ran = experiment.run(kernel);
                    CHECK(ran.result.verdict.pass);
                    double worst = 0.0;
                    for (const char* gradient : {"dq", "dk", "dv"})
                        worst = std::max(worst, relative_l2(ran.output(std::string("user0.") + gradient),
                                                            golden.read_floats(name + "." + gradient)));
                    CHECK(worst <= 1e-3);
                    CHECK(worst == Approx(ran.result.verdict.relative_l2).epsilon(1e-3));
                }
            }
    }
    CHECK(cases == 3);
}

TEST_CASE("masks of every shape have the right gradients, with ranks and rows that see nothing") {
    const Json masks = {{{"kind", "sliding_window"}, {"window", 7}},
                        {{"kind", "dilated"}, {"segment", 30}, {"dilation", 3}},
                        {{"kind", "sparse_fixed"}, {"stride", 11}, {"c", 2}},
                        {{"all_of", {{{"kind", "causal"}}, {{"kind", "key_bias"}, {"std", 2.0}}}}}};
    for (const Json& mask : masks)
        for (const char* sharding : {"contiguous", "zigzag", "striped"}) {
            Json json = backward_panel(4, "full");
            json["problem"]["mask"] = mask;
            json["problem"]["users"] =
                Json::array({{{"keys", 97}, {"queries", 53}, {"query_offset", 60}}, {{"keys", 5}, {"queries", 3}}});
            json["ranks"] = {{"sharding", sharding}};
            check_all_pass(json);
        }
}

TEST_CASE("queries before the first key, users without keys and users without queries have gradients of 0") {
    for (const char* mask : {"causal", "full"})
        for (const char* sharding : {"contiguous", "striped"})
            for (const int n : {1, 4}) {
                Json json = backward_panel(n, mask);
                json["problem"]["users"] = Json::array({{{"keys", 41}, {"queries", 97}, {"query_offset", -56}},
                                                        {{"keys", 0}, {"queries", 9}},
                                                        {{"keys", 13}, {"queries", 0}},
                                                        {{"keys", 0}, {"queries", 0}}});
                json["ranks"] = {{"sharding", sharding}};
                Experiment experiment(json);
                for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
                    CAPTURE(mask, sharding, n, experiment.choice(kernel).kernel);
                    const Ran ran = experiment.run(kernel);
                    INFO(ran.result.verdict.why);
                    CHECK(ran.result.verdict.pass);
                    CHECK(ran.output("user1.dq") == std::vector<float>(9 * 6 * 24));
                    CHECK(ran.output("user2.dk") == std::vector<float>(13 * 2 * 24));
                    CHECK(ran.output("user2.dv") == std::vector<float>(13 * 2 * 40));
                    if (std::string(mask) == "full") continue;
                    const std::vector<float>& dq = ran.output("user0.dq");  // query 55 is at position -1
                    CHECK(std::all_of(dq.begin(), dq.begin() + 56 * 6 * 24, [](float x) { return x == 0.0F; }));
                    CHECK(std::any_of(dq.begin() + 56 * 6 * 24, dq.end(), [](float x) { return x != 0.0F; }));
                }
            }
}

TEST_CASE(
    "rows that see only their sink have its whole softmax: what comes into their lse is the gradient of the sink") {
    // 53 queries before the first key. o = 0, so D = -dlse, and dsink = -exp(sink - lse) D with lse = sink.
    for (const int n : {1, 4}) {
        Json json = backward_panel(n, "causal");
        json["problem"]["users"][0]["query_offset"] = -53;
        json["problem"]["sink"] = {{"std", 2.0}};
        json["problem"]["lse_gradient"] = {{"std", 1.0}, {"seed", 6}};
        Experiment experiment(json);
        const attention::LseGradient& coming = *experiment.panel().problem.lse_gradient;
        for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
            CAPTURE(n, experiment.choice(kernel).kernel);
            const std::vector<float> dsink = experiment.run(kernel).output("user0.dsink");
            REQUIRE(dsink.size() == 6);
            for (std::uint64_t head = 0; head < 6; ++head) {
                double sum = 0.0;
                for (std::uint64_t query = 0; query < 53; ++query) sum += coming.at(0, head * 53 + query);
                CHECK(dsink[head] == Approx(sum).epsilon(1e-4));
            }
        }
    }
}

TEST_CASE("bf16 and f32 storage have the gradients that their precision allows") {
    for (const char* mask : {"full", "causal"})
        for (const char* dtype : {"bf16", "f32"}) {
            Json json = backward_panel(5, mask);
            json["problem"]["dtype"] = dtype;
            check_all_pass(json);
        }
}

TEST_CASE("exponentials below 2^-126 are 0, in gradients that pass as in those that are judged") {
    // A channel far out, as activations have: scores of some hundred, of either sign.
    Json problem = distinct_problem("causal");
    for (const char* dtype : {"f32", "bf16", "f16"}) {
        problem["dtype"] = dtype;
        TensorFile tensors(problem);
        tensors.fill_normal(5);
        const TensorFile ordinary = tensors;
        for (const std::string name : {"q", "k"})
            tensors.fill(name, [&](const Element& e) { return ordinary.at(name, e) * (e.dim == 3 ? 30.0 : 1.0); });
        const ScratchFolder scratch;
        tensors.write(scratch / "x.safetensors");
        Json json = panel_of(line_of(4), problem, backward_kernels());
        json["inputs"] = {{"tensors", (scratch / "x.safetensors").string()}};
        check_all_pass(json);
    }
}

TEST_CASE("a query that sees one key has no gradient but dv, and small probabilities keep their digits in f16") {
    Json one = backward_panel(3, "full");
    one["problem"]["mask"] = {{"kind", "sliding_window"}, {"window", 1}, {"side", "causal"}};
    check_all_pass(one);
    // 4096 visible keys: probabilities of 2^-12 on average, where f16 has 2 digits left for the smallest of them.
    Json many = panel_of(line_of(2),
                         {{"heads_q", 1},
                          {"head_dim", 16},
                          {"value_dim", 24},
                          {"users", Json::array({{{"keys", 4096}, {"queries", 40}}})}},
                         backward_kernels());
    many["tolerance"] = {{"relative_l2", 4e-4}};
    check_all_pass(many);
}

TEST_CASE("a tight SRAM brings query blocks in one by one, with the same answer") {
    for (const char* mask : {"full", "causal"})
        for (const int kib : {64, 96, 160}) {
            Json json = backward_panel(3, mask);
            json["machine"]["pe"] = {{"sram_bytes", kib << 10}};
            json["problem"]["users"][0] = {{"keys", 311}, {"queries", 203}};
            Experiment experiment(json);
            CHECK_FALSE(experiment.arrangement(0).tiling.queries_stay);
            check_all_pass(json);
        }
}

TEST_CASE("tiles that are said to need so many bytes of SRAM run in so many, most of which gradients take") {
    // One query and 64 keys of 64 and 64 elements at a time: dk and dv in f32 are twice k and v.
    Json json = panel_of(line_of(2),
                         {{"heads_q", 1},
                          {"head_dim", 64},
                          {"value_dim", 64},
                          {"users", Json::array({{{"keys", 256}, {"queries", 6}}})}},
                         Json::array());
    for (const std::string& kernel : backward_kernels()) {
        CAPTURE(kernel);
        json["kernels"] = {
            {{"kernel", kernel}, {"tile_heads", 1}, {"tile_queries", 1}, {"tile_keys", 64}, {"piece_keys", 64}}};
        json["machine"]["pe"] = {{"sram_bytes", 4096}};
        const std::string refusal = input_error([&] { Experiment(json).arrangement(); });
        const std::string before = "(pieces of 64 keys) need ";
        const std::size_t at = refusal.find(before);
        REQUIRE(at != std::string::npos);
        json["machine"]["pe"] = {{"sram_bytes", std::stoll(refusal.substr(at + before.size()))}};
        check_all_pass(json);
    }
}

TEST_CASE("tiles and pieces of every relation have the same gradients") {
    for (const auto& [queries, keys, piece] : {std::tuple{7, 5, 11}, {50, 9, 4}, {3, 60, 60}, {53, 97, 1}}) {
        Json json = backward_panel(4, "causal");
        for (Json& kernel : json["kernels"])
            kernel = {{"kernel", kernel},
                      {"tile_queries", queries},
                      {"tile_keys", keys},
                      {"piece_keys", piece},
                      {"tile_heads", 1}};
        check_all_pass(json);
    }
}

TEST_CASE("a cube whose PEs divide the heads, more ranks than tokens, and a ring have the right gradients") {
    Json cubes =
        panel_of({{"base", "machines/cubes_4x4.json"}, {"cubes", {{"topology", "mesh"}, {"rows", 2}, {"cols", 2}}}},
                 distinct_problem("causal"), backward_kernels());
    cubes["ranks"] = {{"unit", "cube"}};
    check_all_pass(cubes);
    Json few = backward_panel(8, "causal");
    few["problem"]["users"] = Json::array({{{"keys", 5}, {"queries", 3}}});
    check_all_pass(few);
    Json ring = backward_panel(6, "full");
    ring["machine"]["cube"]["topology"] = "ring";
    check_all_pass(ring);
}

TEST_CASE("forward and backward kernels stand side by side in one panel, and the forward ones do not notice") {
    Json mixed = backward_panel(4, "causal");
    mixed["kernels"].push_back("mesh_kv");
    Json alone = mixed;
    alone["kernels"] = {"mesh_kv"};
    Experiment both(mixed), forward(alone);
    CHECK(both.run(mixed["kernels"].size() - 1).output("user0.o") == forward.run(0).output("user0.o"));
    check_all_pass(mixed);
}

TEST_CASE("the useful work of a backward pass is five products: 2 (3 head_dim + 2 value_dim) per visible pair") {
    Json json = backward_panel(2, "full");  // 53 queries x 97 keys under 6 heads, dimensions 24 and 40
    Experiment experiment(json);
    CHECK(experiment.run(0).result.flops == std::uint64_t{53 * 97 * 6} * 2 * (3 * 24 + 2 * 40));
}

TEST_CASE("links carry what the backward tables say, without values too, and nothing stays in the SRAM") {
    for (const char* mask : {"full", "causal"}) {
        Json json = backward_panel(5, mask);
        Experiment experiment(json);
        json["values"] = {{"mode", "none"}};
        Experiment none(json);
        for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
            CAPTURE(mask, experiment.choice(kernel).kernel);
            const workloads::Arrangement a = experiment.arrangement(kernel);
            const Ran ran = experiment.run(kernel);
            const attention::LinkTraffic table = attention::link_traffic(
                a.schedule, attention::whole_items(experiment.panel().problem, a.needs, a.schedule),
                attention::line_route());
            std::uint64_t hop_bytes = 0;
            for (const auto& [link, bytes] : link_bytes(ran.result)) hop_bytes += bytes;
            CHECK(hop_bytes == table.hop_bytes);
            CHECK(timing_of(ran.result) == timing_of(none.run(kernel).result));
            CHECK(timing_of(ran.result) == timing_of(Experiment(json).run(kernel).result));
            const Simulated simulated = simulate(none, kernel, true);
            CHECK(timing_of(simulated.outcome) == timing_of(simulate(none, kernel).outcome));
            for (const std::uint64_t held : simulated.sram_held) CHECK(held == 0);
        }
    }
}

TEST_CASE("sampled values are refused, because dk and dv sum over all queries") {
    Json json = backward_panel(3, "full");
    json["values"] = {{"mode", "sampled"}};
    Experiment experiment(json);
    for (std::size_t kernel = 0; kernel < experiment.kernels(); ++kernel) {
        std::string said;
        try {
            experiment.run(kernel);
        } catch (const InputError& error) {
            said = error.what();
        }
        CHECK(said.find("cannot run this: dk and dv sum over all queries") != std::string::npos);
    }
}
